import Ingest
import Model
import TestKit

// The replicas of a world: they write, die and come back, and what is stored of them is held against the rules.
extension World {
  /// One step of each pair: scrapes, bodies of both replicas in any order, and now and then one goes or comes.
  func actReplicas() throws {
    for place in pairs.indices {
      maybeToggle(place)
      pairs[place].scrape(at: trueTime)
      let first = pairNumbers.below(2)
      for replica in [first, 1 - first] { try send(place, replica) }
      noteWell(place)
    }
  }

  private func maybeToggle(_ place: Int) {
    guard pairNumbers.below(30) == 0 else { return }
    let replica = pairNumbers.below(2)
    let isDeath = pairNumbers.below(2) == 0
    if isDeath { pairs[place].replicas[replica].isAlive.toggle() }
    if !isDeath { pairs[place].replicas[replica].isOnline.toggle() }
    let now = pairs[place].replicas[replica]
    note(
      "replica \(now.name) of \(pairs[place].cluster) is \(now.isAlive ? "" : "dead ")\(now.isOnline ? "" : "cut off")")
  }

  private func send(_ place: Int, _ replica: Int) throws {
    guard pairs[place].replicas[replica].isOnline, pairs[place].replicas[replica].isAlive else { return }
    for _ in 0..<100 {
      guard let server, let next = pairs[place].next(of: replica) else { return }
      let failures = log.unwrittenTableCount
      let outcome = server.receive(pairs[place].message(next.series, of: replica))
      // The table is tried again with each body.
      isTableWritten = log.unwrittenTableCount == failures
      if disk.isStopped {
        isTableWritten = false
        return pairModels[place].doubt(next.series, of: replica, at: elapsed)
      }
      switch outcome {
      case .stored:
        if let complaint = pairModels[place].store(next.series, of: replica, at: elapsed) {
          throw Finding(description: "\(complaint), cluster \(pairs[place].cluster)")
        }
      case .refusedReplica(let message, _):
        let names = pairs[place].replicas.map(\.name)
        guard let elected = names.firstIndex(where: { message.hasSuffix("elected=\($0)") }), elected != replica else {
          throw Finding(description: "a replica was refused with: \(message)")
        }
        if let complaint = pairModels[place].refuse(
          next.series, of: replica, leader: elected, at: elapsed, isKept: trouble.clockStep == 0)
        {
          throw Finding(description: "\(complaint), cluster \(pairs[place].cluster)")
        }
      default:
        pairModels[place].doubt(next.series, of: replica, at: elapsed)
        pairModels[place].wellSince = nil
        if case .unavailable = outcome { return }
        if trouble.clockStep == 0 { throw Finding(description: "an honest replica was refused: \(outcome)") }
      }
      pairs[place].replicas[replica].queue.removeFirst(next.scrapes)
    }
  }

  /// Notes that all is well: then what the replica that is there sends must be seen a minute later.
  private func noteWell(_ place: Int) {
    let isWell =
      server != nil && !disk.isStopped && trouble.errorsUntil < 0 && trouble.diskFullUntil < 0 && trouble.clockStep == 0
    let writers = pairs[place].replicas.filter { $0.isAlive && $0.isOnline && $0.queue.isEmpty }.map(\.name)
    guard isWell, !writers.isEmpty else {
      pairModels[place].wellSince = nil
      pairWriters[place] = []
      return
    }
    let steady = pairWriters[place].intersection(writers)
    if steady.isEmpty || pairModels[place].wellSince == nil {
      pairModels[place].wellSince = elapsed
      pairWriters[place] = Set(writers)
    } else {
      pairWriters[place] = steady
    }
    if let since = pairModels[place].wellSince, elapsed - since >= 120_000 { pairModels[place].wellAt.append(trueTime) }
  }

  func startReplicas() {
    // A file that was damaged may have been the table.
    let isTableWhole = isTableWritten && !trouble.wantsCheck
    for place in pairs.indices { pairModels[place].start(at: elapsed, isTableWhole: isTableWhole) }
  }

  // MARK: checking

  func checkReplicas(from first: Int64) throws {
    guard let server, trouble.errorsUntil < elapsed, !disk.isStopped else { return }
    let last = trueTime + 2 * 86_400_000
    guard let found = try steadily({ try server.everything("r", from: first, through: last) }) else { return }
    for place in pairs.indices {
      let own = found.filter { $0.key["cluster"] == pairs[place].cluster }
      let differences = pairModels[place].samples.differences(own, from: first, through: last)
      count { $0.samplesCompared += pairModels[place].samples.acknowledgedCount }
      if let wrong = differences.wrong { throw Finding(description: "of replicas: \(wrong)") }
      if let before = trouble.damagedAt, log.damageCount > before {
        pairModels[place].samples.giveUp(differences.missing)
        pairModels[place].gapsJudgedFrom = trueTime
      } else if let missing = differences.missing.first {
        throw Finding(
          description:
            "\(differences.missing.count) samples of replicas are missing, the first of \(missing.series) at "
            + "\((missing.time - World.epoch) / 1000)s")
      }
      try checkTurns(place, own)
      pairModels[place].wellAt.removeAll { $0 < first }
    }
  }

  /// Samples of both replicas follow each other only where there was an election, and no gap is longer than fail-over needs.
  private func checkTurns(_ place: Int, _ found: [Labels: WorldModel.Times]) throws {
    for (labels, times) in found.sorted(by: { $0.key < $1.key }) {
      let sorted = times.keys.sorted()
      var turns: [Int64] = []
      for (one, next) in zip(sorted, sorted.dropFirst()) {
        let pair = pairs[place]
        let isTurn = pair.replica(ofSampleAt: one) != pair.replica(ofSampleAt: next)
        if isTurn && one > pairModels[place].turnsJudgedFrom { turns.append(next) }
        guard next - one > PairModel.gapMillisecondsMax, one > pairModels[place].gapsJudgedFrom else { continue }
        let well = pairModels[place].wellAt.first { $0 - PairModel.gapMillisecondsMax > one && $0 < next }
        if let well {
          throw Finding(
            description:
              "\(labels) has a gap of \((next - one) / 1000) s from \((one - World.epoch) / 1000)s, in which "
              + "all was well at \((well - World.epoch) / 1000)s")
        }
      }
      if turns.count > pairModels[place].elections {
        let quick = zip(turns, turns.dropFirst()).first { $1 - $0 < PairModel.failoverMilliseconds }
        throw Finding(
          description: "\(labels) changes between replicas \(turns.count) times, at "
            + "\(((quick?.0 ?? turns[0]) - World.epoch) / 1000)s more quickly than it may; there were "
            + "\(pairModels[place].elections) elections")
      }
    }
  }
}

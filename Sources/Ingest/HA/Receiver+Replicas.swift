import Format
import Model
import Platform
import TSDB

// The rows of a body that belong to replicas of HA pairs: found by the numbers their names carry, or by their labels where
// the names are new; judged pair by pair; and then appended, or taken out of the body before anything of them is appended.
extension Receiver {
  /// How often a body is judged again because a replica was elected while its refused body was put into the ring.
  private static let judgementsMax = 8

  /// Settles every row of a replica: refused ones are taken out, known ones of leaders appended, the others left in
  /// `unknown`. An outcome where the body is to be answered with it at once.
  func settleReplicas(
    _ body: UnsafeRawBufferPointer, _ form: BodyForm, _ bytes: UnsafeRawBufferPointer,
    _ scratch: ReceiveScratch, _ now: Int64, replaying: HAPair?
  ) -> ReceiveOutcome? {
    let options = scratch.haTerms.options
    guard options.isEnabled, !scratch.isOwn else {
      setAside(scratch) { _ in true }
      return nil
    }
    if scratch.batch.replicated.isEmpty && scratch.batch.unknown.isEmpty { return nil }
    findPairs(bytes, scratch, options, notAfter: head.newestTaken(now: now))
    if let replaying {
      for place in scratch.pairs.entries.indices {
        let isReplayed = scratch.pairs[place].pair == replaying
        scratch.pairs[place].fate = isReplayed ? .accepted : .refused(leader: "")
        // Nothing older than what a series has.
        scratch.pairs[place].supersededThrough = .max
      }
      dropPlainRows(scratch)
    } else if !scratch.pairs.isEmpty, let outcome = judge(body, form, scratch, now: clock.monotonicMilliseconds) {
      return outcome
    }
    takeOutRefused(scratch, isCounted: replaying == nil)
    scratch.batch.supersededThrough = scratch.pairs.entries.map(\.supersededThrough)
    head.appendReplicated(&scratch.batch, now: now)
    return nil
  }

  /// What is said of a body of which rows were refused because another replica leads; `outcome` is that of the others.
  func answer(_ outcome: ReceiveOutcome, _ scratch: ReceiveScratch) -> ReceiveOutcome {
    guard scratch.pairs.refusedRows > 0, scratch.pairs.refusedRows == scratch.batch.rows.rows.count, outcome == .stored
    else { return outcome }
    for entry in scratch.pairs.entries {
      if case .refused(let leader) = entry.fate {
        let (replica, elected) = (entry.pair.replica, leader)
        return .refusedReplica(
          message: "replicas did not match, rejecting sample: replica=\(replica), elected=\(elected)",
          scratch.pairs.refused)
      }
    }
    return outcome
  }

  // MARK: whose rows they are

  private func findPairs(
    _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch, _ options: HAOptions, notAfter limit: Int64
  ) {
    setAside(scratch) { number in scratch.pairs.place(of: number) { replicas.name(of: $0) } == nil }
    let times = UnsafePointer(scratch.batch.rows.times.base)
    let rows = UnsafePointer(scratch.batch.rows.rows.base)
    let pairs = scratch.batch.pairs.base
    var number: UInt16 = 0
    var run = BodyPairsRun(0)
    for row in scratch.batch.replicated {
      if pairs[Int(row)] != number {
        scratch.pairs.note(run)
        number = pairs[Int(row)]
        run = BodyPairsRun(scratch.pairs.place(of: number) { _ in nil } ?? 0)
      }
      run.add(rows + Int(row), times, notAfter: limit)
      pairs[Int(row)] = UInt16(truncatingIfNeeded: run.place &+ 1)
    }
    scratch.pairs.note(run)
    let names = PairLabels(options)
    for row in scratch.batch.unknown.map(Int.init) {
      let scanned = scratch.batch.rows.rows[row]
      scratch.batch.pairs[row] = 0
      let raw = scratch.batch.rows.labels(of: scanned, in: bytes)
      switch names.find(in: raw, &scratch.labels) {
      case .none: break
      case .missing(let label, let value): replicas.noteIncomplete(missing: label, value: value)
      case .pair(let cluster, let replica):
        let place = scratch.pairs.place(cluster: cluster, replica: replica)
        var single = BodyPairsRun(place)
        single.add(rows + row, times, notAfter: limit)
        scratch.pairs.note(single)
        scratch.batch.pairs[row] = UInt16(place + 1)
      }
    }
  }

  /// Lists the rows of `replicated` whose number means nothing as unknown.
  private func setAside(_ scratch: ReceiveScratch, _ isMeaningless: (UInt16) -> Bool) {
    let pairs = scratch.batch.pairs.base
    var number: UInt16 = 0
    // Nearly always the same number all the way, and one that means something.
    let isSound = scratch.batch.replicated.allSatisfy { row in
      if pairs[Int(row)] == number { return true }
      number = pairs[Int(row)]
      return !isMeaningless(number)
    }
    if isSound { return }
    var kept: [UInt32] = []
    for row in scratch.batch.replicated {
      if isMeaningless(scratch.batch.pairs[Int(row)]) {
        scratch.batch.pairs[Int(row)] = 0
        scratch.batch.setAside(Int(row))
      } else {
        kept.append(row)
      }
    }
    scratch.batch.replicated = kept
  }

  /// The list is out of the batch meanwhile, so that `isKept` may change the batch.
  private func filterUnknown(_ scratch: ReceiveScratch, _ isKept: (Int) -> Bool) {
    var rows: [UInt32] = []
    swap(&rows, &scratch.batch.unknown)
    rows.removeAll { !isKept(Int($0)) }
    scratch.batch.unknown = rows
  }

  /// In a replay, rows without a pair are none of its business: they were stored when the body came.
  private func dropPlainRows(_ scratch: ReceiveScratch) {
    filterUnknown(scratch) { row in
      if scratch.batch.pairs[row] != 0 { return true }
      scratch.batch.refuse(row)
      return false
    }
  }

  // MARK: what becomes of them

  private func judge(
    _ body: UnsafeRawBufferPointer, _ form: BodyForm, _ scratch: ReceiveScratch, now: Int64
  ) -> ReceiveOutcome? {
    let busy = ReceiveOutcome.unavailable(
      message: "a replica has just been elected and what was kept of it is being stored", retryAfterSeconds: 1)
    var isKept = false
    var isWhole = true
    for _ in 0..<Receiver.judgementsMax where !isKept {
      if replicas.judge(&scratch.pairs, scratch.haTerms, now: now) == .busy { return busy }
      for place in scratch.pairs.entries.indices {
        guard case .takesOver(let previous) = scratch.pairs[place].fate else { continue }
        scratch.pairs[place].fate = .accepted
        isWhole = isWhole && takeOver(scratch.pairs[place], from: previous)
        replicas.finishReplay(of: scratch.pairs[place].pair, isComplete: isWhole)
      }
      if !isWhole { return busy }
      isKept = keepRefused(body, form, scratch, now: now)
    }
    replicas.save()
    return isKept ? nil : busy
  }

  private func keepRefused(
    _ body: UnsafeRawBufferPointer, _ form: BodyForm, _ scratch: ReceiveScratch, now: Int64
  ) -> Bool {
    var refused: [HAPair] = []
    for entry in scratch.pairs.entries where entry.newest != nil {
      if case .refused = entry.fate { refused.append(entry.pair) }
    }
    if refused.isEmpty || scratch.haTerms.options.ringBytes == 0 { return true }
    return replicas.keep(
      FollowerRing.Body(bytes: Array(body), form: form, pairs: refused, arrived: now))
  }

  /// Takes refused rows out of the body. What is left in `replicated` is known and to be appended.
  private func takeOutRefused(_ scratch: ReceiveScratch, isCounted: Bool) {
    if scratch.pairs.isEmpty { return }
    let isAccepted = scratch.pairs.entries.map { $0.fate == .accepted }
    let numbers = scratch.pairs.entries.map(\.number)
    filterUnknown(scratch) { row in
      let pair = Int(scratch.batch.pairs[row])
      if pair == 0 || isAccepted[pair - 1] { return true }
      scratch.batch.refuse(row)
      if numbers[pair - 1] != 0 { head.nameRefused(row: row, scratch.batch, pair: numbers[pair - 1]) }
      return false
    }
    let areAllKept =
      !isAccepted.contains(false)
      && scratch.batch.replicated.allSatisfy { scratch.batch.isPlaced(Int($0)) }
    if areAllKept { return }
    var known: [UInt32] = []
    known.reserveCapacity(scratch.batch.replicated.count)
    for row in scratch.batch.replicated {
      let place = Int(scratch.batch.pairs[Int(row)]) - 1
      if !isAccepted[place] {
        scratch.batch.refuse(Int(row))
      } else if scratch.batch.isPlaced(Int(row)) {
        known.append(row)
      } else {
        scratch.batch.setAside(Int(row))
      }
    }
    scratch.batch.replicated = known
    if isCounted && isAccepted.contains(false) { countRefused(scratch) }
  }

  private func countRefused(_ scratch: ReceiveScratch) {
    for entry in scratch.pairs.entries {
      switch entry.fate {
      case .refused:
        scratch.pairs.refusedRows += entry.rows
        scratch.pairs.refused.samples += entry.samples
        replicas.metrics.countDeduped(entry.samples, of: entry.pair.cluster)
      case .tooManyClusters(let limit):
        scratch.refusals.add(reason: "too_many_ha_clusters", samples: entry.samples) {
          var offender = Offender(
            "too many HA clusters (limit: \(limit)), cluster \(LabelRules.excerpt(of: entry.pair.cluster))",
            limit: limit)
          offender.pair = entry.pair
          return offender
        }
      case .accepted, .takesOver: break
      }
    }
    scratch.pairs.refused.histograms = countParts(scratch.batch.rows.histograms, scratch)
    scratch.pairs.refused.exemplars = countParts(scratch.batch.rows.exemplars, scratch)
    if scratch.pairs.refusedRows == scratch.batch.rows.rows.count { replicas.metrics.refusedBodies.add() }
  }

  private func countParts(_ parts: borrowing Column<WritePart>, _ scratch: ReceiveScratch) -> Int {
    var count = 0
    for part in 0..<parts.count {
      let row = scratch.batch.rows.rows[Int(parts[part].row)]
      count += row.flags & WriteRow.isRefusedReplica != 0 ? 1 : 0
    }
    return count
  }
}

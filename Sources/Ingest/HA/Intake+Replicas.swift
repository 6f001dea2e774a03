import Format
import Model
import Platform
import TSDB

// The rows of a body that belong to replicas of HA pairs: found by the tags their spellings carry, which are the numbers of
// pairs, or by their labels where the spellings are new; judged pair by pair; and then appended, or taken out of the body
// before anything of them is appended.
extension Intake {
  /// Most judgements of one body: it is judged again where a replica was elected while its refused body was put into
  /// the ring.
  private static let judgementsMax = 8

  /// The result of judging a body's replicas: rows to store, or an answer for the whole body.
  enum Settlement: ~Copyable {
    case settled(SettledRows)
    /// The answer to the body; nothing of it is stored now.
    case answered(ReceiveOutcome)
  }

  /// Decides about every row of a replica: known ones of leaders are appended, refused ones taken out, the others left to be
  /// resolved.
  func settle(_ found: consuming FoundRows, _ delivery: Delivery) -> Settlement {
    let options = delivery.haTerms.options
    guard options.isEnabled, delivery.origin.isSent else { return .settled(found.settle()) }
    findPairs(found, delivery, options)
    let keptPair = delivery.origin.keptPair
    if let keptPair {
      for place in delivery.pairs.entries.indices {
        let isKept = delivery.pairs[place].pair == keptPair
        delivery.pairs[place].fate = isKept ? .accepted : .refused(leader: "")
        // Nothing older than what a series has.
        delivery.pairs[place].supersededThrough = .max
      }
    } else if !delivery.pairs.isEmpty, let outcome = judge(delivery) {
      found.abandon()
      return .answered(outcome)
    }
    let settled = found.settle(
      delivery.pairs.entries.map { entry in
        AppendGroup(isTaken: entry.fate == .accepted, tag: entry.number, floor: entry.supersededThrough)
      })
    if keptPair == nil, delivery.pairs.entries.contains(where: { $0.fate != .accepted }) { countRefused(delivery) }
    return .settled(settled)
  }

  /// The answer to a body: `.refusedReplica` where every row was refused because another replica leads, else `outcome`,
  /// that of the other rows.
  func answer(_ outcome: ReceiveOutcome, _ delivery: Delivery) -> ReceiveOutcome {
    let pairs = delivery.pairs
    guard pairs.refusedRows > 0, pairs.refusedRows == delivery.batch.rows.rows.count, outcome == .stored else {
      return outcome
    }
    for entry in pairs.entries {
      if case .refused(let leader) = entry.fate {
        let (replica, elected) = (entry.pair.replica, leader)
        return .refusedReplica(
          message: "replicas did not match, rejecting sample: replica=\(replica), elected=\(elected)", pairs.refused)
      }
    }
    return outcome
  }

  // MARK: whose rows they are

  /// Sorts the rows into the pairs of the delivery, one group each.
  private func findPairs(_ found: borrowing FoundRows, _ delivery: Delivery, _ options: HAOptions) {
    let limit = head.newestTaken(now: delivery.now)
    found.forgetTags { number in delivery.pairs.place(of: number) { replicas.name(of: $0) } == nil }
    let times = UnsafePointer(delivery.batch.rows.times.base)
    let rows = UnsafePointer(delivery.batch.rows.rows.base)
    let tags = found.tags
    var number: UInt16 = 0
    var run = BodyPairsRun(0)
    for row in found.tagged {
      if tags[Int(row)] != number {
        delivery.pairs.note(run)
        number = tags[Int(row)]
        run = BodyPairsRun(delivery.pairs.place(of: number) { _ in nil } ?? 0)
      }
      run.add(rows + Int(row), times, notAfter: limit)
      tags[Int(row)] = UInt16(truncatingIfNeeded: run.place &+ 1)
    }
    delivery.pairs.note(run)
    let names = PairLabels(options)
    for row in found.unknown.map(Int.init) {
      tags[row] = 0
      switch names.find(in: delivery.labels(of: row), &delivery.labels) {
      case .none: break
      case .missing(let label, let value): replicas.noteIncomplete(missing: label, value: value)
      case .pair(let cluster, let replica):
        let place = delivery.pairs.place(cluster: cluster, replica: replica)
        var single = BodyPairsRun(place)
        single.add(rows + row, times, notAfter: limit)
        delivery.pairs.note(single)
        tags[row] = UInt16(place + 1)
      }
    }
  }

  // MARK: what becomes of them

  /// Decides about every pair of the delivery; an outcome where the body is to come again.
  private func judge(_ delivery: Delivery) -> ReceiveOutcome? {
    let now = clock.monotonicMilliseconds
    let busy = ReceiveOutcome.unavailable(
      message: "a replica has just been elected and what was kept of it is being stored", retryAfterSeconds: 1)
    var isKept = false
    var isWhole = true
    for _ in 0..<Intake.judgementsMax where !isKept {
      if replicas.judge(&delivery.pairs, delivery.haTerms, now: now) == .busy { return busy }
      for place in delivery.pairs.entries.indices {
        guard case .takesOver(let previous) = delivery.pairs[place].fate else { continue }
        delivery.pairs[place].fate = .accepted
        isWhole = isWhole && takeOver(delivery.pairs[place], from: previous)
        replicas.finishReplay(of: delivery.pairs[place].pair, isComplete: isWhole)
      }
      if !isWhole { return busy }
      isKept = keepRefused(delivery, now: now)
    }
    replicas.save()
    return isKept ? nil : busy
  }

  /// Keeps the body for the pairs refused in it. False where one of them was elected meanwhile.
  private func keepRefused(_ delivery: Delivery, now: Int64) -> Bool {
    var refused: [HAPair] = []
    for entry in delivery.pairs.entries where entry.newest != nil {
      if case .refused = entry.fate { refused.append(entry.pair) }
    }
    if refused.isEmpty || delivery.haTerms.options.ringBytes == 0 { return true }
    let (bytes, form) = delivery.keptForm
    return replicas.keep(FollowerRing.Body(bytes: bytes, form: form, pairs: refused, arrived: now))
  }

  private func countRefused(_ delivery: Delivery) {
    for entry in delivery.pairs.entries {
      switch entry.fate {
      case .refused:
        delivery.pairs.refusedRows += entry.rows
        delivery.pairs.refused.samples += entry.samples
        replicas.metrics.countDeduped(entry.samples, of: entry.pair.cluster)
      case .tooManyClusters(let limit):
        delivery.refusals.add(reason: "too_many_ha_clusters", samples: entry.samples) {
          var offender = Offender(
            "too many HA clusters (limit: \(limit)), cluster \(LabelRules.excerpt(of: entry.pair.cluster))",
            limit: limit)
          offender.pair = entry.pair
          return offender
        }
      case .accepted, .takesOver: break
      }
    }
    delivery.pairs.refused.histograms = countParts(delivery.batch.rows.histograms, delivery.batch)
    delivery.pairs.refused.exemplars = countParts(delivery.batch.rows.exemplars, delivery.batch)
    if delivery.pairs.refusedRows == delivery.batch.rows.rows.count { replicas.metrics.refusedBodies.add() }
    let refused = delivery.pairs.refused
    if refused.samples + refused.histograms > 0 {
      rate.withLock { $0.giveBack(refused.samples + refused.histograms) }
    }
  }

  /// Number of histograms, or exemplars, of refused rows.
  private func countParts(_ parts: borrowing Column<WritePart>, _ batch: AppendBatch) -> Int {
    var count = 0
    for part in 0..<parts.count { count += batch.isRefused(Int(parts[part].row)) ? 1 : 0 }
    return count
  }
}

import Model

/// What a simulated world has sent and what was acknowledged, sample by sample: what the server's answers are held against.
/// A plain value; one world's.
struct WorldModel {
  typealias Times = [Int64: UInt64]

  /// Everything any sender ever offered, by series and time; the first value sent for a time.
  private(set) var sent: [Labels: [Int64: Set<UInt64>]] = [:]
  private(set) var acknowledged: [Labels: Times] = [:]
  /// Every series that was ever offered.
  private(set) var everSent: Set<Labels> = []
  /// Acknowledged since the log was last known to be durable: a power loss may take it.
  private var young: [(series: Labels, time: Int64)] = []
  private(set) var deleted: [(series: Labels, through: Int64)] = []
  private(set) var acknowledgedCount = 0

  mutating func note(_ series: Labels, _ samples: [(time: Int64, bits: UInt64)], acknowledged isAcknowledged: Bool) {
    everSent.insert(series)
    for sample in samples {
      sent[series, default: [:]][sample.time, default: []].insert(sample.bits)
      // Of two values for one time the first that was stored counts.
      guard isAcknowledged, acknowledged[series]?[sample.time] == nil else { continue }
      acknowledged[series, default: [:]][sample.time] = sample.bits
      acknowledgedCount += 1
      young.append((series, sample.time))
    }
  }

  mutating func makeDurable() { young.removeAll(keepingCapacity: true) }

  /// A power loss: what was not durable may be there or not.
  mutating func doubtYoung() {
    for one in young { acknowledged[one.series]?[one.time] = nil }
    makeDurable()
  }

  mutating func delete(_ series: Labels, through time: Int64) {
    acknowledged[series] = acknowledged[series]?.filter { $0.key > time }
    deleted.append((series, time))
  }

  /// What was to be deleted and may be there or not.
  mutating func doubt(_ series: Labels, through time: Int64) {
    acknowledged[series] = acknowledged[series]?.filter { $0.key > time }
  }

  /// Takes it that these are gone: damage that was reported.
  mutating func giveUp(_ missing: [(series: Labels, time: Int64)]) {
    for one in missing { acknowledged[one.series]?[one.time] = nil }
  }

  /// Takes it that what was deleted is back.
  mutating func giveUpDeletions() { deleted.removeAll() }

  /// What is older need not be there any more.
  mutating func forget(before time: Int64) {
    for series in Array(acknowledged.keys) {
      acknowledged[series] = acknowledged[series]?.filter { $0.key >= time }
      if acknowledged[series]?.isEmpty == true { acknowledged[series] = nil }
    }
    for series in Array(sent.keys) {
      sent[series] = sent[series]?.filter { $0.key >= time - 86_400_000 }
      if sent[series]?.isEmpty == true { sent[series] = nil }
    }
  }

  struct Differences {
    var missing: [(series: Labels, time: Int64)] = []
    /// A sample that nobody sent, or with another value. Never allowed.
    var wrong: String?
    /// A sample that was deleted. Damage of the list of deletions may bring it back, and says so.
    var returned: String?
  }

  /// What `found` lacks or has too much between two times.
  func differences(_ found: [Labels: Times], from first: Int64, through last: Int64) -> Differences {
    var differences = Differences()
    for (series, times) in acknowledged {
      for (time, bits) in times where time >= first && time <= last {
        guard let value = found[series]?[time] else {
          differences.missing.append((series, time))
          continue
        }
        if value != bits && differences.wrong == nil && sent[series]?[time]?.contains(value) != true {
          differences.wrong = "\(series) at \(time) has a value that nobody sent: \(value), not \(bits)"
        }
      }
    }
    for (series, times) in found where differences.wrong == nil {
      for (time, bits) in times where sent[series]?[time]?.contains(bits) != true {
        differences.wrong = "\(series) at \(time): a sample that nobody sent"
      }
      for deletion in deleted where deletion.series == series {
        if let back = times.keys.first(where: { $0 <= deletion.through }) {
          differences.returned = "\(series) at \(back) was deleted and is back"
        }
      }
    }
    differences.missing.sort { ($0.time, "\($0.series)") < ($1.time, "\($1.series)") }
    return differences
  }
}

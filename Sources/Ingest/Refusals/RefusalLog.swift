import Platform
import Synchronization

/// The things that refusals count.
package enum RefusalUnit: Sendable, Equatable, CaseIterable {
  case samples, exemplars, metadata, bodies

  package var text: String {
    switch self {
    case .samples: "samples"
    case .exemplars: "exemplars"
    case .metadata: "metadata"
    case .bodies: "bodies"
    }
  }

  fileprivate var logMessage: String {
    switch self {
    case .samples: "Samples were refused"
    case .exemplars: "Exemplars were not stored"
    case .metadata: "Metadata was not kept"
    case .bodies: "Bodies were refused as a whole"
    }
  }
}

/// Logs refusals, one line for a reason and ten seconds, and keeps the last one for each reason. Any thread.
///
/// The first refusal for a reason gets a line at once. One line tells those of the ten seconds that follow when that
/// time is over: their number and the first of them. So it goes on until ten seconds pass without any. A sender that is
/// refused a million samples fills no log, and the log tells the last of a series of refusals as well.
package final class RefusalLog: Sendable {
  static let windowMilliseconds: Int64 = 10_000
  /// Reasons are a closed set, far smaller.
  private static let reasonsMax = 64

  /// The last refusal for a reason.
  package struct Last: Sendable {
    package var reason: String
    package var unit: RefusalUnit
    package var milliseconds: Int64
    /// Refusals for this reason since the start.
    package var count: Int
    package var sender: Sender
    package var answer: String
    var offender: Offender

    package var message: String { offender.message }
    package var series: String { offender.series }
    package var timestamp: Int64? { offender.timestamp }
    package var value: Double? { offender.value }
    package var actual: Int? { offender.actual }
    package var limit: Int? { offender.limit }
    package var cluster: String? { offender.pair?.cluster }
    package var replica: String? { offender.pair?.replica }
  }

  private struct Entry: Sendable {
    var last: Last
    /// The end of the ten seconds, on the monotonic clock; no line comes before it.
    var windowEnd: Int64
    /// The first since the last line, and how many there were in all since then.
    var first: Last?
    var pending = 0
  }

  private let entries = Mutex<[String: Entry]>([:])
  private let clock: any Clock
  private let log: Log

  package init(clock: any Clock, log: Log) {
    self.clock = clock
    self.log = log
  }

  /// Writes the lines of all refusals that no line has told yet.
  package func flush() { write(due: .max) }

  /// The last refusals, by the names of their reasons.
  package var last: [Last] {
    entries.withLock { $0.values.map(\.last) }.sorted { $0.reason < $1.reason }
  }

  /// Notes `count` refusals for one reason, of one body; `offender` is the first of them.
  func note(
    _ reason: String, count: Int, _ unit: RefusalUnit, _ offender: Offender, from sender: Sender, answer: String
  ) {
    let now = clock.monotonicMilliseconds
    var refusal = Last(
      reason: reason, unit: unit, milliseconds: clock.nowMilliseconds(), count: count, sender: sender, answer: answer,
      offender: offender)
    let isDue = entries.withLock { entries -> Bool in
      guard var entry = entries[reason] else {
        if entries.count >= RefusalLog.reasonsMax { return false }
        entries[reason] = Entry(last: refusal, windowEnd: now + RefusalLog.windowMilliseconds)
        return true
      }
      defer { entries[reason] = entry }
      refusal.count += entry.last.count
      entry.last = refusal
      if now >= entry.windowEnd && entry.first == nil {
        entry.windowEnd = now + RefusalLog.windowMilliseconds
        return true
      }
      if entry.first == nil { entry.first = refusal }
      entry.pending += count
      return false
    }
    if isDue { write(refusal, count) }
  }

  func note(_ refusals: Refusals, _ unit: RefusalUnit, from sender: Sender, answer: String) {
    for (reason, offender) in refusals.firstByReason.sorted(by: { $0.key < $1.key }) {
      // Nothing of this unit was lost.
      guard let count = refusals.countByReason[reason], count > 0 else { continue }
      note(reason, count: count, unit, offender, from: sender, answer: answer)
    }
  }

  /// Writes the lines whose ten seconds are over.
  package func writeDue() { write(due: clock.monotonicMilliseconds) }

  private func write(due: Int64) {
    let lines = entries.withLock { entries -> [(Last, Int)] in
      var lines: [(Last, Int)] = []
      for (reason, entry) in entries {
        guard entry.windowEnd <= due, let first = entry.first else { continue }
        lines.append((first, entry.pending))
        entries[reason]?.first = nil
        entries[reason]?.pending = 0
        entries[reason]?.windowEnd = clock.monotonicMilliseconds + RefusalLog.windowMilliseconds
      }
      return lines
    }
    for (first, count) in lines.sorted(by: { $0.0.reason < $1.0.reason }) { write(first, count) }
  }

  private func write(_ first: Last, _ count: Int) {
    let offender = first.offender
    var sender = first.sender.text
    if let pair = offender.pair { sender += ", replica \(pair.replica) of cluster \(pair.cluster)" }
    log.warn(
      first.unit.logMessage,
      [
        "reason": first.reason, "first": offender.text, "more": "\(max(0, count - 1))", "sender": sender,
        "workspace": first.sender.workspace, "answer": first.answer,
      ])
  }
}

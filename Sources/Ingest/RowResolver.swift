import Format
import Model
import TSDB

/// From a row whose spelling is not known to its series: reads the labels, takes the replica's out, lets the rules change
/// them, checks them, and makes the series unless it exists. Once for each spelling, not for each sample.
struct RowResolver {
  let head: Head
  let limits: IngestLimits
  let now: Int64
  let metrics: ReceiverMetrics

  /// Why a row is refused.
  struct Refusal {
    var reason: String
    var message: String
    var actual: Int?
    var limit: Int?
  }

  /// Appends the row's samples to its series; nil also where the rules drop the row (`AppendBatch.isDropped`).
  func resolve(_ row: Int, _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch) -> Refusal? {
    switch identify(row, bytes, scratch) {
    case .refused(let refusal): refusal
    case .dropped: nil
    case .named: append(row, scratch)
    }
  }

  enum Identity {
    /// The series is in `newSeries`.
    case named
    case dropped
    case refused(Refusal)
  }

  /// What series the row is of.
  func identify(_ row: Int, _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch) -> Identity {
    let raw = scratch.batch.rows.labels(of: scratch.batch.rows.rows[row], in: bytes)
    let replicaLabel = scratch.replica(of: row) == nil ? nil : scratch.haTerms.options.replicaLabel
    if scratch.rewriting.isEmpty {
      if let fault = LabelRules.check(raw, &scratch.labels, limits) { return refused(fault) }
      if let replicaLabel { scratch.labels.remove(replicaLabel, in: raw) }
      scratch.newSeries.set(scratch.labels, of: raw)
      return .named
    }
    metrics.relabelled.add()
    switch scratch.rewriting.rewrite(raw, without: replicaLabel, &scratch.labels, into: &scratch.rewritten) {
    case .refused(let fault): return refused(fault)
    case .dropped:
      head.drop(row: row, &scratch.batch)
      return .dropped
    case .kept:
      let labels = scratch.rewritten.bytes
      if let fault = LabelRules.check(labels, &scratch.labels, limits) { return refused(fault) }
      scratch.newSeries.set(scratch.labels, of: labels)
      return .named
    }
  }

  /// Appends the row's samples to the series in `newSeries`.
  func append(_ row: Int, _ scratch: ReceiveScratch) -> Refusal? {
    let name = scratch.replica(of: row).map { $0.number == 0 ? nil : $0.number } ?? 0
    let refusal = head.appendNew(row: row, &scratch.newSeries, &scratch.batch, now: now, pair: name)
    return refusal.map { refusal in
      let (actual, limit) = refusal.numbers
      return Refusal(reason: refusal.reason, message: refusal.message, actual: actual, limit: limit)
    }
  }

  private func refused(_ fault: SeriesFault) -> Identity {
    .refused(Refusal(reason: fault.reason, message: fault.message, actual: fault.actual, limit: fault.limit))
  }
}

import Format
import TSDB

/// Stores the exemplars of one body whose rows have been resolved. Only made for bodies that have any.
///
/// An exemplar is never the reason that a sample is refused. As Prometheus has it, a sender of 2.0 hears of those that are
/// out of order; all others that are not stored are only counted.
struct ExemplarIntake {
  let head: Head
  let message: WriteMessage
  let now: Int64

  /// How many are stored, or need not be: duplicates of what was there, and what the rules drop.
  func store(_ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch, _ metrics: ReceiverMetrics) -> Int {
    var stored = 0
    for index in 0..<scratch.batch.rows.exemplars.count {
      let part = scratch.batch.rows.exemplars[index]
      let row = Int(part.row)
      if scratch.batch.rows.rows[row].flags & WriteRow.isRefusedReplica != 0 { continue }
      if scratch.batch.isDropped(row) {
        // What the rules drop is done with: its sender would take it for lost.
        stored += 1
        continue
      }
      let outcome = append(part, row, bytes, scratch)
      if outcome.isStored {
        stored += 1
        continue
      }
      metrics.count(outcome)
      if outcome == .outOfOrder, message == .v2 { refuse(row, bytes, scratch) }
    }
    return stored
  }

  private func append(
    _ part: WritePart, _ row: Int, _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch
  ) -> ExemplarOutcome {
    let place = Int(part.offset)..<(Int(part.offset) + Int(part.length))
    let raw = UnsafeRawBufferPointer(rebasing: scratch.batch.rows.messages(in: bytes)[place])
    guard let read = ExemplarMessage(raw, &scratch.labels) else { return .invalid }
    scratch.labels.canonicalize(in: raw)
    if scratch.labels.firstDuplicate(in: raw) != nil { return .invalid }
    let length = scratch.labels.fields.elements.reduce(0) { $0 + Int($1.nameLength) + Int($1.valueLength) }
    if length > NewExemplar.packedBytesMax { return .tooLong }
    scratch.exemplarLabels.removeAll()
    scratch.labels.appendPacked(of: raw, to: &scratch.exemplarLabels)
    let exemplar = NewExemplar(labels: scratch.exemplarLabels.bytes, time: read.time, value: read.value)
    return head.append(exemplar, labelCount: scratch.labels.fields.count, row: row, &scratch.batch, now: now)
  }

  private func refuse(_ row: Int, _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch) {
    let labels = scratch.batch.rows.labels(of: scratch.batch.rows.rows[row], in: bytes)
    // No sample is lost with it.
    scratch.refusals.add(reason: "exemplar-out-of-order", samples: 0) {
      "out of order exemplar, series \(LabelRules.describe(labels, &scratch.labels))"
    }
  }
}

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
  func store(_ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch) -> Int {
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
      refuse(row, outcome, bytes, scratch)
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

  private func refuse(
    _ row: Int, _ outcome: ExemplarOutcome, _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch
  ) {
    guard let (reason, message) = outcome.refusal else { return }
    scratch.refusedExemplars.add(reason: reason, samples: 1) { scratch.offender(message, row: row, in: bytes) }
    if outcome == .outOfOrder, self.message == .v2 {
      // No sample is lost with it.
      scratch.refusals.add(reason: "exemplar-out-of-order", samples: 0) {
        scratch.offender(message, row: row, in: bytes)
      }
    }
  }
}

extension ExemplarOutcome {
  /// Why it is not stored: the reason it is counted under, and in words. Nil where it is stored or need not be.
  var refusal: (reason: String, message: String)? {
    switch self {
    case .stored, .duplicate, .disabled: nil
    case .outOfOrder: ("out-of-order", "out of order exemplar")
    case .tooLong: ("labels-too-long", "labels of exemplar longer than \(NewExemplar.charactersMax) characters")
    case .invalid: ("invalid", "exemplar is not well-formed, or has a label twice or one that is not UTF-8")
    case .tooFarInFuture: ("too-far-in-future", "exemplar more than 10m0s ahead of this server's clock")
    case .noSeries: ("no-series", "exemplar of a series without samples")
    case .exhausted: ("exhausted", "out of memory for exemplars")
    }
  }
}

import Format
import Model
import TSDB

/// Stores the exemplars of one delivery whose rows have been resolved. Only made for deliveries that have any.
///
/// An exemplar is never the reason that a sample is refused. As Prometheus has it, a sender of 2.0 hears of those that are
/// out of order; all others that are not stored are only counted.
struct ExemplarIntake {
  /// Stores the exemplars; returns how many are stored or need not be: duplicates of stored ones, and what the rules
  /// drop.
  func store(_ delivery: Delivery, in rows: borrowing ResolvedRows) -> Int {
    let batch = delivery.batch
    var stored = 0
    for index in 0..<batch.rows.exemplars.count {
      let part = batch.rows.exemplars[index]
      let row = Int(part.row)
      if batch.isRefused(row) { continue }
      if batch.isDropped(row) {
        // What the rules drop is done with: its sender would take it for lost.
        stored += 1
        continue
      }
      let outcome = append(part, delivery, rows)
      if outcome.isStored {
        stored += 1
        continue
      }
      refuse(row, outcome, delivery)
    }
    return stored
  }

  private func append(
    _ part: WritePart, _ delivery: Delivery, _ rows: borrowing ResolvedRows
  ) -> ExemplarOutcome {
    let place = Int(part.offset)..<(Int(part.offset) + Int(part.length))
    let raw = LentBytes(delivery.batch.rows.messages(in: delivery.bytes.raw)).part(place)
    guard let read = ExemplarMessage(raw.raw, &delivery.labels) else { return .invalid }
    delivery.labels.canonicalize(in: raw)
    if delivery.labels.firstDuplicate(in: raw) != nil { return .invalid }
    let length = delivery.labels.fields.elements.reduce(0) { $0 + Int($1.nameLength) + Int($1.valueLength) }
    if length > NewExemplar.packedBytesMax { return .tooLong }
    delivery.exemplarLabels.removeAll()
    delivery.labels.appendPacked(of: raw, to: &delivery.exemplarLabels)
    let exemplar = NewExemplar(labels: delivery.exemplarLabels.bytes, time: read.time, value: read.value)
    return rows.append(exemplar, labelCount: delivery.labels.fields.count, row: Int(part.row))
  }

  private func refuse(_ row: Int, _ outcome: ExemplarOutcome, _ delivery: Delivery) {
    guard let (reason, message) = outcome.refusal else { return }
    if outcome == .outOfOrder { delivery.origin.source?.noteLateExemplar(row) }
    delivery.refusedExemplars.add(reason: reason, samples: 1) { delivery.offender(message, row: row) }
    if outcome == .outOfOrder, delivery.origin.message == .v2 {
      // No sample is lost with it.
      delivery.refusals.add(reason: "exemplar-out-of-order", samples: 0) { delivery.offender(message, row: row) }
    }
  }
}

extension ExemplarOutcome {
  /// The reason under which metrics count the refusal, and its message. Nil where the exemplar is stored or need not
  /// be.
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

import Format
import TSDB

/// Stores the histograms of one delivery whose rows have been resolved. Only made for deliveries that have any.
struct HistogramIntake {
  let metrics: ReceiverMetrics

  /// Stores the histograms; returns how many it stored. The delivery's refusals name the others, but for those that the
  /// rules drop or a former leader has brought.
  func store(_ delivery: Delivery, in rows: borrowing ResolvedRows) -> Int {
    let batch = delivery.batch
    var stored = 0
    for index in 0..<batch.rows.histograms.count {
      let part = batch.rows.histograms[index]
      let row = Int(part.row)
      if batch.isRefused(row) { continue }
      if batch.isDropped(row) {
        delivery.droppedHistograms += 1
        continue
      }
      guard let message = batch.rows.histogram(part, in: delivery.bytes.raw) else {
        refuse(row, "histogram_invalid", "histogram is not well-formed protobuf", delivery)
        continue
      }
      if let fault = HistogramValidation.fault(message.histogram, isFloat: message.isFloat) {
        refuse(row, "histogram_invalid", fault, delivery, timestamp: message.timestamp)
        continue
      }
      guard let outcome = append(message, row, delivery, rows) else { continue }
      if outcome.isStored {
        stored += outcome == .superseded ? 0 : 1
      } else if !delivery.origin.isMarkers {
        refuse(row, outcome.reason, outcome.message, delivery, timestamp: message.timestamp, outcome)
      }
    }
    return stored
  }

  /// Appends one histogram; nil where its series is refused or dropped, which the delivery then counts.
  private func append(
    _ message: HistogramMessage, _ row: Int, _ delivery: Delivery, _ rows: borrowing ResolvedRows
  ) -> SampleOutcome? {
    if let outcome = put(message, row, rows) { return outcome }
    if delivery.origin.isMarkers { return nil }
    // No series yet, or one that has just ended.
    let maker = rows.maker
    let resolver = RowResolver(metrics: metrics)
    switch resolver.identify(row, delivery, maker) {
    case .dropped:
      delivery.droppedHistograms += 1
      return nil
    case .refused(let refusal):
      refuse(row, refusal.reason, refusal.message, delivery, of: refusal)
      return nil
    case .named: break
    }
    if delivery.batch.rows.rows[row].sampleCount > 0 { return .exhausted }
    if let refusal = maker.append(row, to: &delivery.newSeries) {
      refuse(row, refusal.reason, refusal.message, delivery, of: refusal)
      return nil
    }
    return put(message, row, rows) ?? .exhausted
  }

  private func put(_ message: HistogramMessage, _ row: Int, _ rows: borrowing ResolvedRows) -> SampleOutcome? {
    rows.append(message.histogram, isFloat: message.isFloat, at: message.timestamp, row: row)
  }

  private func refuse(
    _ row: Int, _ reason: String, _ message: String, _ delivery: Delivery, timestamp: Int64? = nil,
    _ outcome: SampleOutcome? = nil, of refusal: SeriesRefusal? = nil
  ) {
    delivery.refuse(row, reason: reason, samples: 1, outcome) {
      var offender = delivery.offender(message, row: row, of: refusal)
      offender.timestamp = timestamp
      return offender
    }
  }
}

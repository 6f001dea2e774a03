import Format
import TSDB

/// Stores the histograms of one body whose rows have been resolved. Only made for bodies that have any.
struct HistogramIntake {
  let head: Head
  let limits: IngestLimits
  let now: Int64
  let metrics: ReceiverMetrics

  /// How many were stored; what was not is named in the scratch's refusals, or dropped by the rules.
  func store(_ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch) -> Int {
    var stored = 0
    for index in 0..<scratch.batch.rows.histograms.count {
      let part = scratch.batch.rows.histograms[index]
      let row = Int(part.row)
      if scratch.batch.rows.rows[row].flags & WriteRow.isRefusedReplica != 0 { continue }
      if scratch.batch.isDropped(row) {
        scratch.batch.tally.droppedHistograms += 1
        continue
      }
      let place = Int(part.offset)..<(Int(part.offset) + Int(part.length))
      guard let message = HistogramMessage.decode(UnsafeRawBufferPointer(rebasing: bytes[place])) else {
        refuse(row, "histogram_invalid", "histogram is not well-formed protobuf", bytes, scratch)
        continue
      }
      if let fault = HistogramValidation.fault(message.histogram, isFloat: message.isFloat) {
        refuse(row, "histogram_invalid", fault, bytes, scratch, timestamp: message.timestamp)
        continue
      }
      guard let outcome = append(message, row, bytes, scratch) else { continue }
      if outcome.isStored {
        stored += 1
      } else {
        refuse(row, outcome.reason, outcome.message, bytes, scratch, timestamp: message.timestamp)
      }
    }
    return stored
  }

  /// Nil where the series is refused, which is named then, or dropped.
  private func append(
    _ message: HistogramMessage, _ row: Int, _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch
  ) -> SampleOutcome? {
    if let outcome = put(message, row, scratch) { return outcome }
    // No series yet, or one that has just ended.
    let resolver = RowResolver(head: head, limits: limits, now: now, metrics: metrics)
    switch resolver.identify(row, bytes, scratch) {
    case .dropped:
      scratch.batch.tally.droppedHistograms += 1
      return nil
    case .refused(let refusal):
      refuse(row, refusal.reason, refusal.message, bytes, scratch, of: refusal)
      return nil
    case .named: break
    }
    if scratch.batch.rows.rows[row].sampleCount > 0 { return .exhausted }
    if let refusal = resolver.append(row, scratch) {
      refuse(row, refusal.reason, refusal.message, bytes, scratch, of: refusal)
      return nil
    }
    return put(message, row, scratch) ?? .exhausted
  }

  private func put(_ message: HistogramMessage, _ row: Int, _ scratch: ReceiveScratch) -> SampleOutcome? {
    head.append(
      message.histogram, isFloat: message.isFloat, at: message.timestamp, row: row, &scratch.batch, now: now)
  }

  private func refuse(
    _ row: Int, _ reason: String, _ message: String, _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch,
    timestamp: Int64? = nil, of refusal: RowResolver.Refusal? = nil
  ) {
    scratch.refusals.add(reason: reason, samples: 1) {
      var offender = scratch.offender(message, row: row, in: bytes)
      offender.timestamp = timestamp
      (offender.actual, offender.limit) = (refusal?.actual, refusal?.limit)
      return offender
    }
  }
}

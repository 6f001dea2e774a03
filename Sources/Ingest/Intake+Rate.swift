import Format
import Platform
import TSDB

// What a workspace may send a second.
extension Intake {
  /// An outcome where the workspace sends more than it may.
  func rateLimit(_ delivery: Delivery) -> ReceiveOutcome? {
    if delivery.limits.samplesPerSecondMax == 0 { return nil }
    let samples = delivery.batch.rows.times.count + delivery.batch.rows.histograms.count
    return admit(samples, metadata: delivery.batch.rows.metadata.count, delivery.limits, &delivery.refusals)
  }

  /// Takes samples out of the rate before their body comes; an outcome where the workspace sends more than it may.
  func admit(
    _ samples: Int, metadata: Int, _ limits: IngestLimits, _ refusals: inout Refusals
  ) -> ReceiveOutcome? {
    let now = UInt64(max(0, clock.monotonicNanoseconds()))
    guard let seconds = rate.withLock({ $0.take(samples, limits, now: now) }) else { return nil }
    let limit = limits.samplesPerSecondMax
    let message =
      "ingestion rate limit (\(limit)) exceeded while adding \(samples) samples and \(metadata) metadata"
    refusals.add(reason: "rate_limited", samples: samples) { Offender(message, actual: samples, limit: limit) }
    return .limited(message: message, retryAfterSeconds: seconds)
  }
}

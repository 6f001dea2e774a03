import Platform
import Synchronization
import TSDB

/// The counters of the intake and of those that read for it. Any thread.
package final class ReceiverMetrics: Sendable {
  package let samples: Counter
  package let malformed: Counter
  package let notLogged: Counter
  package let relabelled: Counter
  package let relabelDropped: Counter
  let untold: Counter
  package let ingested: IngestedSamples
  private let refused = Mutex<[RefusalUnit: [String: Int]]>([:])

  package init(_ registry: MetricsRegistry) {
    ingested = IngestedSamples(registry)
    samples = registry.counter(
      "apus_receiver_samples_total", "Samples that were stored, or were stored already, by remote write.")
    malformed = registry.counter(
      "apus_receiver_malformed_bodies_total", "Remote-write bodies that could not be decoded.")
    notLogged = registry.counter(
      "apus_receiver_unlogged_bodies_total", "Bodies that were not acknowledged because the log could not be written.")
    relabelled = registry.counter(
      "apus_receiver_relabelled_series_total", "Series whose labels went through the rules: each spelling once.")
    relabelDropped = registry.counter(
      "apus_receiver_relabel_dropped_samples_total", "Samples of series that the rules drop.")
    untold = registry.counter(
      "apus_receiver_untold_refused_samples_total",
      "Samples refused of bodies that were answered 204, since their sender would send all of the body again.")
    for (unit, name, help) in [
      (RefusalUnit.samples, "apus_discarded_samples_total", "Samples that were refused, by reason."),
      (.exemplars, "apus_discarded_exemplars_total", "Exemplars that were not stored, by reason."),
      (.metadata, "apus_discarded_metadata_total", "Metadata of metrics that was not kept, by reason."),
      (.bodies, "apus_discarded_bodies_total", "Bodies that were refused as a whole, by reason."),
    ] {
      registry.collect(name, help, .counter) { [weak self] in
        guard let self else { return [] }
        let counts = self.refused.withLock { $0[unit] ?? [:] }
        return counts.sorted { $0.key < $1.key }.map { (labels: [("reason", $0.key)], value: Double($0.value)) }
      }
    }
  }

  /// Samples refused so far, by reason.
  package var discarded: [String: Int] { refused.withLock { $0[.samples] ?? [:] } }

  func count(reason: String, _ count: Int, _ unit: RefusalUnit) {
    refused.withLock { $0[unit, default: [:]][reason, default: 0] += count }
  }

  func count(_ refusals: Refusals, _ unit: RefusalUnit) {
    if refusals.isEmpty { return }
    refused.withLock { total in
      for (reason, count) in refusals.countByReason { total[unit, default: [:]][reason, default: 0] += count }
    }
  }
}

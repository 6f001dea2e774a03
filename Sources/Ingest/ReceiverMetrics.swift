import Platform
import Synchronization
import TSDB

/// What the receiver counts. Any thread.
package final class ReceiverMetrics: Sendable {
  package let samples: Counter
  package let malformed: Counter
  package let notLogged: Counter
  package let relabelled: Counter
  package let relabelDropped: Counter
  private let refused = Mutex<[String: Int]>([:])
  private let refusedExemplars = Mutex<[String: Int]>([:])

  package init(_ registry: MetricsRegistry) {
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
    registry.collect("apus_discarded_samples_total", "Samples that were refused, by reason.", .counter) { [weak self] in
      guard let self else { return [] }
      let counts = self.refused.withLock { $0 }
      return counts.sorted { $0.key < $1.key }.map { (labels: [("reason", $0.key)], value: Double($0.value)) }
    }
    registry.collect("apus_discarded_exemplars_total", "Exemplars that were not stored, by reason.", .counter) {
      [weak self] in
      guard let self else { return [] }
      let counts = self.refusedExemplars.withLock { $0 }
      return counts.sorted { $0.key < $1.key }.map { (labels: [("reason", $0.key)], value: Double($0.value)) }
    }
  }

  func count(_ exemplar: ExemplarOutcome) {
    let reason: String
    switch exemplar {
    case .stored, .duplicate, .disabled: return
    case .outOfOrder: reason = "out-of-order"
    case .tooLong: reason = "labels-too-long"
    case .invalid: reason = "invalid"
    case .tooFarInFuture: reason = "too-far-in-future"
    case .noSeries: reason = "no-series"
    case .exhausted: reason = "exhausted"
    }
    refusedExemplars.withLock { $0[reason, default: 0] += 1 }
  }

  /// Samples refused so far, by reason.
  package var discarded: [String: Int] { refused.withLock { $0 } }

  func count(reason: String, samples: Int) { refused.withLock { $0[reason, default: 0] += samples } }

  func count(_ refusals: Refusals) {
    refused.withLock { total in
      for (reason, count) in refusals.countByReason { total[reason, default: 0] += count }
    }
  }
}

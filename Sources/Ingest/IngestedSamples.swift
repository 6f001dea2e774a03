import Platform

/// The door by which samples came into a workspace, as metrics and usage name it.
package enum SampleSource: String, CaseIterable, Sendable {
  case remoteWrite = "remote_write"
  case otlp
  case scrape
  case rule
  /// Stale markers of targets and rules that are gone.
  case marker
  /// This server's own metrics.
  case own
}

extension RowOrigin {
  var sampleSource: SampleSource {
    switch self {
    case .body, .kept: .remoteWrite
    case .push: .otlp
    case .scrape: .scrape
    case .rule: .rule
    case .markers: .marker
    case .own: .own
    }
  }
}

/// The samples that were newly stored, by source. A histogram counts as one, and also where it was there already. Any thread.
package final class IngestedSamples: Sendable {
  private let remoteWrite = Counter()
  private let otlp = Counter()
  private let scrape = Counter()
  private let rule = Counter()
  private let marker = Counter()
  private let own = Counter()

  init(_ registry: MetricsRegistry) {
    registry.collect(
      "apus_ingested_samples_total", "Samples that were newly stored, by where they came from.", .counter
    ) {
      [weak self] in
      guard let self else { return [] }
      return SampleSource.allCases.map { (labels: [("source", $0.rawValue)], value: Double(self[$0].value)) }
    }
  }

  package subscript(source: SampleSource) -> Counter {
    switch source {
    case .remoteWrite: remoteWrite
    case .otlp: otlp
    case .scrape: scrape
    case .rule: rule
    case .marker: marker
    case .own: own
    }
  }
}

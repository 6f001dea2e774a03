import Ingest
import Model

/// A target as the API shows it. A plain value.
package struct TargetState: Sendable, Equatable {
  package enum Health: String, Sendable { case unknown, up, down }

  package var pool: String
  /// The labels before relabelling.
  package var discoveredLabels: Labels
  package var labels: Labels
  package var url: String
  package var health = Health.unknown
  /// Empty where all went well.
  package var lastError = ""
  /// The wall clock's milliseconds; nil before the first scrape.
  package var lastMilliseconds: Int64?
  package var lastSeconds = 0.0
  package var intervalMilliseconds: Int64
  package var timeoutMilliseconds: Int64

  package init(
    pool: String, discoveredLabels: Labels, labels: Labels, url: String, intervalMilliseconds: Int64,
    timeoutMilliseconds: Int64
  ) {
    self.pool = pool
    self.discoveredLabels = discoveredLabels
    self.labels = labels
    self.url = url
    self.intervalMilliseconds = intervalMilliseconds
    self.timeoutMilliseconds = timeoutMilliseconds
  }
}

/// A target that relabelling has dropped.
package struct DroppedTarget: Sendable, Equatable {
  package var pool: String
  package var discoveredLabels: Labels

  package init(pool: String, discoveredLabels: Labels) {
    self.pool = pool
    self.discoveredLabels = discoveredLabels
  }
}

/// Type, help and unit of a metric family, as its target says.
package struct TargetMetadata: Sendable, Equatable {
  package var metric: String
  package var metadata: MetricMetadata

  package init(metric: String, metadata: MetricMetadata) {
    self.metric = metric
    self.metadata = metadata
  }
}

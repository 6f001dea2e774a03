import Platform

/// The metrics of scraping, `prometheus_target_*`.
package final class ScrapeMetrics: Sendable {
  package init(_ registry: MetricsRegistry) {}
}

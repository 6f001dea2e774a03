/// Settings of scraping that are ours, not Prometheus's: the section `apus.scrape`. A plain value.
package struct ScrapeServerOptions: Sendable, Equatable {
  /// A new target is scraped at once and then at its phase; else it waits for its phase, as in Prometheus.
  package var firstScrapeAtOnce = true
  /// `ScrapeOptions.keepsValid` of all jobs.
  package var keepsValid = false
  /// The unpacked body of one scrape where `body_size_limit` sets no limit, in bytes.
  package var bodyBytesMax = 256 << 20
  /// The bodies of all scrapes that are in memory at once, in bytes.
  package var bodiesBytesMax = 512 << 20
  /// The longest wait for scrapes that run when the server stops, in milliseconds.
  package var stopMillisecondsMax: Int64 = 10_000

  package init() {}
}

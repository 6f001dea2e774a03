/// The series about a scrape itself. They have the target's labels, and no metric relabelling or limit concerns them.
enum ScrapeFact: Int, CaseIterable {
  case up, seconds, samplesScraped, samplesPostRelabelling, seriesAdded
  /// Only with `extra_scrape_metrics`.
  case timeoutSeconds, sampleLimit, bodyBytes

  var name: String {
    switch self {
    case .up: "up"
    case .seconds: "scrape_duration_seconds"
    case .samplesScraped: "scrape_samples_scraped"
    case .samplesPostRelabelling: "scrape_samples_post_metric_relabeling"
    case .seriesAdded: "scrape_series_added"
    case .timeoutSeconds: "scrape_timeout_seconds"
    case .sampleLimit: "scrape_sample_limit"
    case .bodyBytes: "scrape_body_size_bytes"
    }
  }

  /// The spelling of its series: no text that a target exposes has this byte.
  var spelling: [UInt8] { Array(name.utf8) + [0xff] }

  static func all(withExtra: Bool) -> ArraySlice<ScrapeFact> { withExtra ? every[...] : every[..<5] }

  private static let every = allCases
}

/// The receiver of a target's answers: its series, or a test's. One thread at a time, but for what is said of metrics.
protocol ScrapedSeries: AnyObject, Sendable {
  func store(_ answer: ScrapeAnswer) -> ScrapeReport
  func end(at time: Int64)
  func reconfigure(_ options: ScrapeOptions)
  var metadata: [TargetMetadata] { get }
  var metadataSize: (entries: Int, bytes: Int) { get }
}

extension TargetSeries: ScrapedSeries {}

/// Where the answers of a target go: its series, or a test's. One thread at a time.
protocol ScrapedSeries: AnyObject {
  func store(_ answer: ScrapeAnswer) -> ScrapeReport
  func end(at time: Int64)
  func reconfigure(_ options: ScrapeOptions)
  var metadata: [TargetMetadata] { get }
}

extension TargetSeries: ScrapedSeries {}

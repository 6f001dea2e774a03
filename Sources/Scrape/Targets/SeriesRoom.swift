import Platform

/// The series of a target, which one thread at a time uses: whoever comes meanwhile waits, for as long as an answer takes
/// to be stored. Any thread.
final class SeriesRoom: Sendable {
  private let series: Monitor<any ScrapedSeries>

  init(_ series: sending any ScrapedSeries) { self.series = Monitor(series) }

  func store(_ answer: ScrapeAnswer) -> ScrapeReport { series.withLock { $0.store(answer) } }
  func end(at milliseconds: Int64) { series.withLock { $0.end(at: milliseconds) } }
  func reconfigure(_ options: ScrapeOptions) { series.withLock { $0.reconfigure(options) } }
  var metadata: [TargetMetadata] { series.withLock { $0.metadata } }
}

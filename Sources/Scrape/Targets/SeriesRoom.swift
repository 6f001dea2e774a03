import Platform

/// The series of a target, which one thread at a time stores into: whoever comes meanwhile waits, for as long as an answer
/// takes to be stored. What the target says of its metrics waits for nobody. Any thread.
final class SeriesRoom: Sendable {
  private let series: any ScrapedSeries
  /// Held while an answer is stored, the write to the log among it: a long lock.
  private let use = Monitor(())

  init(_ series: any ScrapedSeries) { self.series = series }

  func store(_ answer: ScrapeAnswer) -> ScrapeReport { use.withLock { _ in series.store(answer) } }
  func end(at milliseconds: Int64) { use.withLock { _ in series.end(at: milliseconds) } }
  func reconfigure(_ options: ScrapeOptions) { use.withLock { _ in series.reconfigure(options) } }
  var metadata: [TargetMetadata] { series.metadata }
  var metadataSize: (entries: Int, bytes: Int) { series.metadataSize }
}

/// The result of one scrape.
package struct ScrapeReport: Sendable, Equatable {
  /// Nil where the target is up.
  package var error: String?
  /// Tells of samples that were not stored of a scrape that is up, with the first offender; empty where all were.
  package var warning = ""
  package var seconds = 0.0
  package var samplesScraped = 0
  package var samplesPostRelabelling = 0
  package var seriesAdded = 0

  package init() {}
}

/// The answer of a target, or why there is none.
package struct ScrapeAnswer: Sendable {
  package enum Content: Sendable {
    /// Status 200, unpacked.
    case body([UInt8], contentType: String?)
    /// The text that becomes the target's last error; `isTooLarge`: the body was over its limit.
    case failure(String, isTooLarge: Bool)
  }

  package var content: Content
  /// The wall clock's milliseconds that its samples are stored at.
  package var time: Int64
  /// The monotonic clock's nanoseconds at which the scrape began.
  package var startNanoseconds: Int64

  package init(content: Content, time: Int64, startNanoseconds: Int64) {
    self.content = content
    self.time = time
    self.startNanoseconds = startNanoseconds
  }
}

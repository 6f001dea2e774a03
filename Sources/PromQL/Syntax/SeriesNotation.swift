import Model

/// A series as tests write it: `up{job="a"} 1 0+2x3 _ stale {{sum:3 count:2 buckets:[2]}}x4`. Its values stay as short as they
/// are written, however many samples they stand for.
package struct SeriesNotation: Sendable {
  /// One value, or its repetition: `first`, `first + step` and so on, `count` of them.
  package struct Run: Sendable, Equatable {
    package enum Content: Sendable, Equatable {
      case gap
      case float(first: Double, step: Double)
      /// `sign`: 1 adds the step each time, -1 takes it away.
      case histogram(first: Histogram, step: Histogram?, sign: Int)
    }

    package var content: Content
    package var count: Int
  }

  package var labels: Labels
  package var runs: [Run]

  /// The most bytes of one series: its numbers take some ten times as much.
  package static let textBytesMaximum = 4 << 20
  /// The most samples that the values of one series may stand for; no loop is longer.
  package static let samplesMaximum = 1 << 40

  package init(labels: Labels, runs: [Run]) {
    self.labels = labels
    self.runs = runs
  }

  /// Number of samples and gaps.
  package var count: Int { runs.reduce(0) { $0.saturatingAdd($1.count) } }

  /// Reads a series with its values.
  package static func parse(_ text: String) throws(ParseError) -> SeriesNotation {
    var reader = try SeriesNotationReader(text)
    let labels = try reader.metric(isFollowedByValues: true)
    return SeriesNotation(labels: labels, runs: try reader.values())
  }

  /// Reads a series without values, like `up{job="a"}`; an empty text is the empty label set.
  package static func parseMetric(_ text: String) throws(ParseError) -> Labels {
    var reader = try SeriesNotationReader(text)
    return try reader.metric(isFollowedByValues: false)
  }

  /// Walks over the samples of a series in order; each is made when it is asked for.
  package struct Cursor: Sendable {
    private var runs: [Run]
    private var run = 0
    /// Samples of the run that were given, and the value of the next.
    private var given = 0
    private var next: SampleValue?

    package init(_ series: SeriesNotation) { runs = series.runs }

    /// Takes the next sample: `.some(nil)` is a gap, nil the end.
    package mutating func take() -> SampleValue?? {
      while run < runs.count, given >= runs[run].count {
        run += 1
        given = 0
        next = nil
      }
      guard run < runs.count else { return nil }
      defer { given += 1 }
      switch runs[run].content {
      case .gap: return .some(nil)
      case .float(let first, let step):
        var value = first
        if case .float(let last)? = next { value = last }
        next = .float(value + step)
        return .some(.float(value))
      case .histogram(let first, let step, let sign):
        var value = first
        if case .histogram(let last)? = next { value = last }
        var following = value
        if let step, given + 1 < runs[run].count { _ = sign < 0 ? following.subtract(step) : following.add(step) }
        next = .histogram(following)
        return .some(.histogram(value))
      }
    }
  }
}

/// The usage of a workspace within some time: sums, and the most series there were. A value.
package struct UsageCounts: Sendable, Equatable {
  // Samples that were newly stored, by source.
  package var remoteWriteSamples = 0
  package var otlpSamples = 0
  package var scrapedSamples = 0
  package var ruleSamples = 0
  package var markerSamples = 0
  package var ownSamples = 0
  package var discardedSamples = 0
  package var queries = 0
  package var querySamples = 0
  package var ruleQueries = 0
  package var ruleQuerySamples = 0
  /// The most series in memory, without those of the server itself.
  package var activeSeriesMax = 0
  /// The time for which the stored bytes were counted...
  package var storedMilliseconds = 0
  /// ...and their sum over it: bytes, times seconds.
  package var storedByteSeconds = 0.0

  package init() {}

  /// The quantities that are added up, in the order of the file.
  static let sums: [WritableKeyPath<UsageCounts, Int> & Sendable] = [
    \.remoteWriteSamples, \.otlpSamples, \.scrapedSamples, \.ruleSamples, \.markerSamples, \.ownSamples,
    \.discardedSamples, \.queries, \.querySamples, \.ruleQueries, \.ruleQuerySamples, \.storedMilliseconds,
  ]

  /// Samples that are paid for: all but the server's own metrics.
  package var ingestedSamples: Int {
    [remoteWriteSamples, otlpSamples, scrapedSamples, ruleSamples, markerSamples].reduce(0, UsageCounts.sum)
  }

  package var allQuerySamples: Int { UsageCounts.sum(querySamples, ruleQuerySamples) }

  /// The mean of the stored bytes over the time for which they were counted.
  package var storedBytesMean: Double {
    storedMilliseconds > 0 ? storedByteSeconds / (Double(storedMilliseconds) / 1000) : 0
  }

  private static func sum(_ left: Int, _ right: Int) -> Int {
    let (sum, overflows) = left.addingReportingOverflow(right)
    return overflows ? .max : sum
  }

  /// Adds another time's usage. Sums end at the largest number there is.
  package mutating func add(_ other: UsageCounts) {
    for path in UsageCounts.sums {
      self[keyPath: path] = UsageCounts.sum(self[keyPath: path], other[keyPath: path])
    }
    activeSeriesMax = max(activeSeriesMax, other.activeSeriesMax)
    storedByteSeconds += other.storedByteSeconds
  }

  /// The growth of counters since an earlier reading of them.
  func grown(since earlier: UsageCounts) -> UsageCounts {
    var growth = UsageCounts()
    for path in UsageCounts.sums { growth[keyPath: path] = max(0, self[keyPath: path] - earlier[keyPath: path]) }
    growth.activeSeriesMax = activeSeriesMax
    return growth
  }
}

/// The usage within one hour, by UTC. A value.
package struct UsageHour: Sendable, Equatable {
  package static let milliseconds: Int64 = 3_600_000

  /// Hours since 1970.
  package var number: Int64
  package var counts: UsageCounts

  package init(number: Int64, counts: UsageCounts = UsageCounts()) {
    self.number = number
    self.counts = counts
  }

  /// The hour of a time in milliseconds.
  package static func number(of time: Int64) -> Int64 {
    let (quotient, rest) = time.quotientAndRemainder(dividingBy: milliseconds)
    return rest < 0 ? quotient - 1 : quotient
  }
}

import Model
import PromQL

/// A rule that stores the results of its expression under a name of its own. A value; the group that has it changes it, on
/// one thread at a time.
///
/// The labels of the last round's results and of the series made of them are kept: nearly always the next round has the same
/// ones in the same order, and then no label is read.
package struct RecordingRule: Sendable {
  package let definition: RuleDefinition
  /// The most series; zero or less: any number.
  private let limit: Int
  private var results: [Labels] = []
  private var series: [Labels] = []

  package init(_ definition: RuleDefinition, limit: Int) {
    self.definition = definition
    self.limit = limit
  }

  /// The samples to store of an evaluation's results, at a time in milliseconds. A failure stores nothing.
  package mutating func evaluate(_ vector: [VectorSample], at time: Int64) throws(RuleError) -> [VectorSample] {
    if !isAsBefore(vector) { try learn(vector) }
    if limit > 0 && vector.count > limit {
      throw RuleError("exceeded limit of \(limit) with \(vector.count) series")
    }
    var samples = vector
    for place in samples.indices {
      samples[place].labels = series[place]
      samples[place].timestamp = time
    }
    return samples
  }

  private func isAsBefore(_ vector: [VectorSample]) -> Bool {
    if vector.count != results.count { return false }
    for place in vector.indices where vector[place].labels != results[place] { return false }
    return true
  }

  /// Makes the series' labels anew, those that are known by their place or the one behind it excepted.
  private mutating func learn(_ vector: [VectorSample]) throws(RuleError) {
    var made: [Labels] = []
    made.reserveCapacity(vector.count)
    var known = 0
    for sample in vector {
      // A series that ended leaves a gap.
      if known + 1 < results.count, results[known] != sample.labels, results[known + 1] == sample.labels { known += 1 }
      if known < results.count, results[known] == sample.labels {
        made.append(series[known])
        known += 1
      } else {
        made.append(definition.seriesLabels(of: sample.labels))
      }
    }
    if Set(made).count != made.count { throw RecordingRule.sameLabels }
    results = vector.map(\.labels)
    series = made
  }

  private static let sameLabels = RuleError(
    "vector contains metrics with the same labelset after applying rule labels")
}

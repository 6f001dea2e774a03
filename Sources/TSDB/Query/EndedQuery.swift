/// A query of a database that has ended, as its log tells it. A value.
package struct EndedQuery: Sendable {
  package var expression: String
  /// Milliseconds; the step is 0 for a query of one time.
  package var start: Int64
  package var end: Int64
  package var step: Int64
  package var asker: QueryTally.Asker
  /// Samples that it went through; 0 where it failed.
  package var samples: Int
  package var seconds: Double
  /// Empty where it was answered.
  package var error: String

  package init(
    _ expression: String, start: Int64, end: Int64, step: Int64, asker: QueryTally.Asker, samples: Int, seconds: Double,
    error: String = ""
  ) {
    self.expression = expression
    self.start = start
    self.end = end
    self.step = step
    self.asker = asker
    self.samples = samples
    self.seconds = seconds
    self.error = error
  }
}

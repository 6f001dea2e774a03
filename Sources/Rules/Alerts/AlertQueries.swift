import PromQL
import Synchronization

/// The queries of a rule's templates in one round: the same one is asked once, and there are not too many of them, since every
/// alert may ask its own. Any thread.
final class AlertQueries: Sendable {
  /// Different queries in one round of a rule.
  static let queriesMax = 10_000
  /// Answers that are kept for the next alert, and the samples in each of them.
  static let keptMax = 64
  static let keptSamplesMax = 1000

  private struct Key: Hashable {
    var expression: String
    var time: Int64
  }

  private struct State {
    var asked = 0
    var kept: [Key: [VectorSample]] = [:]
  }

  private let query: @Sendable (_ expression: String, _ time: Int64) throws(QueryError) -> [VectorSample]
  private let state = Mutex(State())

  init(_ query: @escaping @Sendable (_ expression: String, _ time: Int64) throws(QueryError) -> [VectorSample]) {
    self.query = query
  }

  func answer(_ expression: String, _ time: Int64) throws(QueryError) -> [VectorSample] {
    let key = Key(expression: expression, time: time)
    let (known, number) = state.withLock { state in
      if let known = state.kept[key] { return (known as [VectorSample]?, state.asked) }
      state.asked += 1
      return (nil, state.asked)
    }
    if let known { return known }
    if number > AlertQueries.queriesMax {
      throw .execution("more than \(AlertQueries.queriesMax) queries in the templates of one evaluation of a rule")
    }
    let samples = try query(expression, time)
    if samples.count <= AlertQueries.keptSamplesMax {
      state.withLock { state in
        if state.kept.count < AlertQueries.keptMax { state.kept[key] = samples }
      }
    }
    return samples
  }
}

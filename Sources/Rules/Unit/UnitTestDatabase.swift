import Format
import Model
import PromQL
import Synchronization

/// The database of one unit test: series in memory, and the engine over them. It takes samples as the head of a server does
/// that takes none out of order, and gives histograms the counter reset hints that stored chunks would. Any thread.
package final class UnitTestDatabase: RuleDatabase {
  /// The most samples that a test may store, those of its rules among them.
  package static let samplesMax = 50_000_000

  fileprivate struct State {
    var series: [UnitTestSeries] = []
    var places: [Labels: Int] = [:]
    /// The series of each metric name; those without one under the empty name.
    var byName: [String: [Int]] = [:]
    var samples = 0
  }

  private let state = Mutex(State())
  private let engine: Engine
  private let isCanceled: @Sendable () -> Bool

  /// `subqueryStep`: of subqueries without one, in milliseconds.
  package init(
    subqueryStep: Int64, engine options: EngineOptions = EngineOptions(),
    isCanceled: @escaping @Sendable () -> Bool = { false }
  ) {
    var options = options
    options.subqueryStep = max(1, subqueryStep)
    engine = Engine(options: options)
    self.isCanceled = isCanceled
  }

  package func instant(
    _ expression: String, at time: Int64, isCanceled: @escaping @Sendable () -> Bool
  ) throws(QueryError) -> QueryResult {
    try engine.instant(expression, at: time, limits: limits(isCanceled), over: UnitTestSource(database: self))
  }

  package func prepare(_ expression: String) throws(QueryError) -> PreparedQuery {
    try PreparedQuery(expression, options: engine.options.parser)
  }

  package func instant(
    _ query: PreparedQuery, at time: Int64, isCanceled: @escaping @Sendable () -> Bool
  ) throws(QueryError) -> QueryResult {
    try engine.instant(query, at: time, limits: limits(isCanceled), over: UnitTestSource(database: self))
  }

  private func limits(_ isCanceled: @escaping @Sendable () -> Bool) -> QueryLimits {
    var limits = QueryLimits()
    let mine = self.isCanceled
    limits.stopReason = { isCanceled() || mine() ? .canceled : nil }
    return limits
  }

  package func select(
    _ matchers: [Matcher], from start: Int64, through end: Int64
  ) throws(QueryError) -> [MatrixSeries] {
    let request = SelectionRequest(matchers: matchers, start: start, end: end)
    return found(request).compactMap { series in
      var column = SampleColumn()
      series.read(from: start, through: end, into: &column)
      return column.isEmpty ? nil : MatrixSeries(labels: series.labels, samples: column)
    }
  }

  package func append(_ samples: [VectorSample]) -> RuleWrite {
    var write = RuleWrite()
    for (place, sample) in samples.enumerated() {
      if let refusal = append(sample.labels, at: sample.timestamp, sample.value) {
        write.refused += 1
        write.refusedPlaces.append(place)
        if write.error.isEmpty { write.error = refusal }
      } else {
        write.stored += 1
      }
    }
    return write
  }

  package func end(_ series: [Labels], at time: Int64) {
    state.withLock { state in
      for labels in series {
        guard let place = state.places[labels], !state.series[place].isEnded(by: time) else { continue }
        _ = state.series[place].append(.float(StaleMarker.value), at: time)
      }
    }
  }

  /// Stores one sample; the reason where it is refused, in Prometheus's words.
  package func append(_ labels: Labels, at time: Int64, _ value: SampleValue) -> String? {
    if labels.isEmpty { return "empty labelset: invalid sample" }
    if case .histogram(let histogram) = value, let fault = HistogramValidation.fault(histogram, isFloat: true) {
      return fault
    }
    return state.withLock { state in
      if state.samples >= Self.samplesMax { return "the test stores more than \(Self.samplesMax) samples" }
      let place = state.places[labels] ?? state.add(labels)
      if let refusal = state.series[place].append(value, at: time) { return refusal }
      state.samples += 1
      return nil
    }
  }

  /// Number of samples that are stored.
  package var sampleCount: Int { state.withLock { $0.samples } }

  /// The series that pass all matchers, sorted by labels.
  fileprivate func found(_ request: SelectionRequest) -> [UnitTestSeries] {
    let tests = request.matchers.map(MatcherTest.init)
    let name = request.matchers.first { $0.name == LabelName.metric && $0.kind == .equal }?.value
    return state.withLock { state in
      let places = name.map { state.byName[$0] ?? [] } ?? Array(state.series.indices)
      return places.filter { place in tests.allSatisfy { $0.matches(state.series[place].labels) } }
        .map { state.series[$0] }
    }.sorted { $0.labels < $1.labels }
  }
}

extension UnitTestDatabase.State {
  fileprivate mutating func add(_ labels: Labels) -> Int {
    let place = series.count
    series.append(UnitTestSeries(labels: labels))
    places[labels] = place
    byName[labels.metricName ?? "", default: []].append(place)
    return place
  }
}

/// The database as the engine reads it.
private struct UnitTestSource: SeriesSource {
  let database: UnitTestDatabase

  func select(_ request: SelectionRequest) throws(QueryError) -> any SeriesSelection {
    UnitTestSelection(series: database.found(request), start: request.start, end: request.end)
  }
}

private struct UnitTestSelection: SeriesSelection {
  let series: [UnitTestSeries]
  let start: Int64
  let end: Int64

  var count: Int { series.count }
  func labels(_ index: Int) -> Labels { series[index].labels }
  func makeReader() -> any SeriesReader { Reader(selection: self) }

  private final class Reader: SeriesReader {
    private let selection: UnitTestSelection
    init(selection: UnitTestSelection) { self.selection = selection }

    func read(_ index: Int, into column: inout SampleColumn) throws(QueryError) {
      selection.series[index].read(from: selection.start, through: selection.end, into: &column)
    }
  }
}

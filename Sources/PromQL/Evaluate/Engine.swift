import Model

/// One value of an answer.
package enum SampleValue: Sendable {
  case float(Double)
  case histogram(Histogram)
}

package struct VectorSample: Sendable {
  package var labels: Labels
  package var timestamp: Int64
  package var value: SampleValue

  package init(labels: Labels, timestamp: Int64, value: SampleValue) {
    self.labels = labels
    self.timestamp = timestamp
    self.value = value
  }
}

package struct MatrixSeries: Sendable {
  package var labels: Labels
  package var samples: SampleColumn

  package init(labels: Labels, samples: SampleColumn) {
    self.labels = labels
    self.samples = samples
  }
}

package enum QueryValue: Sendable {
  case scalar(timestamp: Int64, value: Double)
  case string(timestamp: Int64, value: String)
  case vector([VectorSample])
  case matrix([MatrixSeries])
}

/// The answer to a query.
package struct QueryResult: Sendable {
  package var value: QueryValue
  /// Texts with the place of the expression they are about.
  package var warnings: [String]
  package var infos: [String]
  package var statistics: QueryStatistics
}

/// Answers queries over a source of series. A value without state of its own; safe to use from several threads.
package struct Engine: Sendable {
  package let options: EngineOptions

  package init(options: EngineOptions = EngineOptions()) { self.options = options }

  /// The most steps of a range query, as Prometheus has it.
  package static let stepsMaximum: Int64 = 11_000

  /// The farthest time from 1970 that can be asked for, in milliseconds: any range still fits beside it.
  package static let timeMaximum: Int64 = 4_000_000_000_000_000_000

  /// The value of a query at one time; milliseconds. A lookback of nil is that of the engine.
  package func instant(
    _ query: String, at time: Int64, lookback: Int64? = nil, limits: QueryLimits = QueryLimits(),
    over source: any SeriesSource
  ) throws(QueryError) -> QueryResult {
    try checkTime(time)
    let timer = PhaseTimer(limits.nanoseconds)
    let resolved = try Resolver(start: time, end: time, step: 0).resolve(try parse(query))
    let shared = SharedResults(finding: resolved, textBytes: query.utf8.count)
    return try instant(resolved, shared, query, timer, at: time, lookback, limits, source)
  }

  /// The same of a query that is read already.
  package func instant(
    _ query: PreparedQuery, at time: Int64, lookback: Int64? = nil, limits: QueryLimits = QueryLimits(),
    over source: any SeriesSource
  ) throws(QueryError) -> QueryResult {
    try checkTime(time)
    let timer = PhaseTimer(limits.nanoseconds)
    if let settled = query.settled {
      return try instant(settled.expression, settled.shared, query.text, timer, at: time, lookback, limits, source)
    }
    let resolved = try Resolver(start: time, end: time, step: 0).resolve(query.expression)
    let shared = SharedResults(finding: resolved, textBytes: query.text.utf8.count)
    return try instant(resolved, shared, query.text, timer, at: time, lookback, limits, source)
  }

  private func instant(
    _ expression: Expression, _ shared: SharedResults, _ query: String, _ began: PhaseTimer, at time: Int64,
    _ lookback: Int64?, _ limits: QueryLimits, _ source: any SeriesSource
  ) throws(QueryError) -> QueryResult {
    var timer = began
    let context = QueryContext(
      source: source, options: options, limits: limits, lookback: lookback ?? options.lookback)
    context.shared = shared
    let evaluator = Evaluator(context: context, grid: .instant(time))
    try context.checkStop()
    timer.statistics.preparationSeconds = timer.lap()
    let value: QueryValue
    switch expression.kind {
    case .string: value = .string(timestamp: time, value: expression.stringValue ?? "")
    case .scalar: value = .scalar(timestamp: time, value: try evaluator.scalars(expression)[0])
    case .vector: value = .vector(try vector(expression, evaluator, time))
    case .matrix: value = .matrix(try rawMatrix(expression, evaluator))
    }
    timer.statistics.evaluationSeconds = timer.lap()
    return result(value, context, query, timer.statistics, .instant(time))
  }

  /// The values of a query at each step from `start` to `end`, both included; milliseconds.
  package func range(
    _ query: String, start: Int64, end: Int64, step: Int64, lookback: Int64? = nil,
    limits: QueryLimits = QueryLimits(), over source: any SeriesSource
  ) throws(QueryError) -> QueryResult {
    try checkTime(start)
    try checkTime(end)
    if end < start { throw .invalid("end timestamp must not be before start time") }
    if step <= 0 {
      throw .invalid("zero or negative query resolution step widths are not accepted. Try a positive integer")
    }
    if (end - start) / step > Engine.stepsMaximum {
      throw .invalid(
        "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)")
    }
    var timer = PhaseTimer(limits.nanoseconds)
    let parsed = try parse(query)
    if parsed.kind != .scalar, parsed.kind != .vector {
      let got = QuotedText.double(parsed.kind.documented)
      throw .invalid("invalid expression type \(got) for range query, must be Scalar or instant Vector")
    }
    let expression = try Resolver(start: start, end: end, step: step).resolve(parsed)
    let grid = StepGrid(start: start, end: end, interval: step)
    let context = QueryContext(
      source: source, options: options, limits: limits, lookback: lookback ?? options.lookback, steps: grid.count)
    // The samples of each step are counted where they are read, so nothing is read once for two.
    if !limits.tellsSamplesPerStep { context.shared = SharedResults(finding: expression, textBytes: query.utf8.count) }
    let evaluator = Evaluator(context: context, grid: grid)
    try context.checkStop()
    timer.statistics.preparationSeconds = timer.lap()
    var series: [MatrixSeries] = []
    var answer = AnswerSize(context)
    let times = (0..<grid.count).map(grid.time)
    try finished(expression, evaluator) { (result) throws(QueryError) in
      let count = result.column.present.count
      try answer.add(result.labels, samples: count, bytes: 16 * count + result.column.histogramByteCount)
      series.append(MatrixSeries(labels: result.labels, samples: samples(of: result.column, count, times)))
    }
    timer.statistics.evaluationSeconds = timer.lap()
    series.sort { $0.labels < $1.labels }
    timer.statistics.sortingSeconds = timer.lap()
    return result(.matrix(series), context, query, timer.statistics, grid)
  }

  private func checkTime(_ time: Int64) throws(QueryError) {
    if time.magnitude > UInt64(Engine.timeMaximum) { throw .invalid("cannot evaluate at \(time): out of range") }
  }

  private func parse(_ query: String) throws(QueryError) -> Expression {
    do throws(ParseError) {
      return try Parser.parse(query, options: options.parser)
    } catch {
      throw .invalid(error.description)
    }
  }

  private func result(
    _ value: QueryValue, _ context: QueryContext, _ query: String, _ timed: QueryStatistics, _ grid: StepGrid
  ) -> QueryResult {
    var statistics = timed
    statistics.samplesTotal = context.samples.total
    statistics.seriesFound = context.seriesFound
    statistics.samplesPeak = context.samplesPeak
    statistics.bytesPeak = context.budget.bytesPeak
    statistics.samplesPerStep = context.samples.perStep
    statistics.firstStep = grid.start
    statistics.stepInterval = grid.interval
    if context.annotations.isEmpty { return QueryResult(value: value, warnings: [], infos: [], statistics: statistics) }
    let text = Array(query.utf8)
    return QueryResult(
      value: value, warnings: context.annotations.texts(.warning, query: text),
      infos: context.annotations.texts(.info, query: text), statistics: statistics)
  }

  /// The series of the whole query; names that were to be dropped at the end are.
  private func finished(
    _ expression: Expression, _ evaluator: Evaluator, _ sink: Evaluator.Sink
  ) throws(QueryError) {
    guard options.delaysNameRemoval else { return try evaluator.stream(expression, sink) }
    let merging = SeriesMerge(evaluator, unique: false)
    try evaluator.stream(expression) { (input) throws(QueryError) in
      var series = input
      if series.dropsName { series.labels = LabelFilter.metadata.dropping(series.labels) }
      try merging.add(series)
    }
    try merging.finish(sink)
  }

  private func vector(
    _ expression: Expression, _ evaluator: Evaluator, _ time: Int64
  ) throws(QueryError) -> [VectorSample] {
    var samples: [VectorSample] = []
    var answer = AnswerSize(evaluator.context)
    try finished(expression, evaluator) { (series) throws(QueryError) in
      try answer.add(
        series.labels, samples: 1, bytes: MemoryLayout<VectorSample>.stride + series.column.histogramByteCount)
      switch series.column.value(0) {
      case .float(let value): samples.append(VectorSample(labels: series.labels, timestamp: time, value: .float(value)))
      case .histogram(let value):
        samples.append(VectorSample(labels: series.labels, timestamp: time, value: .histogram(value)))
      case nil: break
      }
    }
    return samples
  }

  /// The samples of a range vector as they are.
  private func rawMatrix(_ expression: Expression, _ evaluator: Evaluator) throws(QueryError) -> [MatrixSeries] {
    guard let vector = RangeVector(expression.withoutParens) else { return [] }
    var series: [MatrixSeries] = []
    var answer = AnswerSize(evaluator.context)
    try evaluator.forEachRange(vector) { (input, column) throws(QueryError) in
      var samples = SampleColumn()
      try evaluator.forEachWindow(vector, column) { (window) throws(QueryError) in
        if vector.isExtended {
          samples = try evaluator.extended(column, window, vector)
          return
        }
        samples.timestamps = Array(column.timestamps[window.floats])
        samples.values = Array(column.values[window.floats])
        samples.histogramTimestamps = Array(column.histogramTimestamps[window.histograms])
        samples.histograms = Array(column.histograms[window.histograms])
      }
      if samples.isEmpty { return }
      let labels = input.dropsName ? LabelFilter.metadata.dropping(input.labels) : input.labels
      try answer.add(labels, samples: samples.count, bytes: samples.byteCount)
      series.append(MatrixSeries(labels: labels, samples: samples))
    }
    series.sort { $0.labels < $1.labels }
    for (one, two) in zip(series, series.dropFirst()) where one.labels == two.labels { throw .sameLabels }
    return series
  }

  /// The `count` values of a column as samples; series that have one at every step share their times.
  private func samples(of column: StepColumn, _ count: Int, _ times: [Int64]) -> SampleColumn {
    var samples = SampleColumn()
    if column.histograms.isEmpty {
      if count == times.count {
        samples.timestamps = times
        samples.values = column.floats
        return samples
      }
      samples.timestamps.reserveCapacity(count)
      samples.values.reserveCapacity(count)
    }
    column.present.forEach { step in
      if let histogram = column.histogram(step) {
        samples.append(times[step], histogram)
      } else {
        samples.append(times[step], column.floats[step])
      }
    }
    return samples
  }
}

/// The share of its budget that the answer of a query holds: its series, and the text of the largest label set, which is
/// written in one
/// piece.
private struct AnswerSize {
  private let context: QueryContext
  private var labelBytesMost = 0

  init(_ context: QueryContext) { self.context = context }

  mutating func add(_ labels: Labels, samples: Int, bytes: Int) throws(QueryError) {
    let size = labels.packed.count
    let more = max(0, size - labelBytesMost)
    labelBytesMost += more
    try context.budget.charge(labels.byteCount + bytes + 2 * more)
    try context.hold(samples)
  }
}

/// Tells how long each part of a query took.
private struct PhaseTimer {
  var statistics = QueryStatistics()
  private let nanoseconds: @Sendable () -> Int64
  private var last: Int64

  init(_ nanoseconds: @escaping @Sendable () -> Int64) {
    self.nanoseconds = nanoseconds
    last = nanoseconds()
  }

  /// Seconds since the last call.
  mutating func lap() -> Double {
    let now = nanoseconds()
    defer { last = now }
    return Double(now - last) / 1e9
  }
}

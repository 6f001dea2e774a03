import Model

/// What all parts of one query share. Used from the thread that evaluates.
final class QueryContext {
  let source: any SeriesSource
  let options: EngineOptions
  let limits: QueryLimits
  let lookback: Int64
  var annotations = Annotations()
  private var samplesHeld = 0
  private(set) var samplesPeak = 0
  var samples: SampleCounter
  var shared = SharedResults()

  init(source: any SeriesSource, options: EngineOptions, limits: QueryLimits, lookback: Int64, steps: Int = 1) {
    samples = SampleCounter(steps: limits.tellsSamplesPerStep ? steps : nil)
    self.source = source
    self.options = options
    self.limits = limits
    self.lookback = lookback
  }

  /// Called once per series: stops a query that is late or not wanted any more.
  func checkStop() throws(QueryError) {
    switch limits.stopReason() {
    case .timeout: throw .timeout
    case .canceled: throw .canceled
    case nil: break
    }
  }

  func hold(_ samples: Int) throws(QueryError) {
    samplesHeld += samples
    samplesPeak = max(samplesPeak, samplesHeld)
    if samplesHeld > limits.samplesMaximum || samplesHeld * 9 > limits.bytesMaximum { throw .tooManySamples }
  }

  func release(_ samples: Int) { samplesHeld -= samples }

  /// The context of a part that runs on another thread; what it notes is taken over by `absorb`.
  func part() -> QueryContext {
    let part = QueryContext(source: source, options: options, limits: limits, lookback: lookback)
    part.samples = samples.empty
    return part
  }

  func absorb(_ part: QueryContext) {
    samples.add(part.samples)
    part.samples = samples.empty
    if part.annotations.isEmpty { return }
    annotations.absorb(part.annotations)
    part.annotations = Annotations()
  }

  func select(_ request: SelectionRequest) throws(QueryError) -> any SeriesSelection {
    try shared.select(request, from: source)
  }

  func annotate(_ annotation: Annotation) { annotations.add(annotation) }

  /// Labels without what says what they were, now or at the end of the query.
  func droppingName(_ series: inout ResultSeries) {
    if options.delaysNameRemoval {
      series.dropsName = true
    } else {
      series.labels = LabelNames.metadata.dropping(series.labels)
    }
  }
}

/// Evaluates expressions over one grid of steps. Series flow through it one at a time: each operator hands what it made to a
/// sink, so that an aggregation holds its groups and never its input.
struct Evaluator {
  typealias Sink = (ResultSeries) throws(QueryError) -> Void

  let context: QueryContext
  let grid: StepGrid

  func stream(_ expression: Expression, _ sink: Sink) throws(QueryError) {
    if grid.count == 0 { return }
    if let place = context.shared.place(of: expression) { return try streamShared(place, expression, sink) }
    try streamOwn(expression, sink)
  }

  /// The series of an expression, evaluated.
  func streamOwn(_ expression: Expression, _ sink: Sink) throws(QueryError) {
    if grid.count > 1, expression.isStepInvariant, expression.isWorthOnce {
      return try streamOnce(expression, sink)
    }
    switch expression {
    case .number(let node):
      try sink(ResultSeries(labels: .empty, column: StepColumn(constant: node.value, count: grid.count)))
    case .string: throw .execution("a string has no values over time")
    case .selector(let node): try streamSelector(node, sink)
    case .matrix, .subquery: throw .execution("a range vector has no values over time")
    case .call(let node): try streamCall(node, sink)
    case .aggregation(let node): try streamAggregation(node, sink)
    case .binary(let node): try streamBinary(node, sink)
    case .unary(let node): try streamUnary(node, sink)
    case .paren(let node): try stream(node.expression, sink)
    }
  }

  /// What does not change from step to step is evaluated at the first and repeated.
  private func streamOnce(_ expression: Expression, _ sink: Sink) throws(QueryError) {
    let once = Evaluator(context: context, grid: .instant(grid.start))
    let count = grid.count
    let before = context.samples.total
    let tellsSteps = context.samples.tellsSteps
    context.samples.tellsSteps = false
    // Held back, so that what the sink does is counted as its own.
    let found = try once.collect(expression)
    context.samples.tellsSteps = tellsSteps
    context.samples.repeatSince(before, steps: count)
    defer { once.release(found) }
    for series in found {
      var repeated = series
      guard let value = series.column.value(0) else { continue }
      switch value {
      case .float(let float): repeated.column = StepColumn(constant: float, count: count)
      case .histogram(let histogram):
        repeated.column = StepColumn(count: count)
        repeated.column.present = StepSet(count: count, full: true)
        repeated.column.histograms = [Histogram?](repeating: histogram, count: count)
      }
      try sink(repeated)
    }
  }

  /// All series of an expression. They count as held until `release`.
  func collect(_ expression: Expression) throws(QueryError) -> [ResultSeries] {
    var all: [ResultSeries] = []
    try stream(expression) { (series) throws(QueryError) in
      try context.hold(series.column.present.count)
      all.append(series)
    }
    return all
  }

  func release(_ series: [ResultSeries]) {
    context.release(series.reduce(0) { $0 + $1.column.present.count })
  }

  /// The value of a scalar expression at each step.
  func scalars(_ expression: Expression) throws(QueryError) -> [Double] {
    if case .number(let node) = expression { return [Double](repeating: node.value, count: grid.count) }
    var values = [Double](repeating: .nan, count: grid.count)
    try stream(expression) { (series) throws(QueryError) in values = series.column.floats }
    return values
  }

  private func streamUnary(_ node: UnaryExpression, _ sink: Sink) throws(QueryError) {
    guard node.isNegative else { return try stream(node.expression, sink) }
    let merging = SeriesMerge(self, unique: node.expression.hasOneName)
    try stream(node.expression) { (input) throws(QueryError) in
      var series = input
      if node.expression.kind == .vector { context.droppingName(&series) }
      for index in series.column.floats.indices { series.column.floats[index] = -series.column.floats[index] }
      for index in series.column.histograms.indices {
        series.column.histograms[index] = series.column.histograms[index]?.multiplied(by: -1)
      }
      try merging.add(series, sink)
    }
    try merging.finish(sink)
  }
}

extension Expression {
  /// Whether evaluating it once and repeating is cheaper than evaluating it at each step.
  fileprivate var isWorthOnce: Bool {
    switch self {
    case .number, .string, .matrix, .subquery: false
    case .paren(let node): node.expression.isWorthOnce
    default: true
    }
  }

  /// Whether all series of the result have the same metric name, so that dropping it leaves them different.
  var hasOneName: Bool {
    switch self {
    case .selector(let node): node.matchers.contains { $0.kind == .equal && $0.name == "__name__" }
    case .matrix(let node): Expression.selector(node.selector).hasOneName
    case .subquery(let node): node.expression.hasOneName
    case .paren(let node): node.expression.hasOneName
    case .unary(let node): node.expression.hasOneName
    default: false
    }
  }
}

/// Puts series with the same labels together where their steps differ, as happens once names are dropped. A series that
/// cannot have a twin passes through. Two values at one step are an error.
final class SeriesMerge {
  private let context: QueryContext
  private let unique: Bool
  private var places: [Labels: Int] = [:]
  private var all: [ResultSeries] = []

  init(_ evaluator: Evaluator, unique: Bool) {
    context = evaluator.context
    self.unique = unique
  }

  func add(_ series: ResultSeries, _ sink: Evaluator.Sink) throws(QueryError) {
    if unique {
      if !series.column.isEmpty { try sink(series) }
      return
    }
    try add(series)
  }

  func add(_ series: ResultSeries) throws(QueryError) {
    if series.column.isEmpty { return }
    guard let place = places[series.labels] else {
      try context.hold(series.column.present.count)
      places[series.labels] = all.count
      return all.append(series)
    }
    if all[place].column.present.intersects(series.column.present) { throw .sameLabels }
    all[place].dropsName = all[place].dropsName || series.dropsName
    series.column.present.forEach { step in
      if let value = series.column.value(step) { all[place].column.set(step, value) }
    }
  }

  func finish(_ sink: Evaluator.Sink) throws(QueryError) {
    for series in all {
      context.release(series.column.present.count)
      try sink(series)
    }
    all = []
    places = [:]
  }
}

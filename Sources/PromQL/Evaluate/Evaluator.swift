import Model

/// The state that all parts of one query share. Used from the thread that evaluates.
final class QueryContext {
  let source: any SeriesSource
  let options: EngineOptions
  let limits: QueryLimits
  let lookback: Int64
  var annotations = Annotations()
  /// Shared with the parts on other threads.
  let budget: QueryBudget
  private var samplesHeld = 0
  private(set) var samplesPeak = 0
  private(set) var seriesFound = 0
  /// Values that may be worked on before the next look at the clock.
  private var workLeft = QueryContext.workPerCheck
  var samples: SampleCounter
  var shared = SharedResults()

  /// Values between two looks at the clock: tens of microseconds.
  static let workPerCheck = 1 << 14

  init(
    source: any SeriesSource, options: EngineOptions, limits: QueryLimits, lookback: Int64, steps: Int = 1,
    budget: QueryBudget? = nil
  ) {
    self.budget = budget ?? QueryBudget(bytesMaximum: limits.bytesMaximum)
    samples = SampleCounter(steps: limits.tellsSamplesPerStep ? steps : nil)
    self.source = source
    self.options = options
    self.limits = limits
    self.lookback = lookback
  }

  /// Stops a query that is late or not wanted any more.
  func checkStop() throws(QueryError) {
    if let reason = limits.stopReason() { throw QueryError(reason) }
  }

  /// Called with the number of values each loop goes over: stops as `checkStop` does, without a look at the clock each time.
  func work(_ values: Int) throws(QueryError) {
    workLeft = workLeft.subtractingReportingOverflow(values).partialValue
    if workLeft > 0 { return }
    workLeft = QueryContext.workPerCheck
    try checkStop()
  }

  /// True if the query should stop, for loops that cannot throw: they give up, and `checkStop` then throws.
  var isStopped: Bool { limits.stopReason() != nil }

  func hold(_ samples: Int) throws(QueryError) {
    // The number alone may be beyond what adds up.
    if samples > limits.samplesMaximum { throw .tooManySamples }
    samplesHeld += samples
    samplesPeak = max(samplesPeak, samplesHeld)
    if samplesHeld > limits.samplesMaximum { throw .tooManySamples }
  }

  /// Takes samples and bytes for what the query can do without; false where they do not fit easily.
  func holdSpare(_ samples: Int, bytes: Int) -> Bool {
    guard samplesHeld + samples <= limits.samplesMaximum / 4, budget.chargeSpare(bytes) else { return false }
    samplesHeld += samples
    samplesPeak = max(samplesPeak, samplesHeld)
    return true
  }

  func release(_ samples: Int) { samplesHeld -= samples }

  /// The context of a part that runs on another thread; `absorb` takes over what it notes.
  func part() -> QueryContext {
    let part = QueryContext(source: source, options: options, limits: limits, lookback: lookback, budget: budget)
    part.samples = samples.empty
    return part
  }

  func absorb(_ part: QueryContext) {
    samples.add(part.samples)
    part.samples = samples.empty
    seriesFound += part.seriesFound
    part.seriesFound = 0
    if part.annotations.isEmpty { return }
    annotations.absorb(part.annotations)
    part.annotations = Annotations()
  }

  func select(_ request: SelectionRequest) throws(QueryError) -> any SeriesSelection {
    let selection = try shared.select(request, from: source)
    seriesFound += selection.count
    return selection
  }

  func annotate(_ annotation: Annotation) { annotations.add(annotation) }

  /// Drops the labels that say what the series was (`LabelFilter.metadata`), now or at the end of the query.
  func droppingName(_ series: inout ResultSeries) {
    if options.delaysNameRemoval {
      series.dropsName = true
    } else {
      series.labels = LabelFilter.metadata.dropping(series.labels)
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
    let bytes = expression.columnsInFlight.saturatingMultiply(StepColumn.byteCount(steps: grid.count))
    try context.budget.charge(bytes)
    defer { context.budget.release(bytes) }
    func passOn(_ series: ResultSeries) throws(QueryError) {
      try context.work(grid.count)
      if series.column.histograms.isEmpty { return try sink(series) }
      let bytes = series.column.histogramByteCount
      try context.budget.charge(bytes)
      defer { context.budget.release(bytes) }
      try sink(series)
    }
    if let place = context.shared.place(of: expression) { return try streamShared(place, expression, passOn) }
    try streamOwn(expression, passOn)
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

  /// Evaluates an expression that does not change from step to step once, and repeats it.
  private func streamOnce(_ expression: Expression, _ sink: Sink) throws(QueryError) {
    let once = Evaluator(context: context, grid: .instant(grid.start))
    let count = grid.count
    let before = context.samples.total
    let tellsSteps = context.samples.tellsSteps
    context.samples.tellsSteps = false
    // Held back, so that what the sink does is counted as its own.
    let holding = Holding(context)
    defer { holding.release() }
    let found = try once.collect(expression, holding)
    context.samples.tellsSteps = tellsSteps
    context.samples.repeatSince(before, steps: count)
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

  /// All series of an expression; they count as held until `holding` is released.
  func collect(_ expression: Expression, _ holding: Holding) throws(QueryError) -> [ResultSeries] {
    var all: [ResultSeries] = []
    try stream(expression) { (series) throws(QueryError) in
      try holding.add(series)
      all.append(series)
    }
    return all
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
  /// Columns of one value a step that an operator has in hand while its series flow: that of the series, and those of its
  /// scalars.
  fileprivate var columnsInFlight: Int {
    switch self {
    case .paren: 0
    case .call(let node): 1 + node.arguments.count { $0.kind == .scalar }
    case .aggregation(let node): node.parameter == nil ? 1 : 2
    case .binary: 2
    default: 1
    }
  }

  /// True if evaluating it once and repeating is cheaper than evaluating it at each step.
  fileprivate var isWorthOnce: Bool {
    switch self {
    case .number, .string, .matrix, .subquery: false
    case .paren(let node): node.expression.isWorthOnce
    default: true
    }
  }

  /// True if all series of the result have the same metric name, so that dropping it leaves them different.
  var hasOneName: Bool {
    switch self {
    case .selector(let node): node.matchers.contains { $0.kind == .equal && $0.name == LabelName.metric }
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
  private static let gone = ResultSeries(labels: .empty, column: StepColumn(count: 0))

  private let context: QueryContext
  private let unique: Bool
  private var places: [Labels: Int] = [:]
  private var all: [(series: ResultSeries, samples: Int, bytes: Int)] = []

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
    let samples = series.column.present.count
    guard let place = places[series.labels] else {
      let bytes = series.byteCount
      try context.budget.charge(bytes)
      try context.hold(samples)
      places[series.labels] = all.count
      return all.append((series, samples, bytes))
    }
    if all[place].series.column.present.intersects(series.column.present) { throw .sameLabels }
    let bytes = series.column.histogramByteCount
    try context.budget.charge(bytes)
    try context.hold(samples)
    all[place].samples += samples
    all[place].bytes += bytes
    all[place].series.dropsName = all[place].series.dropsName || series.dropsName
    series.column.present.forEach { step in
      if let value = series.column.value(step) { all[place].series.column.set(step, value) }
    }
  }

  /// Hands the series on in the order they came, each one gone when the next comes.
  func finish(_ sink: Evaluator.Sink) throws(QueryError) {
    places = [:]
    for place in all.indices {
      let (series, samples, bytes) = all[place]
      all[place].series = SeriesMerge.gone
      context.release(samples)
      try sink(series)
      context.budget.release(bytes)
    }
    all = []
  }
}

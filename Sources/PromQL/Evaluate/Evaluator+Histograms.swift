import Model

// Quantiles and fractions: of classic histograms, whose buckets are series, and of native ones, which are samples.

extension Evaluator {
  func streamHistogramFunction(_ node: Call, _ function: HistogramFunction, _ sink: Sink) throws(QueryError) {
    let merging = SeriesMerge(self, unique: node.arguments[0].hasOneName)
    try stream(node.arguments[0]) { (input) throws(QueryError) in
      if input.column.histograms.isEmpty { return }
      var series = ResultSeries(
        labels: input.labels, dropsName: input.dropsName, column: StepColumn(count: grid.count))
      for step in 0..<grid.count {
        guard let histogram = input.column.histogram(step) else { continue }
        switch function {
        case .count: series.column.set(step, histogram.count)
        case .sum: series.column.set(step, histogram.sum)
        case .avg: series.column.set(step, histogram.sum / histogram.count)
        case .stddev: series.column.set(step, histogram.variance.squareRoot())
        case .stdvar: series.column.set(step, histogram.variance)
        }
      }
      context.droppingName(&series)
      try merging.add(series, sink)
    }
    try merging.finish(sink)
  }

  /// The series of one histogram: the same labels but for `le`.
  private struct Member {
    var labels: Labels
    var dropsName = false
    var bounds: [Double] = []
    var columns: [StepColumn] = []
    var native: StepColumn?
  }

  func streamBuckets(_ node: Call, _ sink: Sink) throws(QueryError) {
    let plan = try BucketPlan(node, self)
    var members: [Member] = []
    var places: [Labels: Int] = [:]
    let withoutBound = LabelFilter(["le"])
    let holding = Holding(context)
    defer { holding.release() }
    let all = try collect(plan.vector, holding)
    for series in all {
      try context.work(grid.count)
      // Its place among the members, and a key without the bound.
      try holding.add(bytes: 2 * series.labels.byteCount + StepColumn.byteCount(steps: 0))
      if !series.column.histograms.isEmpty {
        let place = Evaluator.place(series.labels, &members, &places)
        members[place].native = series.column
      }
      var floats = series.column
      for step in 0..<grid.count where floats.histogram(step) != nil { floats.present.remove(step) }
      if floats.isEmpty { continue }
      guard let bound = BucketBound.value(series.labels["le"]) else {
        let metric = context.options.delaysNameRemoval ? series.labels.metricText : ""
        context.annotate(.badBucketLabel(metric, series.labels["le"] ?? "", at: plan.vector.position))
        continue
      }
      let place = Evaluator.place(withoutBound.dropping(series.labels), &members, &places)
      members[place].bounds.append(bound)
      members[place].columns.append(floats)
    }
    let merging = SeriesMerge(self, unique: false)
    for index in plan.results.indices {
      for member in members {
        try context.checkStop()
        var series = ResultSeries(labels: member.labels, column: StepColumn(count: grid.count))
        for step in 0..<grid.count {
          try context.work(2 * member.bounds.count)
          if let value = value(plan, index, member, step) { series.column.set(step, value) }
        }
        if series.column.isEmpty { continue }
        context.droppingName(&series)
        if let label = plan.label { series.labels = series.labels.setting([(label, plan.text(index))]) }
        try merging.add(series)
      }
    }
    try merging.finish(sink)
  }

  private static func place(_ labels: Labels, _ members: inout [Member], _ places: inout [Labels: Int]) -> Int {
    if let place = places[labels] { return place }
    places[labels] = members.count
    members.append(Member(labels: labels))
    return members.count - 1
  }

  private func value(_ plan: BucketPlan, _ index: Int, _ member: Member, _ step: Int) -> Double? {
    var buckets: [(bound: Double, count: Double)] = []
    for (bound, column) in zip(member.bounds, member.columns) where column.present.contains(step) {
      buckets.append((bound, column.floats[step]))
    }
    let metric = member.labels.metricText
    let position = plan.vector.position
    if let native = member.native?.histogram(step) {
      if !buckets.isEmpty {
        context.annotate(.mixedClassicNative(context.options.delaysNameRemoval ? metric : "", at: position))
        return nil
      }
      let known = context.options.delaysNameRemoval ? metric : ""
      let (value, note) = plan.native(native, index, step)
      switch note {
      case .result: context.annotate(.quantileNaNResult(known, at: position))
      case .skew: context.annotate(.quantileNaNSkew(known, at: position))
      case .excluded: context.annotate(.fractionNaNs(known, at: position))
      case nil: break
      }
      return value
    }
    if buckets.isEmpty { return nil }
    let (value, bent) = plan.classic(buckets, index, step)
    if let bent {
      let time = grid.time(step)
      let monotonicity = ForcedMonotonicity(
        firstTime: time, lastTime: time, leastBucket: bent.least, largestBucket: bent.largest,
        largestDifference: bent.difference)
      let known = context.options.delaysNameRemoval ? metric : ""
      context.annotate(.forcedMonotonicity(known, monotonicity, at: position))
    }
    return value
  }
}

/// The upper bound in an `le` label.
enum BucketBound {
  static func value(_ text: String?) -> Double? {
    guard let text, !text.isEmpty else { return nil }
    switch text.lowercased() {
    case "inf", "+inf", "infinity", "+infinity": return .infinity
    case "-inf", "-infinity": return -.infinity
    case "nan": return .nan
    default: break
    }
    if text.utf8.contains(where: { $0 == 32 || $0 == 9 || $0 == 10 }) { return nil }
    return Double(text)
  }
}

/// The request of one call of histogram_quantile, histogram_quantiles or histogram_fraction.
private struct BucketPlan {
  /// The scalar arguments of each result at each step: a quantile, or a lower and an upper value.
  let results: [[[Double]]]
  let vector: Expression
  /// The label that tells quantiles apart.
  var label: String?

  init(_ node: Call, _ evaluator: Evaluator) throws(QueryError) {
    let arguments = node.arguments
    switch node.function.name {
    case "histogram_fraction":
      vector = arguments[2]
      results = [[try evaluator.scalars(arguments[0]), try evaluator.scalars(arguments[1])]]
      return
    case "histogram_quantile":
      vector = arguments[1]
      results = [[try evaluator.scalars(arguments[0])]]
      BucketPlan.validate(results[0][0], arguments[0], evaluator)
    default:
      vector = arguments[0]
      label = arguments[1].stringValue
      var all: [[[Double]]] = []
      for argument in arguments.dropFirst(2) {
        let quantiles = try evaluator.scalars(argument)
        BucketPlan.validate(quantiles, argument, evaluator)
        all.append([quantiles])
      }
      results = all
    }
  }

  private static func validate(_ quantiles: [Double], _ argument: Expression, _ evaluator: Evaluator) {
    for q in quantiles where !(q >= 0 && q <= 1) {
      evaluator.context.annotate(.invalidQuantile(q, at: argument.position))
    }
  }

  /// The value of the quantile label: the number as OpenMetrics writes it.
  func text(_ index: Int) -> String {
    let value = results[index][0][0]
    let text = NumberText.general(value)
    return value.isFinite && !text.contains(".") && !text.contains("e") ? text + ".0" : text
  }

  func native(_ histogram: Histogram, _ index: Int, _ step: Int) -> (value: Double, note: Histogram.NaNNote?) {
    let arguments = results[index]
    if arguments.count == 2 { return histogram.fraction(arguments[0][step], arguments[1][step]) }
    return histogram.quantile(arguments[0][step])
  }

  func classic(
    _ buckets: [(bound: Double, count: Double)], _ index: Int, _ step: Int
  ) -> (value: Double, bent: (least: Double, largest: Double, difference: Double)?) {
    let arguments = results[index]
    if arguments.count == 2 {
      return (ClassicBuckets(buckets)?.fraction(arguments[0][step], arguments[1][step]) ?? .nan, nil)
    }
    let q = arguments[0][step]
    if q.isNaN { return (.nan, nil) }
    if q < 0 { return (-.infinity, nil) }
    if q > 1 { return (.infinity, nil) }
    guard var classic = ClassicBuckets(buckets) else { return (.nan, nil) }
    let value = classic.quantile(q)
    return (value, classic.bent)
  }
}

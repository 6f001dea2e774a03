import Model

// Function calls: which kind of function, and so how its series flow.

extension Evaluator {
  func streamCall(_ node: Call, _ sink: Sink) throws(QueryError) {
    let name = node.function.name
    if let kind = RangeFunction.Kind(rawValue: name) { return try streamRange(node, kind, sink) }
    if let function = FloatFunction.named(name) { return try streamFloats(node, function, sink) }
    if let function = HistogramFunction(rawValue: name) { return try streamHistogramFunction(node, function, sink) }
    switch name {
    case "time":
      var column = StepColumn(constant: 0, count: grid.count)
      for step in 0..<grid.count { column.floats[step] = Double(grid.time(step)) / 1000 }
      try sink(ResultSeries(labels: .empty, column: column))
    case "pi": try sink(ResultSeries(labels: .empty, column: StepColumn(constant: .pi, count: grid.count)))
    case "vector": try stream(node.arguments[0], sink)
    case "scalar": try streamScalar(node, sink)
    case "min_of", "max_of":
      let one = try scalars(node.arguments[0])
      let two = try scalars(node.arguments[1])
      var column = StepColumn(constant: 0, count: grid.count)
      for step in 0..<grid.count {
        column.floats[step] =
          name == "min_of" ? FloatMath.minimum(one[step], two[step]) : FloatMath.maximum(one[step], two[step])
      }
      try sink(ResultSeries(labels: .empty, column: column))
    case "clamp", "clamp_min", "clamp_max", "round": try streamBounded(node, sink)
    case "absent": try streamAbsent(node, sink)
    case "sort", "sort_desc", "sort_by_label", "sort_by_label_desc": try streamSorted(node, sink)
    case "timestamp", "start_timestamp": try streamTimestamp(node, sink)
    case "label_replace": try streamLabelReplace(node, sink)
    case "label_join": try streamLabelJoin(node, sink)
    case "histogram_quantile", "histogram_quantiles", "histogram_fraction": try streamBuckets(node, sink)
    case "info": try streamInfo(node, sink)
    // The parser lets no other name through; a test evaluates each of its table.
    default: throw .execution("unknown function with name \(quoted(name))")
    }
  }

  // Functions over ranges.

  private func streamRange(_ node: Call, _ kind: RangeFunction.Kind, _ sink: Sink) throws(QueryError) {
    guard let place = node.arguments.firstIndex(where: { $0.kind == .matrix }),
      let vector = RangeVector(node.arguments[place].withoutParens)
    else { throw .execution("\(node.function.name)() needs a range vector") }
    try checkExtended(vector, kind)
    var scalarArguments: [[Double]] = []
    for (index, argument) in node.arguments.enumerated() where index != place {
      scalarArguments.append(try scalars(argument))
    }
    let function = RangeFunction(
      kind: kind, vector: vector, context: context, scalars: scalarArguments, position: node.arguments[0].position)
    if kind == .absentOverTime { return try streamAbsentOverTime(node, vector, sink) }
    let unique = context.options.delaysNameRemoval || function.keepsName || vector.expression.hasOneName
    let leaf = RangeLeaf(function: function, walk: windowWalk(vector), position: node.arguments[0].position, grid: grid)
    var names: Set<Labels> = []
    let holding = Holding(context)
    defer { holding.release() }
    func passOn(_ series: ResultSeries) throws(QueryError) {
      if !unique {
        try holding.add(bytes: series.labels.byteCount)
        if !names.insert(series.labels).inserted { throw .sameLabels }
      }
      try sink(series)
    }
    if case .matrix(let matrix) = vector.expression {
      let selection = try context.select(request(vector, matrix.selector))
      return try sweep(selection, leaf, passOn)
    }
    try forEachRange(vector) { (input, column) throws(QueryError) in
      var series = ResultSeries(labels: input.labels, dropsName: input.dropsName, column: StepColumn(count: grid.count))
      var samples = column
      if try leaf.fill(&series, from: &samples, context) { try passOn(series) }
    }
  }

  private func checkExtended(_ vector: RangeVector, _ kind: RangeFunction.Kind) throws(QueryError) {
    guard vector.isExtended else { return }
    let safe = vector.isAnchored ? RangeFunction.Kind.anchoredSafe : RangeFunction.Kind.smoothedSafe
    if safe.contains(kind) { return }
    let names = safe.map(\.rawValue).joined(separator: ", ")
    let word = vector.isAnchored ? "anchored" : "smoothed"
    throw .execution("\(word) modifier can only be used with: \(names) - not with \(kind.rawValue)")
  }

  private func streamAbsentOverTime(_ node: Call, _ vector: RangeVector, _ sink: Sink) throws(QueryError) {
    var absent = StepColumn(constant: 1, count: grid.count)
    try forEachRange(vector) { (_, samples) throws(QueryError) in
      try forEachWindow(vector, samples) { (window) throws(QueryError) in absent.present.remove(window.step) }
    }
    if !absent.isEmpty { try sink(ResultSeries(labels: absentLabels(node.arguments[0]), column: absent)) }
  }

  private func streamAbsent(_ node: Call, _ sink: Sink) throws(QueryError) {
    var absent = StepColumn(constant: 1, count: grid.count)
    try stream(node.arguments[0]) { (series) throws(QueryError) in
      absent.present.subtract(series.column.present)
    }
    if !absent.isEmpty { try sink(ResultSeries(labels: absentLabels(node.arguments[0]), column: absent)) }
  }

  /// The labels that a missing series would surely have.
  private func absentLabels(_ argument: Expression) -> Labels {
    let matchers: [Matcher]
    switch argument {
    case .selector(let node): matchers = node.matchers
    case .matrix(let node): matchers = node.selector.matchers
    default: return .empty
    }
    var builder = LabelsBuilder()
    var seen: Set<String> = []
    for matcher in matchers where matcher.name != LabelName.metric {
      if matcher.kind == .equal, !seen.contains(matcher.name) {
        builder.set(matcher.name, matcher.value)
        seen.insert(matcher.name)
      } else {
        builder.remove(matcher.name)
      }
    }
    return builder.labels()
  }

  // Functions over the values of each series.

  private func streamFloats(
    _ node: Call, _ function: @escaping (Double) -> Double, _ sink: Sink
  ) throws(QueryError) {
    // Calendar functions look at the time of the step where they get nothing else.
    guard let argument = node.arguments.first else {
      var column = StepColumn(constant: 0, count: grid.count)
      for step in 0..<grid.count { column.floats[step] = function(Double(grid.time(step) / 1000)) }
      return try sink(ResultSeries(labels: .empty, column: column))
    }
    try mapFloats(argument, sink) { value, _ in function(value) }
  }

  /// Replaces the floats of each series; histograms are left out.
  private func mapFloats(
    _ argument: Expression, _ sink: Sink, _ map: (Double, Int) -> Double
  ) throws(QueryError) {
    let merging = SeriesMerge(self, unique: argument.hasOneName)
    try stream(argument) { (input) throws(QueryError) in
      var series = input
      context.droppingName(&series)
      for step in 0..<grid.count where input.column.present.contains(step) {
        if input.column.histogram(step) != nil {
          series.column.remove(step)
        } else {
          series.column.floats[step] = map(input.column.floats[step], step)
        }
      }
      series.column.histograms = []
      try merging.add(series, sink)
    }
    try merging.finish(sink)
  }

  private func streamBounded(_ node: Call, _ sink: Sink) throws(QueryError) {
    let arguments = node.arguments
    if node.function.name == "round" {
      var inverse = [Double](repeating: 1, count: grid.count)
      if arguments.count > 1 { inverse = try scalars(arguments[1]).map { 1 / $0 } }
      let factors = inverse
      return try mapFloats(arguments[0], sink) { ($0 * factors[$1] + 0.5).rounded(.down) / factors[$1] }
    }
    var lower = [Double](repeating: -.infinity, count: grid.count)
    var upper = [Double](repeating: .infinity, count: grid.count)
    switch node.function.name {
    case "clamp_min": lower = try scalars(arguments[1])
    case "clamp_max": upper = try scalars(arguments[1])
    default:
      lower = try scalars(arguments[1])
      upper = try scalars(arguments[2])
    }
    let (least, most) = (lower, upper)
    try mapFloats(
      arguments[0],
      { (input) throws(QueryError) in
        var series = input
        for step in 0..<grid.count where most[step] < least[step] { series.column.remove(step) }
        if !series.column.isEmpty { try sink(series) }
      }
    ) { FloatMath.maximum(least[$1], FloatMath.minimum(most[$1], $0)) }
  }

  private func streamScalar(_ node: Call, _ sink: Sink) throws(QueryError) {
    var column = StepColumn(constant: .nan, count: grid.count)
    var seen = StepSet(count: grid.count)
    try stream(node.arguments[0]) { (series) throws(QueryError) in
      series.column.present.forEach { step in
        if series.column.histogram(step) != nil { return }
        column.floats[step] = seen.contains(step) ? .nan : series.column.floats[step]
        seen.insert(step)
      }
    }
    try sink(ResultSeries(labels: .empty, column: column))
  }

  private func streamTimestamp(_ node: Call, _ sink: Sink) throws(QueryError) {
    let starts = node.function.name == "start_timestamp"
    if starts, !context.options.usesStartTimestamps { return }
    if case .selector(let selector) = node.arguments[0] {
      return try streamTimestamps(selector, starts: starts, sink)
    }
    if starts { return }
    let merging = SeriesMerge(self, unique: node.arguments[0].hasOneName)
    try stream(node.arguments[0]) { (input) throws(QueryError) in
      var series = input
      context.droppingName(&series)
      for step in 0..<grid.count { series.column.floats[step] = Double(grid.time(step)) / 1000 }
      series.column.histograms = []
      try merging.add(series, sink)
    }
    try merging.finish(sink)
  }

  // Order. It matters only for instant queries: the series of a range are ordered by their labels.

  private func streamSorted(_ node: Call, _ sink: Sink) throws(QueryError) {
    let name = node.function.name
    if grid.count > 1 { context.annotate(.sortInRange(at: node.position)) }
    let isByValue = name == "sort" || name == "sort_desc"
    let holding = Holding(context)
    defer { holding.release() }
    var all = try collect(node.arguments[0], holding)
    if isByValue {
      // Only floats have an order.
      for index in all.indices {
        for step in 0..<grid.count where all[index].column.histogram(step) != nil { all[index].column.remove(step) }
      }
      all.removeAll(where: \.column.isEmpty)
    }
    if grid.count == 1 {
      let isDescending = name.hasSuffix("_desc")
      if isByValue {
        all = all.enumerated().sorted { one, two in
          let (a, b) = (one.element.column.floats[0], two.element.column.floats[0])
          if a.isNaN || b.isNaN { return a.isNaN == b.isNaN ? one.offset < two.offset : b.isNaN }
          return a == b ? one.offset < two.offset : (isDescending ? a > b : a < b)
        }.map(\.element)
      } else {
        let names = node.arguments.dropFirst().compactMap(\.stringValue)
        try sort(&all) { one, two in
          NaturalOrder.precedes(one.labels, two.labels, by: names, descending: isDescending)
        }
      }
    }
    for series in all { try sink(series) }
  }

  /// Sorts, and stops where the query should.
  private func sort(
    _ all: inout [ResultSeries], _ precedes: (ResultSeries, ResultSeries) -> Bool
  ) throws(QueryError) {
    do {
      try all.sort { one, two in
        try context.work(100)
        return precedes(one, two)
      }
    } catch let error as QueryError {
      throw error
    } catch {
      throw .execution("the series cannot be sorted")
    }
  }
}

extension Expression {
  /// The text of a string literal, also in parentheses.
  var stringValue: String? {
    if case .string(let node) = withoutParens { return node.value }
    return nil
  }
}

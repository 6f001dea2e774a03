import Model

// Aggregations: series come one at a time into the accumulators of their group, and are gone.

extension Evaluator {
  func streamAggregation(_ node: Aggregation, _ sink: Sink) throws(QueryError) {
    switch node.op {
    case .topk, .bottomk, .limitk, .limitRatio: return try streamSelection(node, sink)
    case .countValues: return try streamCountValues(node, sink)
    case .quantile: return try streamQuantile(node, sink)
    default: break
    }
    var groups = GroupTable(node)
    var accumulators: [GroupAccumulator] = []
    let holding = Holding(context)
    defer { holding.release() }
    let bytes = GroupAccumulator.byteCount(node.op, steps: grid.count)
    try stream(node.expression) { (series) throws(QueryError) in
      let index = groups.index(of: series.labels)
      if index == accumulators.count {
        try holding.add(samples: grid.count, bytes: bytes + groups.labels[index].byteCount)
        accumulators.append(GroupAccumulator(node, steps: grid.count, context: context))
      }
      accumulators[index].add(series)
      let grown = accumulators[index].takeGrowth()
      if grown > 0 { try holding.add(bytes: grown) }
    }
    for index in accumulators.indices {
      let result = accumulators[index].result()
      if result.column.isEmpty { continue }
      try sink(ResultSeries(labels: groups.labels[index], dropsName: result.dropsName, column: result.column))
    }
  }

  private func streamQuantile(_ node: Aggregation, _ sink: Sink) throws(QueryError) {
    guard let parameter = node.parameter else { return }
    let ratios = try scalars(parameter)
    if ratios.contains(where: \.isNaN) { context.annotate(.invalidQuantile(.nan, at: parameter.position)) }
    let (least, largest) = Evaluator.extremes(ratios)
    if largest > 1 { context.annotate(.invalidQuantile(largest, at: parameter.position)) }
    if least < 0 { context.annotate(.invalidQuantile(least, at: parameter.position)) }
    var groups = GroupTable(node)
    var members: [FloatStack] = []
    let holding = Holding(context)
    defer { holding.release() }
    try stream(node.expression) { (series) throws(QueryError) in
      let index = groups.index(of: series.labels)
      if index == members.count {
        try holding.add(bytes: groups.labels[index].byteCount)
        members.append(FloatStack(steps: grid.count))
      }
      // Twice, as the stack doubles when it is full.
      try holding.add(
        samples: series.column.present.count, bytes: 2 * StepColumn.byteCount(steps: grid.count))
      if members[index].add(series) {
        context.annotate(.histogramIgnored("quantile", at: node.expression.position))
      }
    }
    var values: [Double] = []
    for index in members.indices {
      try context.checkStop()
      var column = StepColumn(count: grid.count)
      for step in 0..<grid.count {
        try context.work(members[index].count)
        members[index].values(at: step, into: &values)
        if !values.isEmpty { column.set(step, FloatMath.quantile(ratios[step], &values)) }
      }
      if column.isEmpty { continue }
      try sink(ResultSeries(labels: groups.labels[index], dropsName: members[index].dropsName, column: column))
    }
  }

  /// The least and the largest number that is not NaN.
  static func extremes(_ values: [Double]) -> (least: Double, largest: Double) {
    var least = Double.infinity
    var largest = -Double.infinity
    for value in values where !value.isNaN {
      least = min(least, value)
      largest = max(largest, value)
    }
    return least > largest ? (.nan, .nan) : (least, largest)
  }

  private func streamCountValues(_ node: Aggregation, _ sink: Sink) throws(QueryError) {
    guard case .string(let label)? = node.parameter?.withoutParens else { return }
    if !label.isLabelName {
      let bytes = label.invalidBytes.isEmpty ? Array(label.value.utf8) : label.invalidBytes
      throw .execution("invalid label name \(QuotedText.double(bytes[...]))")
    }
    var grouping = node
    if !node.isWithout { grouping.grouping.append(label.value) }
    var groups = GroupTable(grouping)
    var counts: [StepColumn] = []
    let holding = Holding(context)
    defer { holding.release() }
    try stream(node.expression) { (series) throws(QueryError) in
      var known: [UInt64: Int] = [:]
      for step in 0..<grid.count where series.column.present.contains(step) {
        let text: String
        var index: Int?
        let bits = series.column.floats[step].bitPattern
        if let histogram = series.column.histogram(step) {
          text = histogram.description
        } else {
          index = known[bits]
          text = index == nil ? NumberText.decimal(series.column.floats[step]) : ""
        }
        let place = index ?? groups.index(of: series.labels.setting([(label.value, text)]))
        if series.column.histogram(step) == nil { known[bits] = place }
        try context.work(1)
        if place == counts.count {
          try holding.add(
            samples: grid.count,
            bytes: StepColumn.byteCount(steps: grid.count) + groups.labels[place].byteCount + text.utf8.count)
          counts.append(StepColumn(count: grid.count))
        }
        counts[place].set(step, counts[place].floats[step] + 1)
      }
    }
    for index in counts.indices { try sink(ResultSeries(labels: groups.labels[index], column: counts[index])) }
  }
}

/// The float columns of a group, one behind the other.
private struct FloatStack {
  private let steps: Int
  private var floats: [Double] = []
  private var words: [UInt64] = []
  private(set) var count = 0
  private(set) var dropsName = false

  init(steps: Int) { self.steps = steps }

  /// True where histograms were left out.
  mutating func add(_ series: ResultSeries) -> Bool {
    if series.dropsName { dropsName = true }
    var present = series.column.present
    var hasHistograms = false
    if !series.column.histograms.isEmpty {
      for step in 0..<steps where series.column.histogram(step) != nil {
        hasHistograms = true
        present.remove(step)
      }
    }
    floats.append(contentsOf: series.column.floats)
    words.append(contentsOf: present.words)
    count += 1
    return hasHistograms
  }

  /// The values of all columns at a step, in the order they came.
  func values(at step: Int, into values: inout [Double]) {
    values.removeAll(keepingCapacity: true)
    StepColumn.forEachFloat(at: step, inColumns: count, floats, words, steps: steps) { values.append($0) }
  }
}

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
    try stream(node.expression) { (series) throws(QueryError) in
      let index = groups.index(of: series.labels)
      if index == accumulators.count {
        try context.hold(grid.count)
        accumulators.append(GroupAccumulator(node, steps: grid.count, context: context))
      }
      accumulators[index].add(series)
    }
    context.release(grid.count * accumulators.count)
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
    var members: [[ResultSeries]] = []
    let all = try collect(node.expression)
    defer { release(all) }
    for series in all {
      let index = groups.index(of: series.labels)
      if index == members.count { members.append([]) }
      members[index].append(series)
    }
    var values: [Double] = []
    for index in members.indices {
      var column = StepColumn(count: grid.count)
      for step in 0..<grid.count {
        values.removeAll(keepingCapacity: true)
        for series in members[index] where series.column.present.contains(step) {
          if series.column.histogram(step) != nil {
            context.annotate(.histogramIgnored("quantile", at: node.expression.position))
          } else {
            values.append(series.column.floats[step])
          }
        }
        if !values.isEmpty { column.set(step, FloatMath.quantile(ratios[step], &values)) }
      }
      if column.isEmpty { continue }
      let dropsName = members[index].contains(where: \.dropsName)
      try sink(ResultSeries(labels: groups.labels[index], dropsName: dropsName, column: column))
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
        if place == counts.count {
          try context.hold(grid.count)
          counts.append(StepColumn(count: grid.count))
        }
        counts[place].set(step, counts[place].floats[step] + 1)
      }
    }
    context.release(grid.count * counts.count)
    for index in counts.indices { try sink(ResultSeries(labels: groups.labels[index], column: counts[index])) }
  }
}

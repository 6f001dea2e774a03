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

/// The groups of an aggregation, by the labels they are made of.
struct GroupTable {
  private let names: LabelNames
  private let isWithout: Bool
  private var places: [Labels: Int] = [:]
  private(set) var labels: [Labels] = []

  init(_ node: Aggregation) {
    isWithout = node.isWithout
    names = LabelNames(node.isWithout ? node.grouping + [LabelNames.metricName] : node.grouping)
  }

  /// The group of a series; a new one has the index after the last.
  mutating func index(of series: Labels) -> Int {
    let key = isWithout ? names.dropping(series) : names.keeping(series)
    if let place = places[key] { return place }
    places[key] = labels.count
    labels.append(key)
    return labels.count - 1
  }
}

/// The running values of one group at all steps.
struct GroupAccumulator {
  private let op: AggregationOperator
  private let position: PositionRange
  private let context: QueryContext
  private var seen: StepSet
  private var hasFloat: StepSet
  private var hasHistogram: StepSet
  /// The sum, the extreme, or the squares of a variance.
  private var values: [Double]
  /// What rounding lost, or the mean of a variance.
  private var second: [Double] = []
  private var counts: [Double] = []
  private var means: [RunningMean?] = []
  private var histograms: [HistogramTotal?] = []
  private var incompatible: StepSet
  private var dropsName = false

  init(_ node: Aggregation, steps: Int, context: QueryContext) {
    op = node.op
    position = node.expression.position
    self.context = context
    seen = StepSet(count: steps)
    hasFloat = StepSet(count: steps)
    hasHistogram = StepSet(count: steps)
    incompatible = StepSet(count: steps)
    values = [Double](repeating: 0, count: steps)
    switch op {
    case .sum: second = values
    case .stddev, .stdvar:
      second = values
      counts = values
    case .count: counts = values
    case .avg: means = [RunningMean?](repeating: nil, count: steps)
    default: break
    }
  }

  mutating func add(_ series: ResultSeries) {
    if series.dropsName { dropsName = true }
    let column = series.column
    if column.histograms.isEmpty {
      switch op {
      case .sum: return addSums(column)
      case .count: return column.present.forEach { step in counts[step] += 1 }
      default: break
      }
    }
    column.present.forEach { step in
      if let histogram = column.histogram(step) {
        add(histogram, step, series.labels)
      } else {
        add(column.floats[step], step)
      }
    }
  }

  private mutating func addSums(_ column: StepColumn) {
    let known = hasFloat.words
    let present = column.present.words
    column.floats.withUnsafeBufferPointer { added in
      values.withUnsafeMutableBufferPointer { sums in
        second.withUnsafeMutableBufferPointer { lost in
          for word in present.indices {
            var bits = present[word]
            while bits != 0 {
              let bit = bits.trailingZeroBitCount
              bits &= bits - 1
              let step = word << 6 + bit
              if known[word] >> UInt64(bit) & 1 != 0 {
                (sums[step], lost[step]) = GroupAccumulator.increase(sums[step], lost[step], by: added[step])
              } else {
                sums[step] = added[step]
                lost[step] = 0
              }
            }
          }
        }
      }
    }
    hasFloat.formUnion(column.present)
    seen.formUnion(column.present)
  }

  @inline(__always)
  private static func increase(_ sum: Double, _ lost: Double, by value: Double) -> (Double, Double) {
    var total = CompensatedSum(sum)
    total.compensation = lost
    total.add(value)
    return (total.sum, total.compensation)
  }

  private mutating func add(_ value: Double, _ step: Int) {
    let isFirst = !hasFloat.contains(step)
    hasFloat.insert(step)
    seen.insert(step)
    switch op {
    case .sum:
      if isFirst {
        values[step] = value
      } else {
        (values[step], second[step]) = GroupAccumulator.increase(values[step], second[step], by: value)
      }
    case .avg: if means[step] == nil { means[step] = RunningMean(value) } else { means[step]?.add(value) }
    case .min: if isFirst || values[step] > value || values[step].isNaN { values[step] = value }
    case .max: if isFirst || values[step] < value || values[step].isNaN { values[step] = value }
    case .count: counts[step] += 1
    case .group: values[step] = 1
    case .stddev, .stdvar:
      counts[step] += 1
      if isFirst {
        second[step] = value
        values[step] = value.isFinite ? 0 : .nan
      } else {
        let delta = value - second[step]
        second[step] += delta / counts[step]
        values[step] += delta * (value - second[step])
      }
    default: break
    }
  }

  private mutating func add(_ histogram: Histogram, _ step: Int, _ labels: Labels) {
    switch op {
    case .count:
      seen.insert(step)
      counts[step] += 1
    case .group:
      seen.insert(step)
      values[step] = 1
    case .sum, .avg:
      seen.insert(step)
      hasHistogram.insert(step)
      if incompatible.contains(step) || hasFloat.contains(step) { return }
      if histograms.isEmpty { histograms = [HistogramTotal?](repeating: nil, count: values.count) }
      if histograms[step] == nil {
        histograms[step] = HistogramTotal(histogram, isMean: op == .avg)
      } else if histograms[step]?.add(histogram) == false {
        context.annotate(.mixedSchemas(labels.metricText, at: position))
        incompatible.insert(step)
      }
    default: context.annotate(.histogramIgnored(op.rawValue, at: position))
    }
  }

  mutating func result() -> (column: StepColumn, dropsName: Bool) {
    var column = StepColumn(count: values.count)
    if op == .count {
      for step in counts.indices where counts[step] > 0 { column.set(step, counts[step]) }
      return (column, dropsName)
    }
    seen.forEach { step in
      if hasHistogram.contains(step) {
        if hasFloat.contains(step) { return context.annotate(.mixedInAggregation(at: position)) }
        guard let total = histograms[step] else { return }
        total.annotateBounds(context, at: position)
        if incompatible.contains(step) { return }
        total.annotateResets(context, at: position)
        var value = total.value
        value.compact()
        column.set(step, value)
        return
      }
      switch op {
      case .sum: column.set(step, values[step] + second[step])
      case .avg: if let mean = means[step] { column.set(step, mean.value) }
      case .stdvar: column.set(step, values[step] / counts[step])
      case .stddev: column.set(step, (values[step] / counts[step]).squareRoot())
      default: column.set(step, values[step])
      }
    }
    return (column, dropsName)
  }
}

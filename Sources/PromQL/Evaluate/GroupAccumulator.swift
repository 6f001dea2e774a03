import Model

/// The running values of one group at all steps.
struct GroupAccumulator {
  let op: AggregationOperator
  private let position: PositionRange
  private let context: QueryContext
  var seen: StepSet
  var hasFloat: StepSet
  private var hasHistogram: StepSet
  /// The sum, the extreme value, or the sum of squared deviations of a variance.
  var values: [Double]
  /// The compensation of a sum for rounding, or the mean of a variance.
  var second: [Double] = []
  var counts: [Double] = []
  /// Means whose sum outgrew a float; empty while there is none.
  var means: [RunningMean?] = []
  private var histograms: [HistogramTotal?] = []
  private var incompatible: StepSet
  private var dropsName = false
  /// Bytes taken since the last `takeGrowth`.
  var growth = 0

  /// The bytes of an accumulator of floats.
  static func byteCount(_ op: AggregationOperator, steps: Int) -> Int {
    let columns: Int
    switch op {
    case .avg, .stddev, .stdvar: columns = 3
    case .sum, .count: columns = 2
    default: columns = 1
    }
    return columns.saturatingMultiply(StepColumn.byteCount(steps: steps)).saturatingAdd(steps / 2 + 256)
  }

  /// Bytes that histograms, and means whose sum is too large, took beyond that since the last call.
  mutating func takeGrowth() -> Int {
    defer { growth = 0 }
    return growth
  }

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
    case .avg, .stddev, .stdvar:
      second = values
      counts = values
    case .count: counts = values
    default: break
    }
  }

  mutating func add(_ series: ResultSeries) {
    if series.dropsName { dropsName = true }
    let column = series.column
    if column.histograms.isEmpty, means.isEmpty { return addFloats(column) }
    column.present.forEach { step in
      if let histogram = column.histogram(step) {
        add(histogram, step, series.labels)
      } else {
        add(column.floats[step], step)
      }
    }
  }

  @inline(__always)
  static func increase(_ sum: Double, _ lost: Double, by value: Double) -> (Double, Double) {
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
    case .avg: addToMean(value, step, isFirst)
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

  private mutating func addToMean(_ value: Double, _ step: Int, _ isFirst: Bool) {
    if means.isEmpty {
      means = [RunningMean?](repeating: nil, count: values.count)
      growth += values.count * MemoryLayout<RunningMean?>.stride
      hasFloat.forEach { known in
        if known == step && isFirst { return }
        means[known] = RunningMean(sum: values[known], compensation: second[known], count: counts[known])
      }
    }
    if means[step] == nil { means[step] = RunningMean(value) } else { means[step]?.add(value) }
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
      if histograms.isEmpty {
        histograms = [HistogramTotal?](repeating: nil, count: values.count)
        growth += values.count * MemoryLayout<HistogramTotal?>.stride
      }
      if histograms[step] == nil {
        growth += 2 * histogram.outerByteCount
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
      case .avg:
        if means.isEmpty {
          column.set(step, values[step] / counts[step] + second[step] / counts[step])
        } else if let mean = means[step] {
          column.set(step, mean.value)
        }
      case .stdvar: column.set(step, values[step] / counts[step])
      case .stddev: column.set(step, (values[step] / counts[step]).squareRoot())
      default: column.set(step, values[step])
      }
    }
    return (column, dropsName)
  }
}

import Glibc
import Model

/// The functions over windows. `call` picks the arithmetic once; `value` runs once per window.
struct RangeFunction {
  enum Kind: String {
    case rate, increase, delta, irate, idelta, changes, resets, deriv
    case sumOverTime = "sum_over_time"
    case avgOverTime = "avg_over_time"
    case minOverTime = "min_over_time"
    case maxOverTime = "max_over_time"
    case countOverTime = "count_over_time"
    case presentOverTime = "present_over_time"
    case absentOverTime = "absent_over_time"
    case firstOverTime = "first_over_time"
    case lastOverTime = "last_over_time"
    case stddevOverTime = "stddev_over_time"
    case stdvarOverTime = "stdvar_over_time"
    case quantileOverTime = "quantile_over_time"
    case madOverTime = "mad_over_time"
    case timeOfFirst = "ts_of_first_over_time"
    case timeOfLast = "ts_of_last_over_time"
    case timeOfMax = "ts_of_max_over_time"
    case timeOfMin = "ts_of_min_over_time"
    case predictLinear = "predict_linear"
    case doubleExponentialSmoothing = "double_exponential_smoothing"

    static let anchoredSafe: [Kind] = [.changes, .delta, .increase, .rate, .resets]
    static let smoothedSafe: [Kind] = [.delta, .increase, .rate]
  }

  let kind: Kind
  let vector: RangeVector
  var context: QueryContext
  /// The scalar arguments at each step, in their order.
  let scalars: [[Double]]
  /// The position that messages about samples name: the first argument.
  let position: PositionRange
  private let rate: RateKernel

  init(kind: Kind, vector: RangeVector, context: QueryContext, scalars: [[Double]], position: PositionRange) {
    self.kind = kind
    self.vector = vector
    self.context = context
    self.scalars = scalars
    self.position = position
    rate = RateKernel(isCounter: kind != .delta, isRate: kind == .rate, range: vector.range)
  }

  /// True if the result is still a sample of the metric, so that it keeps its name.
  var keepsName: Bool { kind == .firstOverTime || kind == .lastOverTime }

  func value(_ samples: SampleColumn, _ window: Window, _ labels: Labels) throws(QueryError) -> StepValue? {
    switch kind {
    case .rate, .increase, .delta: return rateValue(samples, window, labels)
    case .irate, .idelta: return instantValue(samples, window, labels)
    case .changes: return changes(samples, window).map(StepValue.float)
    case .resets: return resets(samples, window).map(StepValue.float)
    case .countOverTime: return .float(Double(window.floats.count + window.histograms.count))
    case .presentOverTime, .absentOverTime: return .float(1)
    case .firstOverTime: return edge(samples, window, first: true)
    case .lastOverTime: return edge(samples, window, first: false)
    case .timeOfFirst, .timeOfLast: return .float(edgeTime(samples, window))
    case .sumOverTime, .avgOverTime: return total(samples, window, labels)
    default: return try floatValue(samples, window, labels).map(StepValue.float)
    }
  }

  /// Functions that only look at floats.
  private func floatValue(_ samples: SampleColumn, _ window: Window, _ labels: Labels) throws(QueryError) -> Double? {
    switch kind {
    case .doubleExponentialSmoothing:
      try checkSmoothing(window.step)
      fallthrough
    case .deriv, .predictLinear:
      if window.floats.count < 2 {
        if window.floats.count == 1 { noteIgnored(window, labels) }
        return nil
      }
    default: if window.floats.isEmpty { return nil }
    }
    noteIgnored(window, labels)
    switch kind {
    case .minOverTime: return extreme(samples, window) { $0 < $1 }.value
    case .maxOverTime: return extreme(samples, window) { $0 > $1 }.value
    case .timeOfMin: return extreme(samples, window) { $0 <= $1 }.seconds
    case .timeOfMax: return extreme(samples, window) { $0 >= $1 }.seconds
    case .stddevOverTime: return variance(samples, window).squareRoot()
    case .stdvarOverTime: return variance(samples, window)
    case .quantileOverTime:
      let q = scalars[0][window.step]
      if !(q >= 0 && q <= 1) { context.annotate(.invalidQuantile(q, at: position)) }
      var values = Array(samples.values[window.floats])
      return FloatMath.quantile(q, &values)
    case .madOverTime: return medianDeviation(samples, window)
    case .deriv:
      return Regression(samples, window.floats, intercept: samples.timestamps[window.floats.lowerBound]).slope
    case .predictLinear:
      let line = Regression(samples, window.floats, intercept: window.time)
      return line.slope * scalars[0][window.step] + line.intercept
    case .doubleExponentialSmoothing: return smoothed(samples, window)
    default: return nil
    }
  }

  private func noteIgnored(_ window: Window, _ labels: Labels) {
    if !window.histograms.isEmpty { context.annotate(.histogramIgnoredInRange(labels.metricText, at: position)) }
  }

  private func extreme(
    _ samples: SampleColumn, _ window: Window, _ wins: (Double, Double) -> Bool
  ) -> (value: Double, seconds: Double) {
    var best = window.floats.lowerBound
    for index in window.floats
    where wins(samples.values[index], samples.values[best]) || samples.values[best].isNaN {
      best = index
    }
    return (samples.values[best], Double(samples.timestamps[best]) / 1000)
  }

  private func variance(_ samples: SampleColumn, _ window: Window) -> Double {
    var count = 0.0
    var mean = CompensatedSum()
    var squares = CompensatedSum()
    for value in samples.values[window.floats] {
      count += 1
      let delta = value - mean.total
      mean.add(delta / count)
      squares.add(delta * (value - mean.total))
    }
    return squares.total / count
  }

  private func medianDeviation(_ samples: SampleColumn, _ window: Window) -> Double {
    var values = Array(samples.values[window.floats])
    if values.contains(where: \.isNaN) { return .nan }
    let median = FloatMath.quantile(0.5, &values)
    for index in values.indices { values[index] = (values[index] - median).magnitude }
    return FloatMath.quantile(0.5, &values)
  }

  private func checkSmoothing(_ step: Int) throws(QueryError) {
    for (index, name) in ["smoothing", "trend"].enumerated() {
      let factor = scalars[index][step]
      if factor <= 0 || factor >= 1 {
        let range = index == 0 ? "0 < sf < 1" : "0 < tf < 1"
        let got = NumberText.fixed(factor, places: 6)
        throw .execution("invalid \(name) factor. Expected: \(range), got: \(got)")
      }
    }
  }

  private func smoothed(_ samples: SampleColumn, _ window: Window) -> Double {
    let values = samples.values[window.floats]
    let smoothing = scalars[0][window.step]
    let trendFactor = scalars[1][window.step]
    let first = values.startIndex
    var before = 0.0
    var level = values[first]
    var trend = values[first + 1] - values[first]
    for index in (first + 1)..<values.endIndex {
      if index > first + 1 { trend = trendFactor * (level - before) + (1 - trendFactor) * trend }
      let next = smoothing * values[index] + (1 - smoothing) * (level + trend)
      before = level
      level = next
    }
    return level
  }

  // Floats and histograms alike.

  private func edge(_ samples: SampleColumn, _ window: Window, first: Bool) -> StepValue {
    let float = first ? window.floats.first : window.floats.last
    let histogram = first ? window.histograms.first : window.histograms.last
    guard let histogram else { return .float(samples.values[float ?? 0]) }
    guard let float else { return .histogram(samples.histograms[histogram]) }
    let floatTime = samples.timestamps[float]
    let histogramTime = samples.histogramTimestamps[histogram]
    let isFloat = first ? floatTime < histogramTime : floatTime > histogramTime
    return isFloat ? .float(samples.values[float]) : .histogram(samples.histograms[histogram])
  }

  private func edgeTime(_ samples: SampleColumn, _ window: Window) -> Double {
    let first = kind == .timeOfFirst
    let float = (first ? window.floats.first : window.floats.last).map { samples.timestamps[$0] }
    let histogram = (first ? window.histograms.first : window.histograms.last).map { samples.histogramTimestamps[$0] }
    let times = [float, histogram].compactMap { $0 }
    return Double((first ? times.min() : times.max()) ?? 0) / 1000
  }

  private func total(_ samples: SampleColumn, _ window: Window, _ labels: Labels) -> StepValue? {
    if !window.floats.isEmpty, !window.histograms.isEmpty {
      context.annotate(.mixedFloatsHistograms(labels.metricText, at: position))
      return nil
    }
    if window.floats.isEmpty { return histogramTotal(samples, window, labels) }
    let values = samples.values[window.floats]
    if kind == .avgOverTime {
      var mean = RunningMean(values[values.startIndex])
      for value in values.dropFirst() { mean.add(value) }
      return .float(mean.value)
    }
    var sum = CompensatedSum()
    for value in values { sum.add(value) }
    return .float(sum.sum.isInfinite ? sum.sum : sum.total)
  }

  private func rateValue(_ samples: SampleColumn, _ window: Window, _ labels: Labels) -> StepValue? {
    if !window.floats.isEmpty, !window.histograms.isEmpty {
      context.annotate(.mixedFloatsHistograms(labels.metricText, at: position))
      return nil
    }
    if vector.isExtended {
      if window.floats.isEmpty { return extendedHistogramRate(rate, samples, window, labels) }
      return rate.extended(samples, window, smoothed: vector.isSmoothed).map(StepValue.float)
    }
    if window.floats.isEmpty { return histogramRate(rate, samples, window, labels) }
    let usesStarts = context.options.usesStartTimestamps
    if usesStarts, rate.isCounter, !samples.startTimestamps.isEmpty { noteOverlaps(samples, window, labels) }
    return rate.value(samples, window, usesStarts: usesStarts).map(StepValue.float)
  }

  private func noteOverlaps(_ samples: SampleColumn, _ window: Window, _ labels: Labels) {
    let starts = samples.startTimestamps
    for index in window.floats.dropFirst()
    where SampleColumn.startOverlaps(starts[index - 1], samples.timestamps[index - 1], starts[index]) {
      return context.annotate(.startTimeOverlap(labels.metricText, at: position))
    }
  }
}

/// A line through the samples of a window by least squares; `intercept` is its value at a chosen time.
struct Regression {
  var slope: Double
  var intercept: Double

  init(_ samples: SampleColumn, _ range: Range<Int>, intercept time: Int64) {
    var count = 0.0
    var x = CompensatedSum()
    var y = CompensatedSum()
    var xy = CompensatedSum()
    var xx = CompensatedSum()
    let first = samples.values[range.lowerBound]
    var isConstant = true
    for index in range {
      let value = samples.values[index]
      if index > range.lowerBound, value != first { isConstant = false }
      count += 1
      let seconds = Double(samples.timestamps[index] - time) / 1000
      x.add(seconds)
      y.add(value)
      xy.add(seconds * value)
      xx.add(seconds * seconds)
    }
    if isConstant {
      slope = first.isInfinite ? .nan : 0
      intercept = first.isInfinite ? .nan : first
      return
    }
    let covariance = xy.total - x.total * y.total / count
    let variance = xx.total - x.total * x.total / count
    slope = covariance / variance
    intercept = y.total / count - slope * x.total / count
  }
}

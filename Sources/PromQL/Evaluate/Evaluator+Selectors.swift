import Model

// Instant selectors: at each step the newest sample within the lookback, unless it is a stale marker.

extension Evaluator {
  /// The first and last time a selector is asked for, after `@` and `offset`.
  func referenceTimes(_ shift: TimeShift) -> (first: Int64, last: Int64) {
    if case .milliseconds(let time) = shift.at { return (time &- shift.offset, time &- shift.offset) }
    return (grid.start &- shift.offset, grid.end &- shift.offset)
  }

  /// The time one step of a selector looks at.
  func referenceTime(_ shift: TimeShift, _ step: Int) -> Int64 {
    if case .milliseconds(let time) = shift.at { return time &- shift.offset }
    return grid.time(step) &- shift.offset
  }

  func streamSelector(_ node: VectorSelector, _ sink: Sink) throws(QueryError) {
    if node.isSmoothed { return try streamSmoothed(node, sink) }
    let (first, last) = referenceTimes(node.shift)
    let request = SelectionRequest(matchers: node.matchers, start: first &- context.lookback &+ 1, end: last)
    try sweep(try context.select(request), InstantLeaf(node: node, evaluator: self), sink)
  }

  /// Reads each series of a selector and tells `body` how to find the sample of a step; steps must be asked in order.
  func forEachInstant(
    _ node: VectorSelector,
    _ body: (Labels, SampleColumn, (Int) -> InstantCursor.Pick) throws(QueryError) -> Void
  ) throws(QueryError) {
    let (first, last) = referenceTimes(node.shift)
    let request = SelectionRequest(matchers: node.matchers, start: first &- context.lookback &+ 1, end: last)
    let selection = try context.select(request)
    let reader = selection.makeReader()
    var samples = SampleColumn()
    for index in 0..<selection.count {
      try context.checkStop()
      samples.removeAll()
      try reader.read(index, into: &samples)
      if samples.isEmpty { continue }
      if node.detectsResets { samples.detectResets() }
      let holding = Holding(context)
      defer { holding.release() }
      try holding.add(samples: samples.count, bytes: samples.byteCount)
      var cursor = InstantCursor(samples, context.lookback)
      try body(selection.labels(index), samples) { step in cursor.pick(at: referenceTime(node.shift, step)) }
    }
  }

  /// `timestamp(selector)`: when the sample of each step was taken.
  func streamTimestamps(_ node: VectorSelector, starts: Bool, _ sink: Sink) throws(QueryError) {
    let merging = SeriesMerge(self, unique: Expression.selector(node).hasOneName)
    try forEachInstant(node) { (labels, samples, picks) throws(QueryError) in
      var series = ResultSeries(labels: labels, column: StepColumn(count: grid.count))
      for step in 0..<grid.count {
        let time: Int64
        switch picks(step) {
        case .none: continue
        case .float(let index):
          time =
            starts ? (samples.startTimestamps.isEmpty ? 0 : samples.startTimestamps[index]) : samples.timestamps[index]
        case .histogram(let index):
          let known = samples.histogramStartTimestamps
          time = starts ? (known.isEmpty ? 0 : known[index]) : samples.histogramTimestamps[index]
        }
        series.column.set(step, Double(time) / 1000)
      }
      context.samples.add(series.column.present, series.column.present.count)
      context.droppingName(&series)
      try merging.add(series, sink)
    }
    try merging.finish(sink)
  }

  /// `selector smoothed`: the value at the step on the line between the samples around it.
  private func streamSmoothed(_ node: VectorSelector, _ sink: Sink) throws(QueryError) {
    let (first, last) = referenceTimes(node.shift)
    let request = SelectionRequest(
      matchers: node.matchers, start: first &- context.lookback &+ 1, end: last &+ context.lookback)
    let selection = try context.select(request)
    let reader = selection.makeReader()
    var samples = SampleColumn()
    for index in 0..<selection.count {
      try context.checkStop()
      samples.removeAll()
      try reader.read(index, into: &samples)
      samples.removeStaleMarkers()
      if samples.isEmpty { continue }
      let holding = Holding(context)
      defer { holding.release() }
      try holding.add(samples: samples.count, bytes: samples.byteCount)
      let labels = selection.labels(index)
      var column = StepColumn(count: grid.count)
      for step in 0..<grid.count {
        let time = referenceTime(node.shift, step)
        let floats = samples.floatRange(after: time &- context.lookback, through: time &+ context.lookback)
        let histograms = samples.histogramRange(after: time &- context.lookback, through: time &+ context.lookback)
        if !floats.isEmpty, !histograms.isEmpty {
          context.annotate(.mixedFloatsHistograms(labels.metricText, at: node.position))
          continue
        }
        try context.work(floats.count + 8 * histograms.count)
        if !histograms.isEmpty {
          if let value = smoothedHistogram(samples, histograms, time, labels.metricText, node.position) {
            try holding.add(bytes: value.byteCount)
            column.set(step, value)
          }
        } else if let value = Evaluator.smoothed(samples, floats, time) {
          column.set(step, value)
        }
      }
      if !column.isEmpty { try sink(ResultSeries(labels: labels, column: column)) }
    }
  }

  private static func smoothed(_ samples: SampleColumn, _ range: Range<Int>, _ time: Int64) -> Double? {
    var next = range.lowerBound
    while next < range.upperBound, samples.timestamps[next] < time { next += 1 }
    if next < range.upperBound, samples.timestamps[next] == time { return samples.values[next] }
    if next == range.lowerBound { return nil }
    if next == range.upperBound { return samples.values[next - 1] }
    return RateKernel.interpolate(samples, next - 1, next, time, isCounter: false)
  }
}

/// The newest sample of each step.
private struct InstantLeaf: SeriesLeaf {
  let node: VectorSelector
  /// Of it only what does not change: the grid, the lookback.
  nonisolated(unsafe) let evaluator: Evaluator

  func fill(
    _ series: inout ResultSeries, from samples: inout SampleColumn, _ context: QueryContext
  ) throws(QueryError) -> Bool {
    if samples.histogramTimestamps.isEmpty {
      fillFloats(samples, context.lookback, &series.column)
    } else {
      if node.detectsResets { samples.detectResets() }
      var cursor = InstantCursor(samples, context.lookback)
      for step in 0..<series.column.count {
        switch unsafe cursor.pick(at: evaluator.referenceTime(node.shift, step)) {
        case .none: break
        case .float(let index): series.column.set(step, samples.values[index])
        case .histogram(let index): series.column.set(step, samples.histograms[index])
        }
      }
    }
    let count = series.column.present.count
    context.samples.add(series.column.present, count)
    return count > 0
  }

  private func fillFloats(_ samples: SampleColumn, _ lookback: Int64, _ column: inout StepColumn) {
    let interval = unsafe node.shift.at == nil ? evaluator.grid.interval : 0
    unsafe column.fillNewest(samples, at: evaluator.referenceTime(node.shift, 0), every: interval, lookback: lookback)
  }
}

/// Finds the sample of one step after the other.
struct InstantCursor {
  enum Pick {
    case none
    case float(Int)
    case histogram(Int)
  }

  private let samples: SampleColumn
  private let lookback: Int64
  private var float = 0
  private var histogram = 0

  init(_ samples: SampleColumn, _ lookback: Int64) {
    self.samples = samples
    self.lookback = lookback
  }

  /// The newest sample at `time`; times must not go back.
  mutating func pick(at time: Int64) -> Pick {
    while float < samples.timestamps.count, samples.timestamps[float] <= time { float += 1 }
    while histogram < samples.histogramTimestamps.count, samples.histogramTimestamps[histogram] <= time {
      histogram += 1
    }
    let floatTime = float > 0 ? samples.timestamps[float - 1] : Int64.min
    let histogramTime = histogram > 0 ? samples.histogramTimestamps[histogram - 1] : Int64.min
    let newest = max(floatTime, histogramTime)
    if newest == Int64.min || newest <= time &- lookback { return .none }
    if floatTime >= histogramTime {
      return StaleMarker.isStale(samples.values[float - 1]) ? .none : .float(float - 1)
    }
    return samples.histograms[histogram - 1].isStale ? .none : .histogram(histogram - 1)
  }
}

extension SampleColumn {
  /// The samples after one time and up to another.
  func floatRange(after start: Int64, through end: Int64) -> Range<Int> {
    SampleColumn.range(timestamps, after: start, through: end)
  }

  func histogramRange(after start: Int64, through end: Int64) -> Range<Int> {
    SampleColumn.range(histogramTimestamps, after: start, through: end)
  }

  private static func range(_ times: [Int64], after start: Int64, through end: Int64) -> Range<Int> {
    let lower = firstIndex(times, after: start)
    return lower..<max(lower, firstIndex(times, after: end))
  }

  /// The first index whose time is later than `time`.
  static func firstIndex(_ times: [Int64], after time: Int64) -> Int {
    var low = 0
    var high = times.count
    while low < high {
      let middle = (low + high) / 2
      if times[middle] <= time { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

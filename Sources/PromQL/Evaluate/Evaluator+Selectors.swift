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
    try forEachInstant(node) { (labels, samples, picks) throws(QueryError) in
      var column = StepColumn(count: grid.count)
      if samples.histogramTimestamps.isEmpty {
        fillInstants(samples, node.shift, &column)
      } else {
        for step in 0..<grid.count {
          switch picks(step) {
          case .none: break
          case .float(let index): column.set(step, samples.values[index])
          case .histogram(let index): column.set(step, samples.histograms[index])
          }
        }
      }
      if column.isEmpty { return }
      context.samplesTotal += column.present.count
      try sink(ResultSeries(labels: labels, column: column))
    }
  }

  /// The newest sample of each step for a series of floats only.
  private func fillInstants(_ samples: SampleColumn, _ shift: TimeShift, _ column: inout StepColumn) {
    let isPinned = shift.at != nil
    var time = referenceTime(shift, 0)
    let lookback = context.lookback
    samples.timestamps.withUnsafeBufferPointer { times in
      samples.values.withUnsafeBufferPointer { values in
        var next = 0
        for step in 0..<column.count {
          while next < times.count, times[next] <= time { next += 1 }
          if next > 0, times[next - 1] > time &- lookback, !StaleMarker.isStale(values[next - 1]) {
            column.set(step, values[next - 1])
          }
          if !isPinned { time += grid.interval }
        }
      }
    }
  }

  enum InstantPick {
    case none
    case float(Int)
    case histogram(Int)
  }

  /// Reads each series of a selector and tells `body` how to find the sample of a step; steps must be asked in order.
  func forEachInstant(
    _ node: VectorSelector,
    _ body: (Labels, SampleColumn, (Int) -> InstantPick) throws(QueryError) -> Void
  ) throws(QueryError) {
    let (first, last) = referenceTimes(node.shift)
    let request = SelectionRequest(matchers: node.matchers, start: first &- context.lookback &+ 1, end: last)
    let selection = try context.source.select(request)
    var samples = SampleColumn()
    for index in 0..<selection.count {
      try context.checkStop()
      samples.removeAll()
      try selection.read(index, into: &samples)
      if samples.isEmpty { continue }
      if node.detectsResets { samples.detectResets() }
      try context.hold(samples.count)
      defer { context.release(samples.count) }
      var float = 0
      var histogram = 0
      let column = samples
      try body(selection.labels(index), column) { step in
        let time = referenceTime(node.shift, step)
        while float < column.timestamps.count, column.timestamps[float] <= time { float += 1 }
        while histogram < column.histogramTimestamps.count, column.histogramTimestamps[histogram] <= time {
          histogram += 1
        }
        let floatTime = float > 0 ? column.timestamps[float - 1] : Int64.min
        let histogramTime = histogram > 0 ? column.histogramTimestamps[histogram - 1] : Int64.min
        let newest = max(floatTime, histogramTime)
        if newest == Int64.min || newest <= time &- context.lookback { return .none }
        if floatTime >= histogramTime {
          return StaleMarker.isStale(column.values[float - 1]) ? .none : .float(float - 1)
        }
        return column.histograms[histogram - 1].isStale ? .none : .histogram(histogram - 1)
      }
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
      context.samplesTotal += series.column.present.count
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
    let selection = try context.source.select(request)
    var samples = SampleColumn()
    for index in 0..<selection.count {
      try context.checkStop()
      samples.removeAll()
      try selection.read(index, into: &samples)
      samples.removeStaleMarkers()
      if samples.isEmpty { continue }
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
        if !histograms.isEmpty {
          if let value = smoothedHistogram(samples, histograms, time, labels.metricText, node.position) {
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

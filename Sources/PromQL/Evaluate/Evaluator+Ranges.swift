import Model

// Range vectors: windows that slide over the samples of one series, for functions like rate and max_over_time.

/// The series behind a range vector and how its windows lie.
struct RangeInput {
  var labels: Labels
  var dropsName: Bool
}

/// One window: which samples of the column it holds, and its ends.
struct Window {
  /// The window is after `start` and up to `end`, milliseconds.
  var start: Int64
  var end: Int64
  var floats: Range<Int>
  var histograms: Range<Int>
  /// The time of the step, which `offset` and `@` set apart from the window's end.
  var time: Int64
  var step: Int
}

/// A range vector: the selector or subquery, its length and its shift.
struct RangeVector {
  let expression: Expression
  let range: Int64
  let shift: TimeShift
  var isAnchored = false
  var isSmoothed = false

  init?(_ expression: Expression) {
    self.expression = expression
    switch expression {
    case .matrix(let node):
      range = node.range
      shift = node.selector.shift
      isAnchored = node.selector.isAnchored
      isSmoothed = node.selector.isSmoothed
    case .subquery(let node):
      range = node.range
      shift = node.shift
    default: return nil
    }
  }

  var isExtended: Bool { isAnchored || isSmoothed }
}

extension Evaluator {
  /// Calls `body` with the samples of each series of a range vector; stale markers are out already.
  func forEachRange(
    _ vector: RangeVector, _ body: (RangeInput, SampleColumn) throws(QueryError) -> Void
  ) throws(QueryError) {
    let (first, last) = referenceTimes(vector.shift)
    switch vector.expression {
    case .matrix(let node):
      let selection = try context.select(request(vector, node.selector))
      let reader = selection.makeReader()
      var samples = SampleColumn()
      for index in 0..<selection.count {
        try context.checkStop()
        samples.removeAll()
        try reader.read(index, into: &samples)
        samples.removeStaleMarkers()
        if samples.isEmpty { continue }
        if node.selector.detectsResets { samples.detectResets() }
        let holding = Holding(context)
        defer { holding.release() }
        try holding.add(samples: samples.count, bytes: samples.byteCount)
        try body(RangeInput(labels: selection.labels(index), dropsName: false), samples)
      }
    case .subquery(let node): try forEachSubquery(node, first: first, last: last, body)
    default: break
    }
  }

  /// The times that the windows of a range selector reach, with those its modifiers look at beyond them.
  func request(_ vector: RangeVector, _ selector: VectorSelector) -> SelectionRequest {
    let (first, last) = referenceTimes(vector.shift)
    let before = vector.isExtended ? context.lookback : 0
    let after = vector.isSmoothed ? context.lookback : 0
    return SelectionRequest(
      matchers: selector.matchers, start: first &- vector.range &- before &+ 1, end: last &+ after)
  }

  /// A subquery is evaluated once, on its own grid of absolute times, for the windows of all steps.
  private func forEachSubquery(
    _ node: Subquery, first: Int64, last: Int64,
    _ body: (RangeInput, SampleColumn) throws(QueryError) -> Void
  ) throws(QueryError) {
    let inner = Evaluator(context: context, grid: subqueryGrid(node, first: first, last: last))
    try context.hold(inner.grid.count)
    defer { context.release(inner.grid.count) }
    let isMuted = context.samples.isMuted
    context.samples.isMuted = true
    defer { context.samples.isMuted = isMuted }
    try inner.stream(node.expression) { (series) throws(QueryError) in
      context.samples.isMuted = isMuted
      defer { context.samples.isMuted = true }
      let count = series.column.present.count
      let holding = Holding(context)
      defer { holding.release() }
      try holding.add(samples: count, bytes: 24 * count + series.column.histogramByteCount)
      var samples = SampleColumn()
      if series.column.histograms.isEmpty {
        samples.timestamps.reserveCapacity(count)
        samples.values.reserveCapacity(count)
      }
      series.column.present.forEach { step in
        let time = inner.grid.time(step)
        if var histogram = series.column.histogram(step) {
          // Samples may be left out or repeated here, so what is said about the one before does not hold.
          if histogram.hint != .gauge { histogram.hint = .unknown }
          samples.append(time, histogram)
        } else {
          samples.append(time, series.column.floats[step])
        }
      }
      try body(RangeInput(labels: series.labels, dropsName: series.dropsName), samples)
    }
  }

  func subqueryGrid(_ node: Subquery, first: Int64, last: Int64) -> StepGrid {
    let step = node.step > 0 ? node.step : context.limits.subqueryStep ?? context.options.subqueryStep
    let lower = first - node.range
    var start = step * (lower / step)
    if start <= lower { start += step }
    return StepGrid(start: start, end: last, interval: step)
  }

  func windowWalk(_ vector: RangeVector) -> WindowWalk {
    WindowWalk(
      range: vector.range, firstEnd: referenceTime(vector.shift, 0),
      interval: vector.shift.at == nil ? grid.interval : 0,
      count: grid.count)
  }

  /// Calls `body` with the window of each step, in order; windows without samples are left out.
  func forEachWindow(
    _ vector: RangeVector, _ samples: SampleColumn, _ body: (Window) throws(QueryError) -> Void
  ) throws(QueryError) {
    var floats = 0..<0
    var histograms = 0..<0
    let before = vector.isExtended ? context.lookback : 0
    let after = vector.isSmoothed ? context.lookback : 0
    for step in 0..<grid.count {
      let end = referenceTime(vector.shift, step)
      let start = end - vector.range
      floats = Evaluator.slide(floats, samples.timestamps, after: start - before, through: end + after)
      histograms = Evaluator.slide(histograms, samples.histogramTimestamps, after: start - before, through: end + after)
      if floats.isEmpty && histograms.isEmpty { continue }
      try context.work(floats.count + 8 * histograms.count)
      context.samples.add(floats.count + histograms.count, at: step)
      try body(
        Window(start: start, end: end, floats: floats, histograms: histograms, time: grid.time(step), step: step))
    }
  }

  /// The window of an anchored or smoothed selector as samples: those within it, and one at each of its ends.
  func extended(_ samples: SampleColumn, _ window: Window, _ vector: RangeVector) throws(QueryError) -> SampleColumn {
    if !window.histograms.isEmpty {
      throw .execution("\(vector.isAnchored ? "anchored" : "smoothed") modifier is not supported with histograms")
    }
    var extended = SampleColumn()
    let smoothed = vector.isSmoothed
    guard
      let ends = ExtendedWindow(
        samples.timestamps, window.floats, window, smoothed: smoothed, mayLieBehind: true)
    else { return extended }
    let (left, right) = ends.values(samples, window, smoothed: smoothed, isCounter: false)
    extended.append(window.start, left)
    for index in ends.inside(samples.timestamps, window) {
      extended.append(samples.timestamps[index], samples.values[index])
    }
    extended.append(window.end, right)
    return extended
  }

  @inline(__always)
  private static func slide(_ range: Range<Int>, _ times: [Int64], after start: Int64, through end: Int64) -> Range<Int>
  {
    var lower = range.lowerBound
    var upper = range.upperBound
    while upper < times.count, times[upper] <= end { upper += 1 }
    while lower < upper, times[lower] <= start { lower += 1 }
    return lower..<upper
  }
}

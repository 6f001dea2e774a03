import Model

/// A function over the windows of a series.
struct RangeLeaf: SeriesLeaf {
  private nonisolated(unsafe) let function: RangeFunction
  private let walk: WindowWalk
  private let position: PositionRange
  private let grid: StepGrid
  private let detectsResets: Bool
  private let notesNonCounters: Bool

  init(function: RangeFunction, walk: WindowWalk, position: PositionRange, grid: StepGrid) {
    self.function = function
    self.walk = walk
    self.position = position
    self.grid = grid
    notesNonCounters = function.kind == .rate || function.kind == .increase
    if case .matrix(let node) = function.vector.expression {
      detectsResets = node.selector.detectsResets
    } else {
      detectsResets = false
    }
  }

  func fill(
    _ series: inout ResultSeries, from samples: inout SampleColumn, _ context: QueryContext
  ) throws(QueryError) -> Bool {
    samples.removeStaleMarkers()
    if samples.isEmpty { return false }
    if detectsResets { samples.detectResets() }
    var function = function
    function.context = context
    if !(try function.fillFloats(samples, walk, into: &series.column)) {
      let made = Holding(context)
      defer { made.release() }
      let evaluator = Evaluator(context: context, grid: grid)
      try evaluator.forEachWindow(function.vector, samples) { (window) throws(QueryError) in
        guard let value = try function.value(samples, window, series.labels) else { return }
        if case .histogram(let histogram) = value { try made.add(bytes: histogram.byteCount) }
        series.column.set(window.step, value)
      }
    }
    if series.column.isEmpty { return false }
    if notesNonCounters, series.column.histograms.isEmpty { noteNonCounter(series.labels, context) }
    if !function.keepsName || (series.dropsName && !context.options.delaysNameRemoval) {
      context.droppingName(&series)
    }
    return true
  }

  private static let counterSuffixes: [StaticString] = ["_total", "_sum", "_count", "_bucket"]

  private func noteNonCounter(_ labels: Labels, _ context: QueryContext) {
    if context.options.usesTypeAndUnitLabels {
      let metric = labels.metricText
      let type = labels["__type__"] ?? ""
      if !metric.isEmpty, type != "counter", type != "histogram" {
        context.annotate(.possibleNonCounterType(metric, type, at: position))
      }
      return
    }
    let isSuspect = labels.withValue(of: LabelName.metric) { name in
      guard let name, !name.isEmpty else { return false }
      return !RangeLeaf.counterSuffixes.contains { suffix in
        let count = suffix.utf8CodeUnitCount
        guard name.count >= count else { return false }
        let end = UnsafeRawBufferPointer(rebasing: name[(name.count - count)...])
        return equalBytes(end, UnsafeRawBufferPointer(start: suffix.utf8Start, count: count))
      }
    }
    if isSuspect { context.annotate(.possibleNonCounter(labels.metricText, at: position)) }
  }
}

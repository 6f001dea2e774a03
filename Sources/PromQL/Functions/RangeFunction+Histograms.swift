import Model

// Range functions over native histograms. They are rare and slow; what they say about mixed layouts matters more.

extension RangeFunction {
  /// `sum_over_time` and `avg_over_time`.
  func histogramTotal(_ samples: SampleColumn, _ window: Window, _ labels: Labels) -> StepValue? {
    let all = samples.histograms[window.histograms]
    var total = HistogramTotal(all[all.startIndex], isMean: kind == .avgOverTime)
    for histogram in all.dropFirst() where !total.add(histogram) {
      context.annotate(.mixedSchemas(labels.metricText, at: position))
      return nil
    }
    total.annotate(context, at: position)
    return .histogram(total.value)
  }

  /// `rate`, `increase`, `delta`.
  func histogramRate(_ rate: RateKernel, _ samples: SampleColumn, _ window: Window, _ labels: Labels) -> StepValue? {
    let range = window.histograms
    let usesStarts =
      context.options.usesStartTimestamps && rate.isCounter && !samples.histogramStartTimestamps.isEmpty
    var result: Histogram?
    if range.count > 1 {
      result = histogramChange(samples, range, isCounter: rate.isCounter, usesStarts: usesStarts, labels)
      if result == nil { return nil }
    }
    let firstIndex = range.lowerBound
    let first = samples.histograms[firstIndex]
    let extrapolation = Extrapolation(
      first: samples.histogramTimestamps[firstIndex], last: samples.histogramTimestamps[range.upperBound - 1],
      count: range.count, window: window, rate: rate)
    let start = usesStarts ? samples.histogramStartTimestamps[firstIndex] : 0
    if extrapolation.beginsAt(start) {
      guard var sum = result else {
        return .histogram(first.multiplied(by: extrapolation.factor(start: start)))
      }
      guard add(first, to: &sum, labels) else { return nil }
      return .histogram(sum.multiplied(by: extrapolation.factor(start: start)))
    }
    guard let result else { return nil }
    var zero: Double?
    if rate.isCounter, result.count > 0, first.count >= 0 {
      zero = extrapolation.sampled * (first.count / result.count)
    }
    return .histogram(result.multiplied(by: extrapolation.factor(durationToZero: zero ?? .infinity)))
  }

  private func add(_ other: Histogram, to sum: inout Histogram, _ labels: Labels) -> Bool {
    guard let notes = sum.add(other) else {
      context.annotate(.mixedSchemas(labels.metricText, at: position))
      return false
    }
    if notes.boundsReconciled { context.annotate(.mismatchedBounds("addition", at: position)) }
    return true
  }

  private func subtract(_ other: Histogram, from result: inout Histogram, _ labels: Labels) -> Bool {
    guard let notes = result.subtract(other) else {
      context.annotate(.mixedSchemas(labels.metricText, at: position))
      return false
    }
    if notes.boundsReconciled { context.annotate(.mismatchedBounds("subtraction", at: position)) }
    return true
  }

  /// The change over at least two histograms; nil where they do not go together.
  private func histogramChange(
    _ samples: SampleColumn, _ range: Range<Int>, isCounter: Bool, usesStarts: Bool, _ labels: Labels
  ) -> Histogram? {
    let all = samples.histograms
    var previous = all[range.lowerBound]
    let last = all[range.upperBound - 1]
    var isCustom = previous.isCustom
    if isCounter, previous.hint == .gauge || last.hint == .gauge {
      context.annotate(.notCounter(labels.metricText, at: position))
    }
    if isCounter {
      // Where the second begins anew, the first takes no part, whatever its buckets.
      let second = all[range.lowerBound + 1]
      if (usesStarts && samples.histogramStartsAnew(range.lowerBound + 1)) || second.isReset(from: previous) {
        previous = Histogram()
        previous.schema = second.schema
        previous.customBounds = second.customBounds
        isCustom = second.isCustom
      }
    }
    if last.isCustom != isCustom {
      context.annotate(.mixedSchemas(labels.metricText, at: position))
      return nil
    }
    var schema = min(last.schema, previous.schema)
    if isCounter {
      for histogram in all[range].dropFirst().dropLast() {
        if histogram.hint == .gauge { context.annotate(.notCounter(labels.metricText, at: position)) }
        schema = min(schema, histogram.schema)
        if histogram.isCustom != isCustom {
          context.annotate(.mixedSchemas(labels.metricText, at: position))
          return nil
        }
      }
    }
    var result = last.reduced(to: schema)
    guard subtract(previous, from: &result, labels) else { return nil }
    if isCounter {
      guard addResets(samples, range, first: previous, usesStarts: usesStarts, to: &result, labels) else { return nil }
    } else if all[range.lowerBound].hint != .gauge || last.hint != .gauge {
      context.annotate(.notGauge(labels.metricText, at: position))
    }
    result.hint = .gauge
    result.compact()
    return result
  }

  private func addResets(
    _ samples: SampleColumn, _ range: Range<Int>, first: Histogram, usesStarts: Bool, to result: inout Histogram,
    _ labels: Labels
  ) -> Bool {
    var previous = first
    var overlaps = false
    for index in range.dropFirst() {
      let current = samples.histograms[index]
      let starts = samples.histogramStartTimestamps
      if usesStarts, !overlaps,
        SampleColumn.startOverlaps(starts[index - 1], samples.histogramTimestamps[index - 1], starts[index])
      {
        context.annotate(.startTimeOverlap(labels.metricText, at: position))
        overlaps = true
      }
      if (usesStarts && samples.histogramStartsAnew(index)) || current.isReset(from: previous) {
        guard add(previous, to: &result, labels) else { return false }
      }
      previous = current
    }
    return true
  }

  // Anchored and smoothed.

  func extendedHistogramRate(
    _ rate: RateKernel, _ samples: SampleColumn, _ window: Window, _ labels: Labels
  ) -> StepValue? {
    let smoothed = vector.isSmoothed
    let times = samples.histogramTimestamps
    guard let ends = ExtendedWindow(times, window.histograms, window, smoothed: smoothed) else { return nil }
    let used = samples.histograms[ends.first...max(ends.first, ends.last)]
    let isCustom = used[used.startIndex].isCustom
    for histogram in used {
      if histogram.isCustom != isCustom {
        context.annotate(.mixedSchemas(labels.metricText, at: position))
        return nil
      }
      if rate.isCounter, histogram.hint == .gauge { context.annotate(.notCounter(labels.metricText, at: position)) }
    }
    let metric = labels.metricText
    var left = samples.histograms[ends.first]
    if smoothed, times[ends.first] < window.start {
      guard
        let value = interpolateHistogram(
          samples, ends.first, ends.first + 1, window.start, isCounter: rate.isCounter, metric, position, context)
      else { return nil }
      left = value
    }
    var right = samples.histograms[ends.last]
    if smoothed, ends.last > window.histograms.lowerBound, times[ends.last] > window.end {
      guard
        let value = interpolateHistogram(
          samples, ends.last - 1, ends.last, window.end, isCounter: rate.isCounter, metric, position, context)
      else { return nil }
      right = value
    }
    if !rate.isCounter, left.hint != .gauge || right.hint != .gauge {
      context.annotate(.notGauge(metric, at: position))
    }
    var result = right
    guard subtract(left, from: &result, labels) else { return nil }
    if rate.isCounter {
      guard addExtendedResets(samples, ends, window, left, right, to: &result, labels) else { return nil }
    }
    if rate.isRate { result = result.divided(by: rate.rangeSeconds) }
    result.hint = .gauge
    result.compact()
    return .histogram(result)
  }

  private func addExtendedResets(
    _ samples: SampleColumn, _ ends: ExtendedWindow, _ window: Window, _ left: Histogram, _ right: Histogram,
    to result: inout Histogram, _ labels: Labels
  ) -> Bool {
    var first = ends.first + 1
    var previous = left
    if vector.isSmoothed, samples.histogramTimestamps[ends.first] < window.start,
      samples.histograms[first].isReset(from: samples.histograms[ends.first])
    {
      // The interpolation at the left end went over this reset already.
      previous = samples.histograms[first]
      first += 1
    }
    if first > ends.last { return true }
    var correction: Histogram?
    func correct(_ lost: Histogram) -> Bool {
      guard var sum = correction else {
        correction = lost
        return true
      }
      let isDone = add(lost, to: &sum, labels)
      correction = sum
      return isDone
    }
    for histogram in samples.histograms[first..<ends.last] {
      if histogram.isReset(from: previous), !correct(previous) { return false }
      previous = histogram
    }
    if right.isReset(from: previous), !correct(previous) { return false }
    guard let correction else { return true }
    return add(correction, to: &result, labels)
  }
}

/// The histogram on the way from one sample to the next; nil where they do not go together.
func interpolateHistogram(
  _ samples: SampleColumn, _ one: Int, _ two: Int, _ time: Int64, isCounter: Bool, _ metric: String,
  _ position: PositionRange, _ context: QueryContext
) -> Histogram? {
  let (first, second) = (samples.histograms[one], samples.histograms[two])
  let (start, end) = (samples.histogramTimestamps[one], samples.histogramTimestamps[two])
  if time == start { return first }
  if time == end { return second }
  let fraction = Double(time - start) / Double(end - start)
  if isCounter, second.isReset(from: first) { return second.multiplied(by: fraction) }
  var result = second
  guard let down = result.subtract(first) else {
    context.annotate(.mixedSchemas(metric, at: position))
    return nil
  }
  if down.boundsReconciled { context.annotate(.mismatchedBounds("subtraction", at: position)) }
  result = result.multiplied(by: fraction)
  guard let up = result.add(first) else { return nil }
  if up.boundsReconciled { context.annotate(.mismatchedBounds("addition", at: position)) }
  return result
}

extension Evaluator {
  /// `selector smoothed` over histograms.
  func smoothedHistogram(
    _ samples: SampleColumn, _ range: Range<Int>, _ time: Int64, _ metric: String, _ position: PositionRange
  ) -> Histogram? {
    var next = range.lowerBound
    while next < range.upperBound, samples.histogramTimestamps[next] < time { next += 1 }
    if next < range.upperBound, samples.histogramTimestamps[next] == time { return samples.histograms[next] }
    if next == range.lowerBound { return nil }
    var previous = samples.histograms[next - 1]
    if next == range.upperBound {
      previous.hint = .unknown
      return previous
    }
    let following = samples.histograms[next]
    if previous.isCustom != following.isCustom {
      context.annotate(.mixedSchemas(metric, at: position))
      return nil
    }
    let isCounter = previous.hint != .gauge || following.hint != .gauge
    return interpolateHistogram(
      samples, next - 1, next, time, isCounter: isCounter, metric, position, context)
  }
}

/// A sum or a mean of histograms as they come, with what there is to say about them.
struct HistogramTotal {
  private var sum: CompensatedHistogram
  private let isMean: Bool
  private var count = 1.0
  private var isIncremental = false
  private var sawReset = false
  private var sawNotReset = false
  private var boundsReconciled = false

  init(_ first: Histogram, isMean: Bool) {
    sum = CompensatedHistogram(first)
    self.isMean = isMean
    track(first)
  }

  private mutating func track(_ histogram: Histogram) {
    if histogram.hint == .reset { sawReset = true }
    if histogram.hint == .notReset { sawNotReset = true }
  }

  /// False where the histogram's layout does not go with those before.
  mutating func add(_ histogram: Histogram) -> Bool {
    track(histogram)
    count += 1
    if !isIncremental {
      var next = sum
      guard let notes = next.add(histogram) else { return false }
      if notes.boundsReconciled { boundsReconciled = true }
      if !isMean || !next.value.hasOverflow {
        sum = next
        return true
      }
      isIncremental = true
      sum.divide(by: count - 1)
    }
    sum.multiply(by: (count - 1) / count)
    guard let notes = sum.add(histogram.divided(by: count)) else { return false }
    if notes.boundsReconciled { boundsReconciled = true }
    return true
  }

  var value: Histogram {
    if !isMean || isIncremental { return sum.total }
    var mean = sum
    mean.divide(by: count)
    return mean.total
  }

  func annotate(_ context: QueryContext, at position: PositionRange) {
    if sawReset, sawNotReset { context.annotate(.resetCollision("aggregation", at: position)) }
    annotateBounds(context, at: position)
  }

  func annotateBounds(_ context: QueryContext, at position: PositionRange) {
    if boundsReconciled { context.annotate(.mismatchedBounds("aggregation", at: position)) }
  }

  func annotateResets(_ context: QueryContext, at position: PositionRange) {
    if sawReset, sawNotReset { context.annotate(.resetCollision("aggregation", at: position)) }
  }
}

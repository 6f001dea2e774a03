import Model

// Functions that look at each sample and the one before: changes, resets, irate, idelta.

extension RangeFunction {
  /// One sample of a window, float or histogram.
  private struct Sample {
    var time: Int64
    var float: Double
    /// Index among the histograms; nil for a float.
    var histogram: Int?
    var start: Int64
  }

  /// The samples of a window in order of time. Where it is anchored, the last one at or before its start comes first.
  private func merged(_ samples: SampleColumn, _ window: Window) -> [Sample]? {
    var floats = window.floats
    var histograms = window.histograms
    if vector.isAnchored {
      let float = floats.lowerBound + floats.prefix { samples.timestamps[$0] <= window.start }.count - 1
      let histogram =
        histograms.lowerBound + histograms.prefix { samples.histogramTimestamps[$0] <= window.start }.count - 1
      if float + 1 >= floats.upperBound, histogram + 1 >= histograms.upperBound { return nil }
      let hasFloat = float >= floats.lowerBound
      let hasHistogram = histogram >= histograms.lowerBound
      let takesFloat =
        hasFloat && (!hasHistogram || samples.timestamps[float] >= samples.histogramTimestamps[histogram])
      if takesFloat {
        floats = float..<floats.upperBound
        histograms = (histogram + 1)..<histograms.upperBound
      } else if hasHistogram {
        floats = (float + 1)..<floats.upperBound
        histograms = histogram..<histograms.upperBound
      }
    }
    var result: [Sample] = []
    result.reserveCapacity(floats.count + histograms.count)
    var float = floats.lowerBound
    var histogram = histograms.lowerBound
    while float < floats.upperBound || histogram < histograms.upperBound {
      let takesFloat =
        histogram >= histograms.upperBound
        || (float < floats.upperBound && samples.timestamps[float] <= samples.histogramTimestamps[histogram])
      if takesFloat {
        let start = samples.startTimestamps.isEmpty ? 0 : samples.startTimestamps[float]
        result.append(Sample(time: samples.timestamps[float], float: samples.values[float], start: start))
        float += 1
      } else {
        let start = samples.histogramStartTimestamps.isEmpty ? 0 : samples.histogramStartTimestamps[histogram]
        result.append(
          Sample(time: samples.histogramTimestamps[histogram], float: 0, histogram: histogram, start: start))
        histogram += 1
      }
    }
    return result
  }

  func changes(_ samples: SampleColumn, _ window: Window) -> Double? {
    if window.histograms.isEmpty, !vector.isAnchored {
      var changes = 0
      var previous = samples.values[window.floats.lowerBound]
      for value in samples.values[window.floats].dropFirst() {
        if value != previous, !(value.isNaN && previous.isNaN) { changes += 1 }
        previous = value
      }
      return Double(changes)
    }
    guard let all = merged(samples, window) else { return nil }
    var changes = 0
    for (one, two) in zip(all, all.dropFirst()) {
      switch (one.histogram, two.histogram) {
      case (nil, nil): if two.float != one.float, !(two.float.isNaN && one.float.isNaN) { changes += 1 }
      case (let old?, let new?): if !samples.histograms[new].isEqual(to: samples.histograms[old]) { changes += 1 }
      default: changes += 1
      }
    }
    return Double(changes)
  }

  func resets(_ samples: SampleColumn, _ window: Window) -> Double? {
    guard let all = merged(samples, window) else { return nil }
    let usesStarts = context.options.usesStartTimestamps
    var resets = 0
    for (one, two) in zip(all, all.dropFirst()) {
      let startsAnew = usesStarts && SampleColumn.startsAnew(one.start, one.time, two.start, two.time)
      switch (one.histogram, two.histogram) {
      case (nil, nil): if two.float < one.float || startsAnew { resets += 1 }
      case (let old?, let new?):
        if startsAnew || samples.histograms[new].isReset(from: samples.histograms[old]) { resets += 1 }
      default: resets += 1
      }
    }
    return Double(resets)
  }

  /// `irate` and `idelta`: the last two samples only.
  func instantValue(_ samples: SampleColumn, _ window: Window, _ labels: Labels) -> StepValue? {
    guard window.floats.count + window.histograms.count >= 2, let all = merged(samples, window) else { return nil }
    let one = all[all.count - 2]
    let two = all[all.count - 1]
    if one.time == two.time { return nil }
    let isRate = kind == .irate
    let seconds = Double(two.time - one.time) / 1000
    let startsAnew =
      context.options.usesStartTimestamps && SampleColumn.startsAnew(one.start, one.time, two.start, two.time)
    switch (one.histogram, two.histogram) {
    case (nil, nil):
      let isReset = isRate && (two.float < one.float || startsAnew)
      let change = isReset ? two.float : two.float - one.float
      return .float(isRate ? change / seconds : change)
    case (let old?, let new?):
      return instantHistogram(samples.histograms[old], samples.histograms[new], seconds, startsAnew, labels)
    default:
      context.annotate(.mixedFloatsHistograms(labels.metricText, at: position))
      return nil
    }
  }

  private func instantHistogram(
    _ old: Histogram, _ new: Histogram, _ seconds: Double, _ startsAnew: Bool, _ labels: Labels
  ) -> StepValue? {
    let isRate = kind == .irate
    if isRate, new.hint == .gauge || old.hint == .gauge {
      context.annotate(.notCounter(labels.metricText, at: position))
    }
    if !isRate, new.hint != .gauge || old.hint != .gauge {
      context.annotate(.notGauge(labels.metricText, at: position))
    }
    var result = new
    if !isRate || !(startsAnew || new.isReset(from: old)) {
      guard let notes = result.subtract(old) else {
        context.annotate(.mixedSchemas(labels.metricText, at: position))
        return nil
      }
      if notes.boundsReconciled { context.annotate(.mismatchedBounds("subtraction", at: position)) }
    }
    result.hint = .gauge
    result.compact()
    return .histogram(isRate ? result.divided(by: seconds) : result)
  }
}

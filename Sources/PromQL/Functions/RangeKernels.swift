import Model

/// The places of the samples in a window, in milliseconds: regular scrapes leave the same shape again and again, and what is
/// worked out of it stays.
private struct WindowShape: Equatable {
  var toStart: Int64
  var sampled: Int64
  var toEnd: Int64
  var count: Int
}

/// The windows of one series over a grid, walked with two indexes that only go forward.
struct WindowWalk {
  let range: Int64
  /// The end of the first window, and how far each next one ends later: zero where `@` pins them.
  let firstEnd: Int64
  let interval: Int64
  let count: Int

  private static func firstIndex(_ times: UnsafeBufferPointer<Int64>, after time: Int64) -> Int {
    var low = 0
    var high = times.count
    while low < high {
      let middle = (low &+ high) / 2
      if unsafe times[middle] <= time { low = middle &+ 1 } else { high = middle }
    }
    return low
  }

  /// Samples that the windows between two looks at the clock may hold together.
  fileprivate static let samplesPerCheck = 1 << 20

  /// Calls `body` with each window that holds samples: its step, its end, and the indexes of its first and past its last.
  /// Ends early where the query should stop.
  @inline(__always)
  func forEach(
    _ times: UnsafeBufferPointer<Int64>, _ context: QueryContext,
    _ body: (_ step: Int, _ end: Int64, _ low: Int, _ high: Int) -> Void
  ) {
    // The first window may be a long way off; the others follow close.
    var high = unsafe WindowWalk.firstIndex(times, after: firstEnd)
    var low = unsafe WindowWalk.firstIndex(times, after: firstEnd &- range)
    var end = firstEnd
    // No window holds more than all samples: most series are done before the first look.
    let stepsPerCheck = max(1, WindowWalk.samplesPerCheck / (times.count &+ 1))
    var first = 0
    while first < count {
      if first > 0, context.isStopped { return }
      let last = min(count, first &+ stepsPerCheck)
      for step in first..<last {
        while high < times.count, unsafe times[high] <= end { high &+= 1 }
        let start = end &- range
        while low < high, unsafe times[low] <= start { low &+= 1 }
        if low < high { body(step, end, low, high) }
        end &+= interval
      }
      first = last
    }
  }
}

extension RangeFunction {
  /// Fills the column of a series that has only floats; false where this function has no faster way than window by window.
  /// Same operations in the same order as there, so the same bits: what is saved is looking for resets, extremes and
  /// changes anew in each window.
  func fillFloats(_ samples: SampleColumn, _ walk: WindowWalk, into column: inout StepColumn) throws(QueryError)
    -> Bool
  {
    guard samples.histogramTimestamps.isEmpty, !vector.isExtended else { return false }
    if context.options.usesStartTimestamps, !samples.startTimestamps.isEmpty { return false }
    var total = 0
    var filled = true
    unsafe samples.timestamps.withUnsafeBufferPointer { times in
      unsafe samples.values.withUnsafeBufferPointer { values in
        switch kind {
        case .rate, .increase, .delta: unsafe fillRates(times, values, walk, &column, &total)
        case .minOverTime: unsafe fillExtremes(times, values, walk, &column, &total) { $0 < $1 }
        case .maxOverTime: unsafe fillExtremes(times, values, walk, &column, &total) { $0 > $1 }
        case .countOverTime: unsafe fill(times, walk, &column, &total) { Double($1 - $0) }
        case .presentOverTime: unsafe fill(times, walk, &column, &total) { _, _ in 1 }
        case .lastOverTime: unsafe fill(times, walk, &column, &total) { unsafe values[$1 - 1] }
        case .firstOverTime: unsafe fill(times, walk, &column, &total) { low, _ in unsafe values[low] }
        case .changes: unsafe fillCounts(times, walk, &column, &total, RangeFunction.changes(values))
        case .resets: unsafe fillCounts(times, walk, &column, &total, RangeFunction.falls(values))
        case .sumOverTime:
          unsafe fill(times, walk, &column, &total) { low, high in
            var sum = CompensatedSum()
            for index in low..<high { unsafe sum.add(values[index]) }
            return sum.sum.isInfinite ? sum.sum : sum.total
          }
        case .avgOverTime:
          unsafe fill(times, walk, &column, &total) { low, high in
            var mean = unsafe RunningMean(values[low])
            for index in (low + 1)..<max(low + 1, high) { unsafe mean.add(values[index]) }
            return mean.value
          }
        default: filled = false
        }
      }
    }
    if !filled { return false }
    // A walk that was long may have ended early.
    if samples.timestamps.count.saturatingMultiply(walk.count) > WindowWalk.samplesPerCheck { try context.checkStop() }
    if context.samples.tellsSteps, !context.samples.isMuted {
      unsafe samples.timestamps.withUnsafeBufferPointer { times in
        unsafe walk.forEach(times, context) { step, _, low, high in context.samples.add(high - low, at: step) }
      }
    } else {
      context.samples.add(total)
    }
    return true
  }

  @inline(__always)
  func fill(
    _ times: UnsafeBufferPointer<Int64>, _ walk: WindowWalk, _ column: inout StepColumn, _ total: inout Int,
    _ value: (_ low: Int, _ high: Int) -> Double
  ) {
    var seen = 0
    _ = unsafe column.withRaw { floats, words in
      unsafe walk.forEach(times, context) { step, _, low, high in
        seen &+= high &- low
        unsafe floats[step] = value(low, high)
        unsafe words[step &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: step & 63)
      }
    }
    total += seen
  }

  private func fillRates(
    _ times: UnsafeBufferPointer<Int64>, _ values: UnsafeBufferPointer<Double>, _ walk: WindowWalk,
    _ column: inout StepColumn, _ total: inout Int
  ) {
    let kernel = RateKernel(isCounter: kind != .delta, isRate: kind == .rate, range: vector.range)
    // Where the counter fell: few, and the same for all windows.
    var falls: [Int] = []
    if kernel.isCounter { unsafe RangeFunction.findFalls(values, into: &falls) }
    // A fall past the end spares the loop a question.
    falls.append(.max)
    var seen = 0
    _ = unsafe column.withRaw { floats, words in
      unsafe falls.withUnsafeBufferPointer { falls in
        var nextFall = 0
        var shape = WindowShape(toStart: .min, sampled: 0, toEnd: 0, count: 0)
        var known = Extrapolation(first: 0, last: 0, count: 1, start: 0, end: 0, rate: kernel)
        var factor = 0.0
        unsafe walk.forEach(times, context) { step, end, low, high in
          seen &+= high &- low
          if high &- low < 2 { return }
          let first = unsafe values[low]
          var result = unsafe values[high &- 1] - first
          while unsafe falls[nextFall] <= low { nextFall &+= 1 }
          var fall = nextFall
          while unsafe falls[fall] < high {
            unsafe result += values[falls[fall] &- 1]
            fall &+= 1
          }
          let extrapolation = unsafe WindowShape(
            toStart: times[low] &- end &+ walk.range, sampled: times[high &- 1] &- times[low],
            toEnd: end &- times[high &- 1], count: high &- low)
          if extrapolation != shape {
            shape = extrapolation
            known = unsafe Extrapolation(
              first: times[low], last: times[high &- 1], count: high &- low, start: end &- walk.range, end: end,
              rate: kernel)
            factor = known.factor(durationToZero: .infinity)
          }
          // Only where the counter was zero a short while ago does its value matter: with room for rounding, that is.
          if kernel.isCounter, result > 0, first >= 0, first * known.sampled < result * known.toStart * 1.01 {
            unsafe floats[step] = result * known.factor(durationToZero: known.sampled * (first / result))
          } else {
            unsafe floats[step] = result * factor
          }
          unsafe words[step &>> 6] |= 1 &<< UInt64(truncatingIfNeeded: step & 63)
        }
      }
    }
    total += seen
  }

  /// The samples that are less than the one before.
  private static func findFalls(_ values: UnsafeBufferPointer<Double>, into falls: inout [Int]) {
    // First without a way out, many at a time: most counters never fall.
    var any = 0
    for index in 1..<max(1, values.count) { unsafe any |= values[index] < values[index &- 1] ? 1 : 0 }
    if any == 0 { return }
    for index in 1..<max(1, values.count) where unsafe values[index] < values[index &- 1] { falls.append(index) }
  }

  private func fillCounts(
    _ times: UnsafeBufferPointer<Int64>, _ walk: WindowWalk, _ column: inout StepColumn, _ total: inout Int,
    _ counts: [Int32]
  ) {
    unsafe counts.withUnsafeBufferPointer { counts in
      unsafe fill(times, walk, &column, &total) { low, high in unsafe Double(counts[high &- 1] - counts[low]) }
    }
  }

  /// Number of times the value had changed, up to each sample.
  private static func changes(_ values: UnsafeBufferPointer<Double>) -> [Int32] {
    var counts = [Int32](repeating: 0, count: values.count)
    for index in 1..<max(1, values.count) {
      let (one, two) = unsafe (values[index - 1], values[index])
      counts[index] = counts[index - 1] + (one != two && !(one.isNaN && two.isNaN) ? 1 : 0)
    }
    return counts
  }

  /// Number of times the value had fallen, up to each sample.
  private static func falls(_ values: UnsafeBufferPointer<Double>) -> [Int32] {
    var counts = [Int32](repeating: 0, count: values.count)
    for index in 1..<max(1, values.count) {
      counts[index] = unsafe counts[index - 1] + (values[index] < values[index - 1] ? 1 : 0)
    }
    return counts
  }
}

import Model

/// `rate`, `increase` and `delta` over one window, floats only: the change from the first to the last sample, corrected for
/// counters that began anew, and extended to the window's ends.
struct RateKernel {
  let isCounter: Bool
  let isRate: Bool
  /// Length of the range in milliseconds.
  let range: Int64

  let rangeSeconds: Double

  init(isCounter: Bool, isRate: Bool, range: Int64) {
    self.isCounter = isCounter
    self.isRate = isRate
    self.range = range
    rangeSeconds = Double(range / 1000) + Double(range % 1000) * 1e6 / 1e9
  }

  /// Nil where the window holds too few samples.
  func value(_ samples: SampleColumn, _ window: Window, usesStarts: Bool) -> Double? {
    let floats = window.floats
    let first = floats.lowerBound
    let last = floats.upperBound - 1
    var result = samples.values[last] - samples.values[first]
    let starts = usesStarts && isCounter && !samples.startTimestamps.isEmpty
    if isCounter {
      var previous = samples.values[first]
      for index in (first + 1)..<max(first + 1, floats.upperBound) {
        let value = samples.values[index]
        if value < previous || (starts && samples.startsAnew(index)) { result += previous }
        previous = value
      }
    }
    let extrapolation = Extrapolation(
      first: samples.timestamps[first], last: samples.timestamps[last], count: floats.count, window: window,
      rate: self)
    let start = starts ? samples.startTimestamps[first] : 0
    let firstValue = samples.values[first]
    if extrapolation.beginsAt(start) {
      result += firstValue
      return result * extrapolation.factor(start: start)
    }
    if floats.count < 2 { return nil }
    var zero = Double.infinity
    if isCounter, result > 0, firstValue >= 0 { zero = extrapolation.sampled * (firstValue / result) }
    return result * extrapolation.factor(durationToZero: zero)
  }

  static func interpolate(_ samples: SampleColumn, _ one: Int, _ two: Int, _ time: Int64, isCounter: Bool) -> Double {
    var first = samples.values[one]
    let second = samples.values[two]
    if isCounter, second < first { first = 0 }
    let part = Double(time - samples.timestamps[one])
    let whole = Double(samples.timestamps[two] - samples.timestamps[one])
    return first + (second - first) * part / whole
  }

  /// The change between the window's ends, without a guess beyond the samples: for `anchored` and `smoothed` selectors.
  func extended(_ samples: SampleColumn, _ window: Window, smoothed: Bool) -> Double? {
    guard let ends = ExtendedWindow(samples.timestamps, window.floats, window, smoothed: smoothed) else { return nil }
    let (left, right) = ends.values(samples, window, smoothed: smoothed, isCounter: isCounter)
    var result = right - left
    if isCounter {
      var previous = left
      var correction = 0.0
      for index in ends.inside(samples.timestamps, window) {
        if samples.values[index] < previous { correction += previous }
        previous = samples.values[index]
      }
      if right < previous { correction += previous }
      result += correction
    }
    return isRate ? result / rangeSeconds : result
  }
}

/// The first and last sample that an anchored or smoothed window works with.
struct ExtendedWindow {
  var first: Int
  var last: Int

  /// Nil where the window has nothing to work with. `mayLieBehind`: samples that all lie behind its end are something.
  init?(_ times: [Int64], _ range: Range<Int>, _ window: Window, smoothed: Bool, mayLieBehind: Bool = false) {
    var last = range.upperBound - 1
    var after = range.lowerBound
    while after < last, times[after] <= window.start { after += 1 }
    first = max(range.lowerBound, after - 1)
    if smoothed {
      var reached = range.lowerBound
      while reached < last, times[reached] < window.end { reached += 1 }
      last = reached
    }
    self.last = last
    if times[last] <= window.start { return nil }
    if smoothed, !mayLieBehind, times[first] > window.end { return nil }
  }

  /// The values at the window's ends: the samples' own, or between them where they lie beyond and it is smoothed.
  func values(
    _ samples: SampleColumn, _ window: Window, smoothed: Bool, isCounter: Bool
  ) -> (left: Double, right: Double) {
    let times = samples.timestamps
    let left =
      smoothed && times[first] < window.start
      ? RateKernel.interpolate(samples, first, first + 1, window.start, isCounter: isCounter) : samples.values[first]
    let right =
      smoothed && last > window.floats.lowerBound && times[last] > window.end
      ? RateKernel.interpolate(samples, last - 1, last, window.end, isCounter: isCounter) : samples.values[last]
    return (left, right)
  }

  /// The samples between the window's ends, none that lies at one of them.
  func inside(_ times: [Int64], _ window: Window) -> Range<Int> {
    let lower = times[first] <= window.start ? first + 1 : first
    let upper = times[last] >= window.end ? last : last + 1
    return lower..<max(lower, upper)
  }
}

/// The distance over which a change between two samples is extended towards the ends of its window.
struct Extrapolation {
  /// Seconds between the first and the last sample.
  let sampled: Double
  let toStart: Double
  private let toEnd: Double
  private let average: Double
  private let firstTime: Int64
  private let lastTime: Int64
  private let windowStart: Int64
  private let rate: RateKernel

  init(first: Int64, last: Int64, count: Int, window: Window, rate: RateKernel) {
    self.init(first: first, last: last, count: count, start: window.start, end: window.end, rate: rate)
  }

  @inline(__always)
  init(first: Int64, last: Int64, count: Int, start: Int64, end: Int64, rate: RateKernel) {
    firstTime = first
    lastTime = last
    windowStart = start
    self.rate = rate
    toStart = Double(first - start) / 1000
    toEnd = Double(end - last) / 1000
    sampled = Double(last - first) / 1000
    average = count > 1 ? sampled / Double(count - 1) : 0
  }

  /// True if the counter began inside the window, before its first sample.
  func beginsAt(_ start: Int64) -> Bool { rate.isCounter && start != 0 && start > windowStart && start < firstTime }

  func factor(start: Int64) -> Double {
    factor(sampled: Double(lastTime - start) / 1000, toStart: 0)
  }

  /// `durationToZero` is when a counter was zero if it always grew as it did, or infinity; it does not go back further.
  @inline(__always)
  func factor(durationToZero: Double) -> Double {
    var toStart = toStart
    if toStart >= average * 1.1 { toStart = average / 2 }
    if durationToZero < toStart { toStart = durationToZero }
    return factor(sampled: sampled, toStart: toStart)
  }

  @inline(__always)
  private func factor(sampled: Double, toStart: Double) -> Double {
    let toEnd = toEnd >= average * 1.1 ? average / 2 : toEnd
    var factor = 1.0
    if sampled != 0 { factor = (sampled + toStart + toEnd) / sampled }
    if rate.isRate { factor /= rate.rangeSeconds }
    return factor
  }
}

extension SampleColumn {
  /// True if the counter began anew between the float before and this one, by their start times.
  func startsAnew(_ index: Int) -> Bool {
    if startTimestamps.isEmpty || index == 0 { return false }
    return SampleColumn.startsAnew(
      startTimestamps[index - 1], timestamps[index - 1], startTimestamps[index], timestamps[index])
  }

  func histogramStartsAnew(_ index: Int) -> Bool {
    if histogramStartTimestamps.isEmpty || index == 0 { return false }
    return SampleColumn.startsAnew(
      histogramStartTimestamps[index - 1], histogramTimestamps[index - 1], histogramStartTimestamps[index],
      histogramTimestamps[index])
  }

  /// A known start time after the sample before means a new counter. One that is exactly the time before does so only where
  /// the sample before has a start of its own: else it says "unknown".
  static func startsAnew(_ previousStart: Int64, _ previous: Int64, _ start: Int64, _ time: Int64) -> Bool {
    if start == 0 || start >= time || start < previous { return false }
    if start > previous { return true }
    if previousStart > previous { return false }
    return previousStart != 0 && previousStart != previous
  }

  /// True if a sample claims to have begun before the sample before it, and not when that began.
  static func startOverlaps(_ previousStart: Int64, _ previous: Int64, _ start: Int64) -> Bool {
    start != 0 && start < previous && start != previousStart
  }
}

import Model

/// The times a query is evaluated at: `count` of them, `interval` milliseconds apart.
package struct StepGrid: Sendable, Hashable {
  package let start: Int64
  package let interval: Int64
  package let count: Int

  package init(start: Int64, end: Int64, interval: Int64) {
    self.start = start
    self.interval = max(interval, 1)
    count = end < start ? 0 : Int((end - start) / self.interval) + 1
  }

  static func instant(_ time: Int64) -> StepGrid { StepGrid(start: time, end: time, interval: 1) }

  func time(_ step: Int) -> Int64 { start + Int64(step) * interval }
  var end: Int64 { time(max(count - 1, 0)) }
}

/// A set of steps, one bit each.
struct StepSet: Sendable {
  var words: [UInt64]

  init(count: Int, full: Bool = false) {
    words = [UInt64](repeating: full ? ~0 : 0, count: (count + 63) / 64)
    if full, count % 64 != 0 { words[words.count - 1] = (1 << UInt64(count % 64)) - 1 }
  }

  func contains(_ step: Int) -> Bool { words[step >> 6] >> UInt64(step & 63) & 1 != 0 }
  mutating func insert(_ step: Int) { words[step >> 6] |= 1 << UInt64(step & 63) }
  mutating func remove(_ step: Int) { words[step >> 6] &= ~(1 << UInt64(step & 63)) }
  mutating func removeAll() { for index in words.indices { words[index] = 0 } }

  var isEmpty: Bool { words.allSatisfy { $0 == 0 } }
  var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  mutating func formUnion(_ other: StepSet) { for index in words.indices { words[index] |= other.words[index] } }
  mutating func formIntersection(_ other: StepSet) { for index in words.indices { words[index] &= other.words[index] } }
  mutating func subtract(_ other: StepSet) { for index in words.indices { words[index] &= ~other.words[index] } }

  func intersects(_ other: StepSet) -> Bool {
    for index in words.indices where words[index] & other.words[index] != 0 { return true }
    return false
  }

  /// Calls `body` with each step of the set in order.
  func forEach<Failure: Error>(_ body: (Int) throws(Failure) -> Void) throws(Failure) {
    for index in words.indices {
      var word = words[index]
      while word != 0 {
        try body(index << 6 + word.trailingZeroBitCount)
        word &= word - 1
      }
    }
  }
}

/// A value at one step.
enum StepValue {
  case float(Double)
  case histogram(Histogram)
}

/// The values of one series at the steps of a grid. A step in `present` has a value: the histogram where there is one, else
/// the float. Absence is not NaN, which is a value.
struct StepColumn: Sendable {
  var floats: [Double]
  var present: StepSet
  /// Empty while no step has a histogram.
  var histograms: [Histogram?] = []

  init(count: Int) {
    floats = [Double](repeating: 0, count: count)
    present = StepSet(count: count)
  }

  init(constant: Double, count: Int) {
    floats = [Double](repeating: constant, count: count)
    present = StepSet(count: count, full: true)
  }

  /// Makes the column empty again, in the same memory; floats of steps that are not present keep what they had.
  mutating func clear() {
    present.removeAll()
    if !histograms.isEmpty { histograms = [] }
  }

  var count: Int { floats.count }
  var isEmpty: Bool { present.isEmpty }

  func histogram(_ step: Int) -> Histogram? { histograms.isEmpty ? nil : histograms[step] }

  func value(_ step: Int) -> StepValue? {
    guard present.contains(step) else { return nil }
    if let histogram = histogram(step) { return .histogram(histogram) }
    return .float(floats[step])
  }

  mutating func set(_ step: Int, _ value: Double) {
    floats[step] = value
    present.insert(step)
    if !histograms.isEmpty { histograms[step] = nil }
  }

  mutating func set(_ step: Int, _ histogram: Histogram) {
    if histograms.isEmpty { histograms = [Histogram?](repeating: nil, count: count) }
    histograms[step] = histogram
    present.insert(step)
  }

  mutating func set(_ step: Int, _ value: StepValue) {
    switch value {
    case .float(let float): set(step, float)
    case .histogram(let histogram): set(step, histogram)
    }
  }

  mutating func remove(_ step: Int) {
    present.remove(step)
    if !histograms.isEmpty { histograms[step] = nil }
  }
}

/// One series of an intermediate result.
struct ResultSeries: Sendable {
  var labels: Labels
  /// True if the name is still among the labels and goes away at the end (`promql-delayed-name-removal`).
  var dropsName = false
  var column: StepColumn
}

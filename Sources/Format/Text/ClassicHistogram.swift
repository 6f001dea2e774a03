import Model

/// The series of one classic histogram, collected to become a native one with custom buckets, as Prometheus's `convertnhcb`
/// does it. Reusable.
struct ClassicHistogram {
  private struct Bucket {
    var bound: Double
    var count: Double
  }

  /// Buckets that are put in order one by one; with more, all have to come in order.
  static let unsortedMax = 8192

  private var buckets: [Bucket] = []
  private var count = 0.0
  private var sum = 0.0
  private var hasCount = false
  /// The first contradiction; what comes behind it is passed over.
  private var fault: String?

  mutating func removeAll() {
    buckets.removeAll(keepingCapacity: true)
    (count, sum, hasCount, fault) = (0, 0, false, nil)
  }

  mutating func setCount(_ count: Double) {
    if fault != nil { return }
    if count < 0 {
      fault = "count must be non-negative: count=\(ClassicHistogram.text(count))"
      return
    }
    (self.count, hasCount) = (count, true)
  }

  mutating func setSum(_ sum: Double) { if fault == nil { self.sum = sum } }

  /// Sets the count of observations up to a bound. Of two buckets with one bound the first stays.
  mutating func setBucket(_ bound: Double, _ count: Double) {
    if fault != nil { return }
    if bound.isNaN {
      fault = "bucket boundary must not be NaN"
      return
    }
    if count < 0 {
      fault =
        "bucket count must be non-negative: le=\(ClassicHistogram.text(bound)), count=\(ClassicHistogram.text(count))"
      return
    }
    // Buckets come in order nearly always.
    var place = buckets.count
    if let last = buckets.last, last.bound >= bound { place = firstPlace(bound) }
    if place < buckets.count, buckets[place].bound == bound { return }
    if place > 0, count < buckets[place - 1].count { return refuse(count, "<", buckets[place - 1].count) }
    if place < buckets.count, buckets.count >= ClassicHistogram.unsortedMax {
      fault = "more than \(ClassicHistogram.unsortedMax) buckets that are not in the order of their bounds"
      return
    }
    if place < buckets.count, count > buckets[place].count { return refuse(count, ">", buckets[place].count) }
    buckets.insert(Bucket(bound: bound, count: count), at: place)
  }

  /// The first bucket whose bound is not below.
  private func firstPlace(_ bound: Double) -> Int {
    var (low, high) = (0, buckets.count)
    while low < high {
      let middle = (low + high) / 2
      if buckets[middle].bound < bound { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private mutating func refuse(_ count: Double, _ relation: String, _ other: Double) {
    fault =
      "count is not cumulative: \(ClassicHistogram.text(count)) \(relation) \(ClassicHistogram.text(other))"
  }

  /// The histogram with custom buckets; an error where the series contradict each other.
  func converted() throws(ExpositionError) -> HistogramMessage {
    if let fault { throw ProtobufCursor.failure(fault) }
    var buckets = buckets
    // Without a count it is that of the highest bucket.
    let count = !hasCount && !buckets.isEmpty ? buckets[buckets.count - 1].count : count
    if buckets.last?.bound != .infinity { buckets.append(Bucket(bound: .infinity, count: count)) }
    let isFloat = !ClassicHistogram.isWhole(count) || buckets.contains { !ClassicHistogram.isWhole($0.count) }
    let last = buckets[buckets.count - 1]
    if count != last.count {
      func text(_ count: Double) -> String { isFloat ? ClassicHistogram.text(count) : "\(Int64(count))" }
      throw ProtobufCursor.failure(
        "count mismatch: count=\(text(count)) != le=\(ClassicHistogram.text(last.bound)) "
          + "count=\(ClassicHistogram.text(last.count))")
    }
    var histogram = Histogram()
    histogram.schema = Histogram.customSchema
    histogram.count = count
    histogram.sum = sum
    histogram.customBounds = buckets.dropLast().map(\.bound)
    var counts: [Double] = []
    var before = 0.0
    for bucket in buckets {
      counts.append(bucket.count - before)
      before = bucket.count
    }
    // Two empty buckets between others cost less than a new run of them.
    ClassicHistogram.store(counts, in: &histogram, emptyMax: isFloat ? 0 : 2)
    return HistogramMessage(0, histogram, isFloat: isFloat || count > 0x1p53)
  }

  private static func store(_ counts: [Double], in histogram: inout Histogram, emptyMax: Int) {
    var end = 0
    for (place, count) in counts.enumerated() where count != 0 {
      let distance = place - end
      if histogram.positiveSpans.isEmpty || distance > emptyMax {
        histogram.positiveSpans.append(BucketSpan(offset: Int32(truncatingIfNeeded: distance), length: 1))
      } else {
        histogram.positiveSpans[histogram.positiveSpans.count - 1].length += UInt32(distance + 1)
        histogram.positiveBuckets += Array(repeating: 0, count: distance)
      }
      histogram.positiveBuckets.append(count)
      end = place + 1
    }
  }

  private static func isWhole(_ count: Double) -> Bool { Int64(exactly: count) != nil }

  /// A number as Go's `%g` has it.
  private static func text(_ number: Double) -> String {
    var text: [UInt8] = []
    FloatText.append(number, plainFrom: -4, below: 21, to: &text)
    return String(decoding: text, as: UTF8.self)
  }
}

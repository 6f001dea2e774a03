import Format
import Model
import TestKit

/// Histograms as a growing counter, a gauge, or custom buckets would send them.
struct HistogramSource {
  var random: RandomSource
  var isFloat: Bool
  var kind: Int
  private var counts: [Int: Double] = [:]
  private var negative: [Int: Double] = [:]

  init(_ random: RandomSource, isFloat: Bool, kind: Int) {
    (self.random, self.isFloat, self.kind) = (random, isFloat, kind)
  }

  mutating func next() -> Histogram {
    var histogram = Histogram()
    if random.below(25) == 0 {
      histogram.sum = StaleMarker.value
      return histogram
    }
    if random.below(20) == 0 { (counts, negative) = ([:], [:]) }
    for _ in 0..<random.below(4) {
      let step = isFloat ? Double(1 + random.below(100)) / 8 : Double(1 + random.below(1000))
      if kind == 2 {
        counts[random.below(4), default: 0] += step
      } else if random.below(3) == 0 {
        negative[random.below(12) - 6, default: 0] += step
      } else {
        counts[random.below(40) - 20, default: 0] += step
      }
    }
    histogram.schema = kind == 2 ? Histogram.customSchema : 3
    if kind == 1 { histogram.hint = .gauge }
    if kind == 2 {
      histogram.customBounds = [0.005, 1, 33_554.43]
    } else {
      histogram.zeroThreshold = random.below(30) == 0 ? 0.001 : 0x1p-128
      histogram.zeroCount = 0
    }
    (histogram.positiveSpans, histogram.positiveBuckets) = HistogramSource.side(counts)
    (histogram.negativeSpans, histogram.negativeBuckets) = HistogramSource.side(negative)
    histogram.count = (histogram.positiveBuckets + histogram.negativeBuckets).reduce(0, +)
    histogram.sum = Double(random.below(1_000_000)) / 7
    return histogram
  }

  private static func side(_ counts: [Int: Double]) -> ([BucketSpan], [Double]) {
    var spans: [BucketSpan] = []
    var buckets: [Double] = []
    var next = 0
    for index in counts.keys.sorted() {
      if index == next && !spans.isEmpty {
        spans[spans.count - 1].length += 1
      } else {
        spans.append(BucketSpan(offset: Int32(index - next), length: 1))
      }
      next = index + 1
      buckets.append(counts[index] ?? 0)
    }
    return (spans, buckets)
  }
}

/// The same observations, however their buckets are stored.
func isSame(_ one: Histogram, _ two: Histogram) -> Bool {
  if one.isStale || two.isStale { return one.isStale && two.isStale }
  var (left, right) = (one, two)
  left.compact()
  right.compact()
  return left.isEqual(to: right)
}

import Format
import Model

/// Turns dense buckets into spans. Pure.
///
/// An exponential bucket of index 0 is (1, base] to OpenTelemetry and has index 1 to Prometheus. Scales finer than 8
/// are made coarser: 2^n neighbours become one. A gap of up to two buckets becomes empty buckets, a wider one begins a
/// new span.
struct OTLPBuckets {
  /// Empty buckets that cost less than a new span.
  private static let gapMax: Int64 = 2

  private(set) var spans: [BucketSpan] = []
  private(set) var counts: [Double] = []
  /// Behind the last bucket.
  private var next: Int64 = 0

  /// Nil where an index does not fit.
  static func exponential(_ buckets: OTLPExponentialPoint.Buckets, scaleDown: Int32) -> OTLPBuckets? {
    // Merged further than this, all of them are one bucket on each side of 1.
    let shift = Int64(min(scaleDown, 40))
    return make(buckets.counts[...], first: Int64(buckets.offset)) { ($0 >> shift) + 1 }
  }

  /// The buckets between explicit bounds, from the first that is not empty on.
  static func explicit(_ counts: [UInt64]) -> OTLPBuckets? {
    let offset = counts.firstIndex { $0 > 0 } ?? counts.count
    return make(counts[offset...], first: Int64(offset)) { $0 }
  }

  private static func make(
    _ counts: ArraySlice<UInt64>, first: Int64, _ place: (Int64) -> Int64
  ) -> OTLPBuckets? {
    var buckets = OTLPBuckets()
    if counts.isEmpty { return buckets }
    let start = place(first)
    guard Int32(exactly: start) != nil, Int32(exactly: place(first + Int64(counts.count) - 1)) != nil else {
      return nil
    }
    buckets.spans = [BucketSpan(offset: Int32(start), length: 0)]
    buckets.next = start
    var (index, sum) = (start, Int64(0))
    for (offset, count) in counts.enumerated() {
      let bucket = place(first + Int64(offset))
      if bucket != index {
        if sum != 0 { buckets.append(sum, at: index) }
        (index, sum) = (bucket, 0)
      }
      sum &+= Int64(bitPattern: count)
    }
    buckets.append(sum, at: index)
    return buckets
  }

  private mutating func append(_ count: Int64, at index: Int64) {
    let gap = index - next
    if gap > OTLPBuckets.gapMax {
      spans.append(BucketSpan(offset: Int32(truncatingIfNeeded: gap), length: 0))
    } else {
      for _ in 0..<gap { appendBucket(0) }
    }
    appendBucket(count)
    next = index + 1
  }

  private mutating func appendBucket(_ count: Int64) {
    spans[spans.count - 1].length += 1
    counts.append(Double(count))
  }
}

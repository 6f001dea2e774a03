import Format
import Model

/// A sum of deltas: a number, or counts in buckets. A plain value; points in it have neither labels nor exemplars.
enum DeltaValue: Sendable {
  case number(Double)
  case histogram(OTLPHistogramPoint)
  case exponential(OTLPExponentialPoint)

  /// Bytes it takes beyond its own size, roughly.
  var byteCount: Int {
    switch self {
    case .number: 0
    case .histogram(let point): 8 * (point.buckets.count + point.bounds.count)
    case .exponential(let point): 8 * (point.positive.counts.count + point.negative.counts.count)
    }
  }

  static func stripped(_ point: OTLPHistogramPoint) -> OTLPHistogramPoint {
    var point = point
    point.base = OTLPPoint()
    point.exemplars = []
    return point
  }

  static func stripped(_ point: OTLPExponentialPoint) -> OTLPExponentialPoint {
    var point = point
    point.base = OTLPPoint()
    point.exemplars = []
    return point
  }

  /// Adds another value. A value of another kind, or with other bounds, replaces this one, since the two have no common
  /// buckets. False where two exponential ones lie too far apart.
  mutating func add(_ other: DeltaValue) -> Bool {
    switch (self, other) {
    case (.number(let one), .number(let two)): self = .number(one + two)
    case (.histogram(var one), .histogram(let two)):
      guard one.bounds == two.bounds, one.buckets.count == two.buckets.count else {
        self = other
        return true
      }
      one.count &+= two.count
      one.sum = one.sum.flatMap { sum in two.sum.map { sum + $0 } }
      for index in two.buckets.indices { one.buckets[index] &+= two.buckets[index] }
      self = .histogram(one)
    case (.exponential(let one), .exponential(let two)):
      guard let sum = one.added(two) else { return false }
      self = .exponential(sum)
    default: self = other
    }
    return true
  }
}

extension OTLPExponentialPoint {
  /// Buckets on one side beyond which a sum is made coarser.
  private static let bucketsMax = 512
  /// The sum of both, in the finer scale that they have in common, or a coarser one where that would be too many
  /// buckets. Nil where their buckets lie further apart than the coarsest scale can hold.
  func added(_ other: OTLPExponentialPoint) -> OTLPExponentialPoint? {
    var total = self
    let common = min(scale, other.scale)
    total.scale = common
    while true {
      let (own, theirs) = (Int(scale) - Int(total.scale), Int(other.scale) - Int(total.scale))
      if let positive = positive.merged(other.positive, own, theirs, OTLPExponentialPoint.bucketsMax),
        let negative = negative.merged(other.negative, own, theirs, OTLPExponentialPoint.bucketsMax)
      {
        (total.positive, total.negative) = (positive, negative)
        break
      }
      if total.scale <= Histogram.schemaMinimum { return nil }
      total.scale -= 1
    }
    total.count &+= other.count
    total.zeroCount &+= other.zeroCount
    total.sum = sum.flatMap { one in other.sum.map { one + $0 } }
    return total
  }
}

extension OTLPExponentialPoint.Buckets {
  /// The range of bucket indexes once `shift` times two neighbours have become one; nil without buckets.
  private func range(_ shift: Int) -> ClosedRange<Int>? {
    if counts.isEmpty { return nil }
    let shift = min(shift, 62)
    return Int(offset) >> shift...(Int(offset) + counts.count - 1) >> shift
  }

  /// The sum of both, each made coarser by its own shift. Nil where it would have more than `countMax` buckets, and
  /// more than either has.
  fileprivate func merged(
    _ other: OTLPExponentialPoint.Buckets, _ ownShift: Int, _ otherShift: Int, _ countMax: Int
  ) -> OTLPExponentialPoint.Buckets? {
    let ranges = [range(ownShift), other.range(otherShift)].compactMap { $0 }
    guard let low = ranges.map(\.lowerBound).min(), let high = ranges.map(\.upperBound).max() else { return self }
    guard high - low < max(countMax, counts.count, other.counts.count) else { return nil }
    var sum = OTLPExponentialPoint.Buckets()
    sum.offset = Int32(truncatingIfNeeded: low)
    sum.counts = [UInt64](repeating: 0, count: high - low + 1)
    for (buckets, shift) in [(self, min(ownShift, 62)), (other, min(otherShift, 62))] {
      for (index, count) in buckets.counts.enumerated() {
        sum.counts[(Int(buckets.offset) + index) >> shift - low] &+= count
      }
    }
    return sum
  }
}

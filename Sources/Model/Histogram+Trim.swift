import Glibc

// `histogram </ value` and `histogram >/ value`: what was observed below or above a value.

extension Histogram {
  /// The histogram without what lies above (`keepsBelow`) or below a value. Buckets it cuts are split by interpolation, and
  /// the sum is estimated from the middles of what is left.
  package func trimmed(at value: Double, keepsBelow: Bool) -> Histogram {
    var result = self
    var count = 0.0
    var sum = 0.0
    var isCut = false
    var filled = [false, false]

    func keep(_ row: inout BucketRow, isPositive: Bool) {
      for place in row.indexes.indices where row.counts[place] != 0 {
        filled[isPositive ? 0 : 1] = true
        let bucket = bucket(row.indexes[place], count: row.counts[place], isPositive: isPositive)
        let part = Trim(bucket, value, keepsBelow, isPositive: isPositive, isLinear: isCustom)
        count += part.kept
        sum += part.middle * part.kept
        if part.isWhole { continue }
        if row.counts[place] != part.kept || part.kept == 0 {
          row.counts[place] = part.kept
          isCut = true
        }
      }
    }
    var positive = result.positive
    var negative = result.negative
    keep(&positive, isPositive: true)
    keep(&negative, isPositive: false)
    if zeroCount > 0 {
      let (kept, middle) = trimmedZeroBucket(value, keepsBelow, hasPositive: filled[0], hasNegative: filled[1])
      if kept != zeroCount {
        result.zeroCount = kept
        isCut = true
      }
      count += kept
      sum += middle * kept
    }
    if !isCut { return self }
    result.positive = positive
    result.negative = negative
    result.count = count
    result.sum = sum
    result.compact()
    return result
  }

  private func trimmedZeroBucket(
    _ value: Double, _ keepsBelow: Bool, hasPositive: Bool, hasNegative: Bool
  ) -> (kept: Double, middle: Double) {
    let lower = hasPositive && !hasNegative ? 0 : -zeroThreshold
    let upper = hasNegative && !hasPositive ? 0 : zeroThreshold
    if value <= lower { return keepsBelow ? (0, 0) : (zeroCount, (lower + upper) / 2) }
    if value >= upper { return keepsBelow ? (zeroCount, (lower + upper) / 2) : (0, 0) }
    if keepsBelow { return (zeroCount * ((value - lower) / (upper - lower)), (lower + value) / 2) }
    return (zeroCount * ((upper - value) / (upper - lower)), (value + upper) / 2)
  }
}

/// The rest of one bucket, and the middle of it.
private struct Trim {
  var kept: Double
  var middle: Double
  var isWhole = false

  init(_ bucket: HistogramBucket, _ value: Double, _ keepsBelow: Bool, isPositive: Bool, isLinear: Bool) {
    let isInside = keepsBelow ? bucket.upper <= value : bucket.lower >= value
    let isOutside = keepsBelow ? bucket.lower >= value : bucket.upper <= value
    if isInside {
      kept = bucket.count
      middle = Trim.middle(bucket.lower, bucket.upper, isPositive, isLinear)
      isWhole = true
      return
    }
    if isOutside {
      (kept, middle) = (0, 0)
      return
    }
    if bucket.lower == -.infinity || bucket.upper == .infinity {
      (kept, middle) = Trim.unbounded(bucket, value, keepsBelow)
      return
    }
    let below = bucket.count * bucket.fractionBelow(value, isLinear: isLinear)
    kept = keepsBelow ? below : bucket.count - below
    middle =
      keepsBelow
      ? Trim.middle(bucket.lower, value, isPositive, isLinear) : Trim.middle(value, bucket.upper, isPositive, isLinear)
  }

  private static func unbounded(
    _ bucket: HistogramBucket, _ value: Double, _ keepsBelow: Bool
  ) -> (kept: Double, middle: Double) {
    func finite(_ bound: Double) -> Double { bound.isInfinite ? 0 : bound }
    let upper = bucket.upper
    if bucket.lower == -.infinity {
      if keepsBelow {
        if value >= upper { return (bucket.count, 0) }
        if value > 0, upper > 0, upper != .infinity { return (bucket.count * value / upper, value / 2) }
        return upper <= 0 ? (bucket.count, value) : (0, finite(upper))
      }
      if value >= 0, upper > value, upper != .infinity {
        return (bucket.count * (1 - value / upper), (value + upper) / 2)
      }
      return (0, finite(upper))
    }
    if keepsBelow { return (0, finite(bucket.lower)) }
    return value >= bucket.lower ? (bucket.count, value) : (0, finite(bucket.lower))
  }

  private static func middle(_ lower: Double, _ upper: Double, _ isPositive: Bool, _ isLinear: Bool) -> Double {
    if lower.isInfinite {
      if upper.isInfinite { return 0 }
      return upper > 0 ? upper / 2 : upper
    }
    if upper.isInfinite { return lower }
    if isLinear { return (lower + upper) / 2 }
    let mean = (lower * upper).magnitude.squareRoot()
    return isPositive ? mean : -mean
  }
}

import Glibc
import Model

extension Histogram {
  /// The note of a quantile or fraction about NaN among the observations.
  enum NaNNote { case result, skew, excluded }

  /// The zero bucket ends at zero where all observations are on one side.
  private func narrowedZero(_ bucket: HistogramBucket) -> HistogramBucket {
    var result = bucket
    if negativeBuckets.isEmpty, !positiveBuckets.isEmpty {
      result.lower = 0
    } else if positiveBuckets.isEmpty, !negativeBuckets.isEmpty {
      result.upper = 0
    }
    return result
  }

  func quantile(_ q: Double) -> (value: Double, note: NaNNote?) {
    if q < 0 { return (-.infinity, nil) }
    if q > 1 { return (.infinity, nil) }
    if count == 0 || q.isNaN { return (.nan, nil) }
    let isForward = sum.isNaN || q < 0.5
    let walked = isForward ? allBuckets : allBuckets.reversed()
    var rank = isForward ? q * count : (1 - q) * count
    var passed = 0.0
    var bucket = HistogramBucket(lower: 0, upper: 0, includesLower: false, includesUpper: false, count: 0)
    var place = 0
    while place < walked.count {
      bucket = walked[place]
      place += 1
      if bucket.count == 0 { continue }
      passed += bucket.count
      if passed >= rank { break }
    }
    if !isCustom, bucket.lower < 0, bucket.upper > 0 {
      bucket = narrowedZero(bucket)
    } else if isCustom {
      if bucket.lower == -.infinity {
        if bucket.upper <= 0 { return (bucket.upper, nil) }
        bucket.lower = 0
      } else if bucket.upper == .infinity {
        return (bucket.lower, nil)
      }
    }
    passed = min(passed, count)
    if passed < rank { return sum.isNaN ? (.nan, .result) : (bucket.upper, nil) }
    rank = isForward ? rank - (passed - bucket.count) : passed - rank
    var note: NaNNote?
    if sum.isNaN {
      // The reference goes on with the last bucket it looked at here; so do we.
      while place < walked.count {
        bucket = walked[place]
        passed += bucket.count
        place += 1
      }
      if passed < count { note = .skew }
    }
    return (interpolate(bucket, rank / bucket.count), note)
  }

  private func interpolate(_ bucket: HistogramBucket, _ fraction: Double) -> Double {
    if isCustom || (bucket.lower <= 0 && bucket.upper >= 0) {
      return bucket.lower + (bucket.upper - bucket.lower) * fraction
    }
    let lower = Elementary.log2(bucket.lower.magnitude)
    let upper = Elementary.log2(bucket.upper.magnitude)
    if bucket.lower > 0 { return Elementary.exp2(lower + (upper - lower) * fraction) }
    return -Elementary.exp2(upper + (lower - upper) * (1 - fraction))
  }

  func fraction(_ lower: Double, _ upper: Double) -> (value: Double, note: NaNNote?) {
    if count == 0 || lower.isNaN || upper.isNaN { return (.nan, nil) }
    if lower >= upper { return (0, nil) }
    var ranks = RankPair(lower, upper)
    var rank = 0.0
    var passed = 0.0
    var note: NaNNote?
    for var bucket in allBuckets {
      passed += bucket.count
      if ranks.isDone { continue }
      let isZero = bucket.lower <= 0 && bucket.upper >= 0
      if isZero { bucket = narrowedZero(bucket) }
      let from = bucket
      let start = rank
      ranks.pass(from: from.lower, to: from.upper, rank: rank) { value in
        if from.lower == -.infinity { return from.count }
        return start + from.count * from.fractionBelow(value, isLinear: isCustom || isZero)
      }
      rank += bucket.count
    }
    var most = count
    if sum.isNaN {
      if passed < count { note = .excluded }
      most = passed
    }
    return (ranks.difference(most: most) / count, note)
  }

  /// The variance of the observations, each taken to be in the middle of its bucket.
  var variance: Double {
    let mean = sum / count
    var total = CompensatedSum()
    for bucket in allBuckets where bucket.count != 0 {
      var value = 0.0
      if isCustom {
        value = (bucket.upper + bucket.lower) / 2
      } else if !(bucket.lower <= 0 && bucket.upper >= 0) {
        value = (bucket.upper * bucket.lower).squareRoot()
        if bucket.upper < 0 { value = -value }
      }
      let delta = value - mean
      total.add(bucket.count * delta * delta)
    }
    return total.total / count
  }
}

extension Histogram: CustomStringConvertible {
  package var description: String {
    var parts = ["count:\(NumberText.general(count))", "sum:\(NumberText.general(sum))"]
    func add(_ bucket: HistogramBucket) {
      if bucket.count == 0 { return }
      let bounds = "\(NumberText.general(bucket.lower)),\(NumberText.general(bucket.upper))"
      let close = bucket.includesUpper ? "]" : ")"
      parts.append("\(bucket.includesLower ? "[" : "(")\(bounds)\(close):\(NumberText.general(bucket.count))")
    }
    negativeList.forEach(add)
    if !isCustom { add(zeroBucket) }
    positiveList.forEach(add)
    return "{" + parts.joined(separator: ", ") + "}"
  }
}

import Model

/// The buckets of a classic histogram at one step, for quantiles and fractions.
struct ClassicBuckets {
  private var buckets: [(bound: Double, count: Double)]
  /// The lowest and the highest bound whose count was raised so that counts never fall, and the largest raise; nil
  /// where none was.
  private(set) var bent: (least: Double, largest: Double, difference: Double)?

  /// Differences between counts below this share are rounding.
  private static let tolerance = 1e-12

  /// Nil where there is no last bucket without a bound: then nothing can be said.
  init?(_ unsorted: [(bound: Double, count: Double)]) {
    let sorted = unsorted.sorted { $0.bound < $1.bound }
    guard sorted.last?.bound == .infinity else { return nil }
    buckets = []
    for bucket in sorted {
      if buckets.last?.bound == bucket.bound {
        buckets[buckets.count - 1].count += bucket.count
      } else {
        buckets.append(bucket)
      }
    }
  }

  private mutating func makeMonotonic() {
    var previous = buckets[0].count
    for index in buckets.indices.dropFirst() {
      let count = buckets[index].count
      if count == previous { continue }
      if ClassicBuckets.almostEqual(previous, count) {
        buckets[index].count = previous
      } else if count < previous {
        buckets[index].count = previous
        let bound = buckets[index].bound
        let old = bent ?? (.infinity, -.infinity, 0)
        bent = (min(old.least, bound), max(old.largest, bound), max(old.difference, previous - count))
      } else {
        previous = count
      }
    }
  }

  private static func almostEqual(_ one: Double, _ two: Double) -> Bool {
    if one.isNaN, two.isNaN { return true }
    if one == two { return true }
    let difference = (one - two).magnitude
    let size = one.magnitude + two.magnitude
    if one == 0 || two == 0 || size < Double.leastNormalMagnitude {
      return difference < tolerance * Double.leastNormalMagnitude
    }
    return difference / min(size, Double.greatestFiniteMagnitude) < tolerance
  }

  mutating func quantile(_ q: Double) -> Double {
    makeMonotonic()
    guard buckets.count >= 2, let last = buckets.last, last.count != 0 else { return .nan }
    var rank = q * last.count
    let index = buckets.dropLast().firstIndex { $0.count >= rank } ?? buckets.count - 1
    if index == buckets.count - 1 { return buckets[buckets.count - 2].bound }
    if index == 0, buckets[0].bound <= 0 { return buckets[0].bound }
    var start = 0.0
    var count = buckets[index].count
    if index > 0 {
      start = buckets[index - 1].bound
      count -= buckets[index - 1].count
      rank -= buckets[index - 1].count
    }
    return start + (buckets[index].bound - start) * (rank / count)
  }

  func fraction(_ lower: Double, _ upper: Double) -> Double {
    let count = buckets[buckets.count - 1].count
    if count == 0 || lower.isNaN || upper.isNaN { return .nan }
    if lower >= upper { return 0 }
    var ranks = RankPair(lower, upper)
    var rank = 0.0
    var start = buckets[0].bound <= 0 ? -Double.infinity : 0
    for bucket in buckets {
      let from = start
      ranks.pass(from: from, to: bucket.bound, rank: rank) { value in
        from == -.infinity ? bucket.count : rank + (bucket.count - rank) * (value - from) / (bucket.bound - from)
      }
      if ranks.isDone { break }
      rank = bucket.count
      start = bucket.bound
    }
    return ranks.difference(most: count) / count
  }
}

/// Numbers of observations below each of two values, found while walking up the buckets.
struct RankPair {
  private let lower: Double
  private let upper: Double
  private var lowerRank: Double?
  private var upperRank: Double?

  init(_ lower: Double, _ upper: Double) {
    self.lower = lower
    self.upper = upper
  }

  var isDone: Bool { lowerRank != nil && upperRank != nil }

  mutating func pass(from start: Double, to end: Double, rank: Double, _ interpolate: (Double) -> Double) {
    if lowerRank == nil, start >= lower { lowerRank = rank }
    if upperRank == nil, start >= upper { upperRank = rank }
    if lowerRank == nil, start < lower, end > lower { lowerRank = interpolate(lower) }
    if upperRank == nil, start < upper, end > upper { upperRank = interpolate(upper) }
  }

  func difference(most: Double) -> Double {
    func held(_ rank: Double?) -> Double {
      guard let rank, !(rank > most) else { return most }
      return rank
    }
    return held(upperRank) - held(lowerRank)
  }
}

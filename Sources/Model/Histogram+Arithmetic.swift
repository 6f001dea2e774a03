/// The notes of an operation on two histograms, for its user.
package struct HistogramNotes: Sendable, Equatable {
  /// One counter began anew and the other went on.
  package var resetCollision = false
  /// Custom buckets with different bounds were brought to their common ones.
  package var boundsReconciled = false
}

extension Histogram {
  package func multiplied(by factor: Double) -> Histogram {
    var result = self
    result.zeroCount *= factor
    result.count *= factor
    result.sum *= factor
    for index in result.positiveBuckets.indices { result.positiveBuckets[index] *= factor }
    for index in result.negativeBuckets.indices { result.negativeBuckets[index] *= factor }
    if factor < 0 { result.hint = .gauge }
    return result
  }

  package func divided(by divisor: Double) -> Histogram {
    var result = self
    result.zeroCount /= divisor
    result.count /= divisor
    result.sum /= divisor
    if divisor == 0 {
      (result.positiveSpans, result.positiveBuckets) = ([], [])
      (result.negativeSpans, result.negativeBuckets) = ([], [])
      return result
    }
    for index in result.positiveBuckets.indices { result.positiveBuckets[index] /= divisor }
    for index in result.negativeBuckets.indices { result.negativeBuckets[index] /= divisor }
    if divisor < 0 { result.hint = .gauge }
    return result
  }

  /// Adds; nil, and nothing changed, where one has custom buckets and the other exponential ones.
  package mutating func add(_ other: Histogram) -> HistogramNotes? { combine(other, subtracts: false) }

  package mutating func subtract(_ other: Histogram) -> HistogramNotes? { combine(other, subtracts: true) }

  private mutating func combine(_ other: Histogram, subtracts: Bool) -> HistogramNotes? {
    guard isCustom == other.isCustom else { return nil }
    var sum = CompensatedHistogram(self)
    var other = other
    if subtracts {
      let hint = other.hint
      other = other.multiplied(by: -1)
      other.hint = hint
    }
    let notes = sum.add(other, tracksLoss: false)
    self = sum.value
    return notes
  }

  /// Takes the other's hint into account, as the hint of a sum; true where they contradict.
  mutating func adjustHint(_ other: Histogram) -> Bool {
    if hint == other.hint || hint == .gauge { return false }
    if other.hint == .gauge {
      hint = .gauge
      return false
    }
    let collides = hint != .unknown && other.hint != .unknown
    hint = .unknown
    return collides
  }

  /// In a coarser schema; what is known of the predecessor is lost then.
  package func reduced(to target: Int32) -> Histogram {
    if target >= schema || isCustom { return self }
    var result = self
    result.positive = positive.reduced(by: schema - target)
    result.negative = negative.reduced(by: schema - target)
    result.schema = target
    result.hint = .unknown
    return result
  }

  /// The count of a wider zero bucket, and its threshold: it grows on until it ends where a filled bucket does.
  func zeroCount(forThreshold wanted: Double) -> (count: Double, threshold: Double) {
    var threshold = wanted
    if threshold == zeroThreshold { return (zeroCount, threshold) }
    widening: while true {
      var count = zeroCount
      for bucket in positiveList {
        if bucket.lower >= threshold { break }
        count += bucket.count
        if bucket.upper > threshold {
          if bucket.count != 0 { threshold = bucket.upper }
          break
        }
      }
      for bucket in negativeList.reversed() {
        if bucket.upper <= -threshold { break }
        count += bucket.count
        if bucket.lower < -threshold {
          if bucket.count != 0 {
            threshold = -bucket.lower
            continue widening
          }
          break
        }
      }
      return (count, threshold)
    }
  }

  package var hasOverflow: Bool {
    zeroCount.isInfinite || count.isInfinite || sum.isInfinite || positiveBuckets.contains(where: \.isInfinite)
      || negativeBuckets.contains(where: \.isInfinite)
  }

  /// Equality of what was observed: bits of the numbers, and the same buckets however they are stored. Hints do not count.
  package func isEqual(to other: Histogram) -> Bool {
    func same(_ one: Double, _ two: Double) -> Bool { one.bitPattern == two.bitPattern }
    func same(_ one: [Double], _ two: [Double]) -> Bool { one.count == two.count && zip(one, two).allSatisfy(same) }
    guard schema == other.schema, same(count, other.count), same(sum, other.sum), zeroThreshold == other.zeroThreshold,
      same(zeroCount, other.zeroCount), !isCustom || customBounds == other.customBounds
    else { return false }
    let (one, two) = (positive, other.positive)
    let (three, four) = (negative, other.negative)
    return one.indexes == two.indexes && same(one.counts, two.counts) && three.indexes == four.indexes
      && same(three.counts, four.counts)
  }

  /// True if the counters began anew since `previous`: by the hint, or because some count became smaller.
  package func isReset(from previous: Histogram) -> Bool {
    if hint == .reset { return true }
    if hint == .notReset { return false }
    if count < previous.count { return true }
    if isCustom {
      if !previous.isCustom { return true }
      if customBounds != previous.customBounds { return isReset(fromOtherBounds: previous) }
    }
    if schema > previous.schema || zeroThreshold < previous.zeroThreshold { return true }
    if !isCustom {
      let (zeros, threshold) = previous.zeroCount(forThreshold: zeroThreshold)
      if threshold != zeroThreshold || zeroCount < zeros { return true }
    }
    let shift = isCustom ? 0 : previous.schema - schema
    return fell(positive, previous.positive.reduced(by: shift)) || fell(negative, previous.negative.reduced(by: shift))
  }

  /// True if some bucket outside the zero bucket holds less than before.
  private func fell(_ now: BucketRow, _ before: BucketRow) -> Bool {
    var place = 0
    for (index, count) in zip(before.indexes, before.counts) where count != 0 {
      if zeroThreshold > 0, !isCustom, upperBound(index) <= zeroThreshold { continue }
      while place < now.indexes.count, now.indexes[place] < index { place += 1 }
      if place == now.indexes.count || now.indexes[place] != index || now.counts[place] < count { return true }
    }
    return false
  }

  private func isReset(fromOtherBounds previous: Histogram) -> Bool {
    let common = Histogram.commonBounds(customBounds, previous.customBounds)
    let now = positive.rebounded(from: customBounds, to: common)
    let before = previous.positive.rebounded(from: previous.customBounds, to: common)
    return fell(now, before)
  }

  static func commonBounds(_ one: [Double], _ two: [Double]) -> [Double] {
    var result: [Double] = []
    var i = 0
    var j = 0
    while i < one.count, j < two.count {
      if one[i] == two[j] {
        result.append(one[i])
        i += 1
        j += 1
      } else if one[i] < two[j] {
        i += 1
      } else {
        j += 1
      }
    }
    return result
  }
}

/// A sum of histograms that carries what rounding lost, number by number.
package struct CompensatedHistogram: Sendable {
  package private(set) var value: Histogram
  private var lostCount = 0.0
  private var lostSum = 0.0
  private var lostZeros = 0.0
  private var lostPositive: [Double] = []
  private var lostNegative: [Double] = []

  package init(_ first: Histogram) { value = first }

  /// Adds; nil, and nothing changed, where one has custom buckets and the other exponential ones.
  package mutating func add(_ other: Histogram) -> HistogramNotes? { add(other, tracksLoss: true) }

  mutating func add(_ other: Histogram, tracksLoss: Bool) -> HistogramNotes? {
    guard value.isCustom == other.isCustom else { return nil }
    var notes = HistogramNotes()
    notes.resetCollision = value.adjustHint(other)
    var positive = value.positive
    var negative = value.negative
    positive.lost = lostPositive
    negative.lost = lostNegative
    var theirPositive = other.positive
    var theirNegative = other.negative
    if value.isCustom {
      if value.customBounds != other.customBounds {
        notes.boundsReconciled = true
        let common = Histogram.commonBounds(value.customBounds, other.customBounds)
        positive = positive.rebounded(from: value.customBounds, to: common)
        theirPositive = theirPositive.rebounded(from: other.customBounds, to: common)
        value.customBounds = common
      }
    } else {
      let zeros = reconcileZeroBuckets(other, &positive, &negative)
      increase(\.zeroCount, \.lostZeros, by: zeros, tracksLoss)
      let schema = min(value.schema, other.schema)
      positive = positive.reduced(by: value.schema - schema)
      negative = negative.reduced(by: value.schema - schema)
      theirPositive = theirPositive.reduced(by: other.schema - schema)
      theirNegative = theirNegative.reduced(by: other.schema - schema)
      value.schema = schema
      let threshold = value.zeroThreshold
      theirPositive.remove { index, _ in Histogram.exponentialBound(index, schema: schema) <= threshold }
      theirNegative.remove { index, _ in Histogram.exponentialBound(index, schema: schema) <= threshold }
    }
    increase(\.count, \.lostCount, by: other.count, tracksLoss)
    increase(\.sum, \.lostSum, by: other.sum, tracksLoss)
    store(
      positive.adding(theirPositive, subtracts: false, tracksLoss: tracksLoss),
      negative.adding(theirNegative, subtracts: false, tracksLoss: tracksLoss))
    return notes
  }

  private mutating func store(_ positive: BucketRow, _ negative: BucketRow) {
    value.positive = positive
    value.negative = negative
    lostPositive = positive.lost
    lostNegative = negative.lost
  }

  private mutating func increase(
    _ number: WritableKeyPath<Histogram, Double>, _ lost: WritableKeyPath<CompensatedHistogram, Double>,
    by amount: Double, _ tracksLoss: Bool
  ) {
    if tracksLoss {
      (value[keyPath: number], self[keyPath: lost]) = BucketRow.increase(
        value[keyPath: number], self[keyPath: lost], by: amount)
    } else {
      value[keyPath: number] += amount
    }
  }

  /// Widens the narrower zero bucket until both have one width; returns the count of the other's.
  private mutating func reconcileZeroBuckets(
    _ other: Histogram, _ positive: inout BucketRow, _ negative: inout BucketRow
  ) -> Double {
    var zeros = other.zeroCount
    var threshold = other.zeroThreshold
    while threshold != value.zeroThreshold {
      if value.zeroThreshold > threshold { (zeros, threshold) = other.zeroCount(forThreshold: value.zeroThreshold) }
      if threshold > value.zeroThreshold {
        var mine = value
        mine.positive = positive
        mine.negative = negative
        (value.zeroCount, value.zeroThreshold) = mine.zeroCount(forThreshold: threshold)
        let limit = value.zeroThreshold
        let schema = value.schema
        positive.remove { $1 == 0 || Histogram.exponentialBound($0 &- 1, schema: schema) < limit }
        negative.remove { $1 == 0 || Histogram.exponentialBound($0 &- 1, schema: schema) < limit }
      }
    }
    return zeros
  }

  /// Both the sum and what was lost, divided.
  package mutating func divide(by divisor: Double) { scale { $0 / divisor } }
  package mutating func multiply(by factor: Double) { scale { $0 * factor } }

  private mutating func scale(_ change: (Double) -> Double) {
    value.count = change(value.count)
    value.sum = change(value.sum)
    value.zeroCount = change(value.zeroCount)
    value.positiveBuckets = value.positiveBuckets.map(change)
    value.negativeBuckets = value.negativeBuckets.map(change)
    lostCount = change(lostCount)
    lostSum = change(lostSum)
    lostZeros = change(lostZeros)
    lostPositive = lostPositive.map(change)
    lostNegative = lostNegative.map(change)
  }

  /// The sum with what was lost put back.
  package var total: Histogram {
    var result = value
    result.count += lostCount
    result.sum += lostSum
    result.zeroCount += lostZeros
    for index in lostPositive.indices { result.positiveBuckets[index] += lostPositive[index] }
    for index in lostNegative.indices { result.negativeBuckets[index] += lostNegative[index] }
    return result
  }
}

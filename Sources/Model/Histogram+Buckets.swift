import Glibc

/// One bucket of a histogram with its bounds.
package struct HistogramBucket: Sendable, Equatable {
  package var lower: Double
  package var upper: Double
  package var includesLower: Bool
  package var includesUpper: Bool
  package var count: Double

  package init(lower: Double, upper: Double, includesLower: Bool, includesUpper: Bool, count: Double) {
    self.lower = lower
    self.upper = upper
    self.includesLower = includesLower
    self.includesUpper = includesUpper
    self.count = count
  }

  /// Which part of the bucket lies below a value inside it.
  package func fractionBelow(_ value: Double, isLinear: Bool) -> Double {
    if isLinear { return (value - lower) / (upper - lower) }
    let logLower = Elementary.log2(lower.magnitude)
    let logUpper = Elementary.log2(upper.magnitude)
    let logValue = Elementary.log2(value.magnitude)
    if value > 0 { return (logValue - logLower) / (logUpper - logLower) }
    return 1 - (logValue - logUpper) / (logLower - logUpper)
  }
}

/// The present buckets of one side by their index, ascending. What arithmetic on histograms works with: spans are only how
/// they are stored. `lost` holds what rounding took from each count, where that is tracked.
struct BucketRow {
  var indexes: [Int32] = []
  var counts: [Double] = []
  var lost: [Double] = []

  init() {}

  init(_ spans: [BucketSpan], _ buckets: [Double]) {
    counts = buckets
    indexes.reserveCapacity(buckets.count)
    var index: Int32 = 0
    for span in spans {
      index &+= span.offset
      for _ in 0..<span.length where indexes.count < buckets.count {
        indexes.append(index)
        index &+= 1
      }
    }
    if indexes.count < counts.count { counts.removeLast(counts.count - indexes.count) }
  }

  /// The fewest spans that hold these buckets.
  var spans: [BucketSpan] {
    var spans: [BucketSpan] = []
    var next: Int32 = 0
    for index in indexes {
      if !spans.isEmpty, index == next {
        spans[spans.count - 1].length += 1
      } else {
        spans.append(BucketSpan(offset: index &- next, length: 1))
      }
      next = index &+ 1
    }
    return spans
  }

  /// In a coarser exponential schema: `shift` halvings of the resolution.
  func reduced(by shift: Int32) -> BucketRow {
    if shift <= 0 { return self }
    var row = BucketRow()
    for (place, index) in indexes.enumerated() {
      let target = ((index &- 1) >> shift) + 1
      row.add(target, counts[place], lost: lost.isEmpty ? nil : lost[place])
    }
    return row
  }

  /// Appends or adds to the last bucket; indexes come in order.
  private mutating func add(_ index: Int32, _ count: Double, lost: Double?) {
    guard indexes.last == index else {
      indexes.append(index)
      counts.append(count)
      if let lost { self.lost.append(lost) }
      return
    }
    let last = counts.count - 1
    guard let lost else {
      counts[last] += count
      return
    }
    (counts[last], self.lost[last]) = BucketRow.increase(counts[last], self.lost[last], by: count)
    (counts[last], self.lost[last]) = BucketRow.increase(counts[last], self.lost[last], by: lost)
  }

  /// Both rows' buckets, counts added (or subtracted). With `tracksLoss`, rounding is remembered.
  func adding(_ other: BucketRow, subtracts: Bool, tracksLoss: Bool) -> BucketRow {
    var row = BucketRow()
    row.indexes.reserveCapacity(max(indexes.count, other.indexes.count))
    row.counts.reserveCapacity(max(indexes.count, other.indexes.count))
    var mine = 0
    var theirs = 0
    while mine < indexes.count || theirs < other.indexes.count {
      let myIndex = mine < indexes.count ? indexes[mine] : Int32.max
      let theirIndex = theirs < other.indexes.count ? other.indexes[theirs] : Int32.max
      let takesMine = mine < indexes.count && (theirs >= other.indexes.count || myIndex <= theirIndex)
      let takesTheirs = theirs < other.indexes.count && (mine >= indexes.count || theirIndex <= myIndex)
      var count = 0.0
      var lost = 0.0
      if takesMine {
        count = counts[mine]
        lost = self.lost.isEmpty ? 0 : self.lost[mine]
      }
      if takesTheirs {
        let sign = subtracts ? -1.0 : 1.0
        let added = sign * other.counts[theirs]
        if !takesMine {
          count = added
          lost = other.lost.isEmpty ? 0 : other.lost[theirs]
        } else if tracksLoss {
          (count, lost) = BucketRow.increase(count, lost, by: added)
          if !other.lost.isEmpty { (count, lost) = BucketRow.increase(count, lost, by: other.lost[theirs]) }
        } else {
          count += added
        }
      }
      row.indexes.append(takesMine ? myIndex : theirIndex)
      row.counts.append(count)
      if tracksLoss { row.lost.append(lost) }
      if takesMine { mine += 1 }
      if takesTheirs { theirs += 1 }
    }
    return row
  }

  /// One step of a compensated sum.
  static func increase(_ sum: Double, _ lost: Double, by value: Double) -> (Double, Double) {
    let total = sum + value
    if total.magnitude > Double.greatestFiniteMagnitude { return (total, 0) }
    if sum.magnitude >= value.magnitude { return (total, lost + ((sum - total) + value)) }
    return (total, lost + ((value - total) + sum))
  }

  mutating func remove(where isUnwanted: (_ index: Int32, _ count: Double) -> Bool) {
    let kept = indexes.indices.filter { !isUnwanted(indexes[$0], counts[$0]) }
    if kept.count == indexes.count { return }
    indexes = kept.map { indexes[$0] }
    counts = kept.map { counts[$0] }
    if !lost.isEmpty { lost = kept.map { lost[$0] } }
  }

  /// Custom buckets over other bounds, which are among the old ones: each goes to the first new bound that is not smaller.
  func rebounded(from old: [Double], to new: [Double]) -> BucketRow {
    var counts = [Double](repeating: 0, count: new.count + 1)
    var lost = counts
    for (place, index) in indexes.enumerated() {
      var target = new.count
      if index >= 0, Int(index) < old.count {
        target = new.firstIndex { $0 >= old[Int(index)] } ?? new.count
      }
      (counts[target], lost[target]) = BucketRow.increase(counts[target], lost[target], by: self.counts[place])
      if !self.lost.isEmpty {
        (counts[target], lost[target]) = BucketRow.increase(counts[target], lost[target], by: self.lost[place])
      }
    }
    var row = BucketRow()
    for index in counts.indices where counts[index] != 0 || lost[index] != 0 {
      row.indexes.append(Int32(index))
      row.counts.append(counts[index])
      row.lost.append(lost[index])
    }
    return row
  }
}

extension Histogram {
  /// The upper bound of an exponential bucket.
  package static func exponentialBound(_ index: Int32, schema: Int32) -> Double {
    if schema < 0 {
      let exponent = Int(index) << Int(-schema)
      if exponent == 1024 { return Double.greatestFiniteMagnitude }
      return scalbn(1, Int32(clamping: exponent))
    }
    let size = 1 << Int(schema)
    let fraction = exponentialFractions[Int(schema)][Int(index) & (size - 1)]
    let exponent = (Int(index) >> Int(schema)) + 1
    if fraction == 0.5, exponent == 1025 { return Double.greatestFiniteMagnitude }
    return scalbn(fraction, Int32(clamping: exponent))
  }

  /// For schemas 0...8 the bounds in [0.5, 1): by square roots, each correctly rounded from the exact ratio.
  private static let exponentialFractions: [[Double]] = (0...8).map { schema in
    let size = 1 << schema
    return (0..<size).map { 0.5 * Double(exp2(Float80(Double($0)) / Float80(Double(size)))) }
  }

  package func upperBound(_ index: Int32) -> Double {
    if isCustom {
      if index < 0 { return -.infinity }
      return Int(index) < customBounds.count ? customBounds[Int(index)] : .infinity
    }
    return Histogram.exponentialBound(index, schema: schema)
  }

  var positive: BucketRow {
    get { BucketRow(positiveSpans, positiveBuckets) }
    set {
      positiveSpans = newValue.spans
      positiveBuckets = newValue.counts
    }
  }

  var negative: BucketRow {
    get { BucketRow(negativeSpans, negativeBuckets) }
    set {
      negativeSpans = newValue.spans
      negativeBuckets = newValue.counts
    }
  }

  func bucket(_ index: Int32, count: Double, isPositive: Bool) -> HistogramBucket {
    let outer = upperBound(index)
    let inner = upperBound(index &- 1)
    let lower = isPositive ? inner : -outer
    let upper = isPositive ? outer : -inner
    return HistogramBucket(
      lower: lower, upper: upper, includesLower: isCustom ? index == 0 : lower < 0,
      includesUpper: isCustom || upper > 0, count: count)
  }

  package var zeroBucket: HistogramBucket {
    HistogramBucket(
      lower: -zeroThreshold, upper: zeroThreshold, includesLower: true, includesUpper: true, count: zeroCount)
  }

  /// The buckets of the positive side, in order of their bounds.
  package var positiveList: [HistogramBucket] {
    let row = positive
    return row.indexes.indices.map { bucket(row.indexes[$0], count: row.counts[$0], isPositive: true) }
  }

  /// The buckets of the negative side, in order of their bounds.
  package var negativeList: [HistogramBucket] {
    let row = negative
    return row.indexes.indices.reversed().map { bucket(row.indexes[$0], count: row.counts[$0], isPositive: false) }
  }

  /// All buckets in order of their bounds. A bucket that the zero bucket reaches into ends at it.
  package var allBuckets: [HistogramBucket] {
    var list = negativeList
    for index in list.indices where list[index].upper < 0 && list[index].upper > -zeroThreshold {
      list[index].upper = -zeroThreshold
    }
    if zeroCount > 0 { list.append(zeroBucket) }
    for var bucket in positiveList {
      if bucket.lower > 0, bucket.lower < zeroThreshold { bucket.lower = zeroThreshold }
      list.append(bucket)
    }
    return list
  }

  /// Takes empty buckets out.
  package mutating func compact() {
    if positiveBuckets.contains(0) || positiveSpans.contains(where: { $0.length == 0 })
      || hasTouchingSpans(positiveSpans)
    {
      var row = positive
      row.remove { $1 == 0 }
      positive = row
    }
    if negativeBuckets.contains(0) || negativeSpans.contains(where: { $0.length == 0 })
      || hasTouchingSpans(negativeSpans)
    {
      var row = negative
      row.remove { $1 == 0 }
      negative = row
    }
  }

  private func hasTouchingSpans(_ spans: [BucketSpan]) -> Bool { spans.dropFirst().contains { $0.offset == 0 } }
}

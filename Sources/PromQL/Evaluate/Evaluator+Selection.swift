import Model

// Aggregations that let series through instead of making new ones: topk, bottomk, limitk, limit_ratio.

extension Evaluator {
  func streamSelection(_ node: Aggregation, _ sink: Sink) throws(QueryError) {
    guard let parameter = node.parameter else { return }
    let limits = try scalars(parameter)
    let (least, largest) = Evaluator.extremes(limits)
    let holding = Holding(context)
    defer { holding.release() }
    let all = try collect(node.expression, holding)
    if node.op == .limitRatio {
      if least == 0, largest == 0, !limits.contains(where: \.isNaN) { return }
      if limits.contains(where: \.isNaN) { throw .execution("Ratio value is NaN") }
      if largest > 1 { context.annotate(.invalidRatio(largest, capped: 1, at: parameter.position)) }
      if least < -1 { context.annotate(.invalidRatio(least, capped: -1, at: parameter.position)) }
      return try streamRatio(all, limits, sink)
    }
    if largest < 1 { return }
    if limits.contains(where: \.isNaN) { throw .execution("Parameter value is NaN") }
    if least <= -9.223372036854775808e18 {
      throw .execution("Scalar value \(NumberText.general(least)) underflows int64")
    }
    if largest >= 9.223372036854775807e18 {
      throw .execution("Scalar value \(NumberText.general(largest)) overflows int64")
    }
    var groups = GroupTable(node)
    var members: [[Int]] = []
    for (place, series) in all.enumerated() {
      try context.work(1)
      let index = groups.index(of: series.labels)
      if index == members.count {
        try holding.add(bytes: groups.labels[index].byteCount)
        members.append([])
      }
      members[index].append(place)
    }
    // The steps at which each is kept, and its places in groups and order.
    try holding.add(bytes: all.count * (StepSet.byteCount(steps: grid.count) + 64))
    var kept = [StepSet](repeating: StepSet(count: grid.count), count: all.count)
    var order: [Int] = []
    for member in members {
      try context.checkStop()
      for step in 0..<grid.count {
        let count = min(Int(limits[step]), all.count)
        if count < 1 { continue }
        try context.work(2 * member.count)
        let chosen = choose(count, of: member, all, step, node)
        for place in chosen { kept[place].insert(step) }
        if grid.count == 1 { order += chosen }
      }
    }
    for place in grid.count == 1 ? order : Array(all.indices) {
      try emit(all[place], kept[place], sink)
    }
  }

  private func emit(_ series: ResultSeries, _ steps: StepSet, _ sink: Sink) throws(QueryError) {
    var result = series
    result.column.present.formIntersection(steps)
    if !result.column.isEmpty { try sink(result) }
  }

  /// The series of a group that stay at a step; for topk and bottomk the most extreme first.
  private func choose(
    _ count: Int, of member: [Int], _ all: [ResultSeries], _ step: Int, _ node: Aggregation
  ) -> [Int] {
    var present = member.filter { all[$0].column.present.contains(step) }
    if node.op == .limitk { return Array(present.prefix(count)) }
    let floats = present.filter { all[$0].column.histogram(step) == nil }
    if floats.count < present.count { context.annotate(.histogramIgnored(node.op.rawValue, at: node.position)) }
    present = floats
    var heap = RankHeap(keepsLargest: node.op == .topk)
    for place in present { heap.add(place, all[place].column.floats[step], most: count) }
    return heap.ranked
  }

  /// A share of all series, chosen by the hash of their labels so that it is the same each time; a negative ratio chooses
  /// the others.
  private func streamRatio(_ all: [ResultSeries], _ ratios: [Double], _ sink: Sink) throws(QueryError) {
    for series in all {
      try context.work(grid.count)
      let place = Double(LabelHash.hash(series.labels)) / 18_446_744_073_709_551_615.0
      var steps = StepSet(count: grid.count)
      for step in 0..<grid.count {
        let ratio = max(-1, min(1, ratios[step]))
        if ratio == 0 { continue }
        if ratio > 0 ? place < ratio : place >= 1 + ratio { steps.insert(step) }
      }
      try emit(series, steps, sink)
    }
  }
}

/// The most extreme values seen so far. Of equal ones the same stay as in the reference, which is why this is the same binary
/// heap with the least extreme value on top.
private struct RankHeap {
  private var entries: [(place: Int, value: Double)] = []
  private let keepsLargest: Bool

  init(keepsLargest: Bool) { self.keepsLargest = keepsLargest }

  /// NaN is less extreme than everything.
  private func isLess(_ one: Double, _ two: Double) -> Bool {
    one.isNaN || (keepsLargest ? one < two : one > two)
  }

  mutating func add(_ place: Int, _ value: Double, most: Int) {
    if entries.count < most {
      entries.append((place, value))
      return rise(entries.count - 1)
    }
    let top = entries[0].value
    let wins = keepsLargest ? top < value : top > value
    if wins || (top.isNaN && !value.isNaN) {
      entries[0] = (place, value)
      sink()
    }
  }

  private mutating func rise(_ start: Int) {
    var child = start
    while child > 0 {
      let parent = (child - 1) / 2
      if !isLess(entries[child].value, entries[parent].value) { return }
      entries.swapAt(child, parent)
      child = parent
    }
  }

  private mutating func sink() {
    var parent = 0
    while 2 * parent + 1 < entries.count {
      var child = 2 * parent + 1
      if child + 1 < entries.count, isLess(entries[child + 1].value, entries[child].value) { child += 1 }
      if !isLess(entries[child].value, entries[parent].value) { return }
      entries.swapAt(child, parent)
      parent = child
    }
  }

  /// The places, the most extreme first.
  var ranked: [Int] {
    entries.enumerated().sorted { one, two in
      let (a, b) = (one.element.value, two.element.value)
      if a.isNaN || b.isNaN { return a.isNaN == b.isNaN ? one.offset < two.offset : b.isNaN }
      return a == b ? one.offset < two.offset : isLess(b, a)
    }.map(\.element.place)
  }
}

/// xxHash64 over names and values, each after its length (one byte, or 0xFF and three): the hash by which Prometheus places a
/// series in [0, 1) for `limit_ratio`, so that both choose the same series.
enum LabelHash {
  private static let primes: [UInt64] = [
    11_400_714_785_074_694_791, 14_029_467_366_897_019_727, 1_609_587_929_392_839_161, 9_650_029_242_287_828_579,
    2_870_177_450_012_600_261,
  ]

  static func hash(_ labels: Labels) -> UInt64 {
    hash(labels.bytesBehindLengths)
  }

  private static func rotate(_ value: UInt64, _ count: UInt64) -> UInt64 { value << count | value >> (64 - count) }

  private static func round(_ lane: UInt64, _ input: UInt64) -> UInt64 {
    rotate(lane &+ input &* primes[1], 31) &* primes[0]
  }

  static func hash(_ bytes: [UInt8]) -> UInt64 {
    func word(_ offset: Int, _ size: Int) -> UInt64 {
      (0..<size).reduce(0) { $0 | UInt64(bytes[offset + $1]) << UInt64(8 * $1) }
    }
    var offset = 0
    var hash: UInt64
    if bytes.count >= 32 {
      var lanes: [UInt64] = [primes[0] &+ primes[1], primes[1], 0, 0 &- primes[0]]
      while offset + 32 <= bytes.count {
        for lane in 0..<4 { lanes[lane] = round(lanes[lane], word(offset + 8 * lane, 8)) }
        offset += 32
      }
      hash = rotate(lanes[0], 1) &+ rotate(lanes[1], 7) &+ rotate(lanes[2], 12) &+ rotate(lanes[3], 18)
      for lane in lanes { hash = (hash ^ round(0, lane)) &* primes[0] &+ primes[3] }
    } else {
      hash = primes[4]
    }
    hash = hash &+ UInt64(bytes.count)
    while offset + 8 <= bytes.count {
      hash = rotate(hash ^ round(0, word(offset, 8)), 27) &* primes[0] &+ primes[3]
      offset += 8
    }
    if offset + 4 <= bytes.count {
      hash = rotate(hash ^ (word(offset, 4) &* primes[0]), 23) &* primes[1] &+ primes[2]
      offset += 4
    }
    while offset < bytes.count {
      hash = rotate(hash ^ (UInt64(bytes[offset]) &* primes[4]), 11) &* primes[0]
      offset += 1
    }
    hash = (hash ^ hash >> 33) &* primes[1]
    hash = (hash ^ hash >> 29) &* primes[2]
    return hash ^ hash >> 32
  }
}

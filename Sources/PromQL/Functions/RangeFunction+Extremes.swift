import Model

// The least and the largest value of each window: from the extremes of blocks of samples, and the samples at both ends.

extension RangeFunction {
  private static let blockCount = 32

  /// `wins` is `<` or `>`; numbers win over NaN, and of equal ones the first stays.
  @inline(__always)
  func fillExtremes(
    _ times: UnsafeBufferPointer<Int64>, _ values: UnsafeBufferPointer<Double>, _ walk: WindowWalk,
    _ column: inout StepColumn, _ total: inout Int, _ wins: (Double, Double) -> Bool
  ) {
    let blocks = values.count / RangeFunction.blockCount
    // What every number wins over.
    let least: Double = wins(1, 0) ? -.infinity : .infinity
    unsafe withUnsafeTemporaryAllocation(of: Double.self, capacity: max(blocks, 1)) { extremes in
      for block in 0..<blocks {
        let start = block &* RangeFunction.blockCount
        unsafe extremes[block] = unsafe RangeFunction.extreme(
          values, start, start &+ RangeFunction.blockCount, least, wins)
      }
      unsafe fill(times, walk, &column, &total) { low, high in
        let firstBlock = (low &+ RangeFunction.blockCount &- 1) / RangeFunction.blockCount
        let lastBlock = high / RangeFunction.blockCount
        var best: Double
        if firstBlock >= lastBlock {
          best = unsafe RangeFunction.extreme(values, low, high, least, wins)
        } else {
          best = unsafe RangeFunction.extreme(values, low, firstBlock &* RangeFunction.blockCount, least, wins)
          let inner = unsafe RangeFunction.extreme(UnsafeBufferPointer(extremes), firstBlock, lastBlock, least, wins)
          if wins(inner, best) { best = inner }
          let end = unsafe RangeFunction.extreme(values, lastBlock &* RangeFunction.blockCount, high, least, wins)
          if wins(end, best) { best = end }
        }
        // Zeros have signs, and nothing but NaN leaves the start value: both are looked at in order.
        return unsafe best == 0 || best == least ? RangeFunction.firstExtreme(values, low, high, wins) : best
      }
    }
  }

  /// Four at a time, each number a comparison and a choice without a jump.
  @inline(__always)
  private static func extreme(
    _ values: UnsafeBufferPointer<Double>, _ low: Int, _ high: Int, _ least: Double,
    _ wins: (Double, Double) -> Bool
  ) -> Double {
    var (one, two, three, four) = (least, least, least, least)
    var index = low
    while index &+ 4 <= high {
      one = unsafe wins(values[index], one) ? values[index] : one
      two = unsafe wins(values[index &+ 1], two) ? values[index &+ 1] : two
      three = unsafe wins(values[index &+ 2], three) ? values[index &+ 2] : three
      four = unsafe wins(values[index &+ 3], four) ? values[index &+ 3] : four
      index &+= 4
    }
    while index < high {
      one = unsafe wins(values[index], one) ? values[index] : one
      index &+= 1
    }
    one = wins(two, one) ? two : one
    three = wins(four, three) ? four : three
    return wins(three, one) ? three : one
  }

  private static func firstExtreme(
    _ values: UnsafeBufferPointer<Double>, _ low: Int, _ high: Int, _ wins: (Double, Double) -> Bool
  ) -> Double {
    var best = unsafe values[low]
    for index in low..<high where unsafe wins(values[index], best) || best.isNaN { best = unsafe values[index] }
    return best
  }
}

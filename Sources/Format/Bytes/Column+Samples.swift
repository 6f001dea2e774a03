// Columns of times and of values as bits, for the loops over samples: these are no generic functions, so that another module
// calls them without asking for the type first.

extension Column where Element == Int64 {
  package var times: UnsafeBufferPointer<Int64> { UnsafeBufferPointer(start: base, count: count) }

  /// Makes the column longer by so many elements, which the caller writes: where they begin.
  package mutating func extend(by more: Int) -> UnsafeMutablePointer<Int64> {
    let start = count
    resize(to: start + more)
    return base + start
  }

  /// Leaves out all elements but these.
  package mutating func keep(_ range: Range<Int>) {
    precondition(range.upperBound <= count)
    if range.lowerBound > 0 { base.update(from: base + range.lowerBound, count: range.count) }
    count = range.count
  }
}

extension Column where Element == UInt64 {
  package var bits: UnsafeBufferPointer<UInt64> { UnsafeBufferPointer(start: base, count: count) }

  /// As for times.
  package mutating func extend(by more: Int) -> UnsafeMutablePointer<UInt64> {
    let start = count
    resize(to: start + more)
    return base + start
  }

  package mutating func keep(_ range: Range<Int>) {
    precondition(range.upperBound <= count)
    if range.lowerBound > 0 { base.update(from: base + range.lowerBound, count: range.count) }
    count = range.count
  }
}

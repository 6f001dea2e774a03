// The values of one label name as symbol ids, in the order they came. The writer appends behind the count that readers
// hold, and moves to a new list when this one is full: a `ValueSnapshot` is taken in O(1) and read without any lock.
final class ValueList: @unchecked Sendable {
  let base: UnsafeMutablePointer<SymbolID>
  let capacity: Int

  init(capacity: Int) {
    self.capacity = capacity
    base = .allocate(capacity: capacity)
  }

  deinit { base.deallocate() }

  /// The oldest of them, as a copy.
  func first(_ count: Int) -> [SymbolID] {
    precondition(count <= capacity, "more values than the list has room for")
    return Array(UnsafeBufferPointer(start: base, count: count))
  }

  /// A larger list with the first `count` values.
  func grown(_ count: Int) -> ValueList {
    let larger = ValueList(capacity: capacity * 2)
    larger.base.update(from: base, count: count)
    return larger
  }
}

/// The values a label name had at one moment, unsorted. A few of them may have lost their last series.
package struct ValueSnapshot: Sendable {
  let list: ValueList
  package let count: Int

  /// Lends the symbol ids.
  package func withIDs<Result>(_ body: (UnsafeBufferPointer<SymbolID>) -> Result) -> Result {
    defer { withExtendedLifetime(list) {} }
    return body(UnsafeBufferPointer(start: list.base, count: count))
  }
}

import Synchronization

/// A whole number that only grows. Lock-free; any thread may add.
package final class Counter: Sendable {
  private let bits = Atomic<UInt64>(0)

  package init() {}

  package func add(_ amount: Int = 1) {
    assert(amount >= 0, "a counter only grows")
    bits.wrappingAdd(UInt64(bitPattern: Int64(amount)), ordering: .relaxed)
  }

  package var value: Int { Int(Int64(bitPattern: bits.load(ordering: .relaxed))) }
}

/// A number that only grows, such as seconds spent. Lock-free; any thread may add.
package final class DoubleCounter: Sendable {
  private let bits = Atomic<UInt64>(0)

  package init() {}

  package func add(_ amount: Double) {
    assert(amount >= 0, "a counter only grows")
    bits.addDouble(amount)
  }

  package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

extension Atomic where Value == UInt64 {
  /// Adds to the number whose bit pattern is held.
  func addDouble(_ amount: Double) {
    var old = load(ordering: .relaxed)
    while true {
      let new = (Double(bitPattern: old) + amount).bitPattern
      let (exchanged, original) = weakCompareExchange(expected: old, desired: new, ordering: .relaxed)
      if exchanged { return }
      old = original
    }
  }
}

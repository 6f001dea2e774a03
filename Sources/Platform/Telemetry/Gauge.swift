import Synchronization

/// A number that goes up and down. Lock-free; any thread may set.
package final class Gauge: Sendable {
  private let bits = Atomic<UInt64>(0)

  package init() {}

  package func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
  package func set(_ value: Int) { set(Double(value)) }
  package func add(_ amount: Double) { bits.addDouble(amount) }
  package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// The NaN that says "this series has no more samples for now". Its payload is compared bit for bit.
package enum StaleMarker {
  @inlinable package static var bits: UInt64 { 0x7ff0_0000_0000_0002 }
  @inlinable package static var value: Double { Double(bitPattern: bits) }
  @inlinable package static func isStale(_ value: Double) -> Bool { value.bitPattern == bits }
}

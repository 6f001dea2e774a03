/// Samples as three columns of raw memory: reference, timestamp in milliseconds, value (bit-exact). Reused by
/// `removeAll`; grows by doubling. One owner.
package struct SampleColumns: ~Copyable, @unchecked Sendable {
  package private(set) var count = 0
  private var capacity: Int
  private var refBase: UnsafeMutablePointer<UInt64>
  private var timestampBase: UnsafeMutablePointer<Int64>
  private var valueBase: UnsafeMutablePointer<Double>

  package init(capacity: Int = 1024) {
    self.capacity = max(capacity, 16)
    refBase = .allocate(capacity: self.capacity)
    timestampBase = .allocate(capacity: self.capacity)
    valueBase = .allocate(capacity: self.capacity)
  }

  deinit {
    refBase.deallocate()
    timestampBase.deallocate()
    valueBase.deallocate()
  }

  // Each is valid until the next mutation.
  package var refs: UnsafeBufferPointer<UInt64> { UnsafeBufferPointer(start: refBase, count: count) }
  package var timestamps: UnsafeBufferPointer<Int64> { UnsafeBufferPointer(start: timestampBase, count: count) }
  package var values: UnsafeBufferPointer<Double> { UnsafeBufferPointer(start: valueBase, count: count) }

  package mutating func removeAll() { count = 0 }

  package mutating func truncate(to newCount: Int) {
    precondition(newCount >= 0 && newCount <= count)
    count = newCount
  }

  package mutating func reserve(_ extra: Int) {
    if capacity - count >= extra { return }
    let larger = max(capacity * 2, count + extra)
    refBase = moved(refBase, to: larger)
    timestampBase = moved(timestampBase, to: larger)
    valueBase = moved(valueBase, to: larger)
    capacity = larger
  }

  package mutating func append(ref: UInt64, timestamp: Int64, value: Double) {
    reserve(1)
    appendReserved(ref: ref, timestamp: timestamp, valueBits: value.bitPattern)
  }

  /// As `append`, where room was reserved before.
  @inline(__always)
  mutating func appendReserved(ref: UInt64, timestamp: Int64, valueBits: UInt64) {
    refBase[count] = ref
    timestampBase[count] = timestamp
    UnsafeMutableRawPointer(valueBase + count).storeBytes(of: valueBits, as: UInt64.self)
    count &+= 1
  }

  private func moved<Value: BitwiseCopyable>(
    _ base: UnsafeMutablePointer<Value>, to larger: Int
  ) -> UnsafeMutablePointer<Value> {
    let target = UnsafeMutablePointer<Value>.allocate(capacity: larger)
    target.initialize(from: base, count: count)
    base.deallocate()
    return target
  }
}

/// Samples as three columns of raw memory: reference, timestamp in milliseconds, value (bit-exact). Reused by
/// `removeAll`; grows by doubling. One owner.
package struct SampleColumns: ~Copyable, @unchecked Sendable {
  package private(set) var count = 0
  private var capacity: Int
  private var refBase: UnsafeMutablePointer<UInt64>
  private var timestampBase: UnsafeMutablePointer<Int64>
  /// As bits, so that no NaN changes on its way.
  private var valueBase: UnsafeMutablePointer<UInt64>

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
  package var values: UnsafeBufferPointer<Double> {
    UnsafeBufferPointer(start: UnsafeRawPointer(valueBase).assumingMemoryBound(to: Double.self), count: count)
  }

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
    write(room: 1) { refs, timestamps, values in
      refs[0] = ref
      timestamps[0] = timestamp
      values[0] = value.bitPattern
      return 1
    }
  }

  /// Lets `body` write up to `room` samples behind the last one, values as bits; it returns how many it wrote.
  @inline(__always)
  mutating func write(
    room: Int,
    _ body: (
      UnsafeMutablePointer<UInt64>, UnsafeMutablePointer<Int64>, UnsafeMutablePointer<UInt64>
    ) -> Int
  ) {
    reserve(room)
    let written = body(refBase + count, timestampBase + count, valueBase + count)
    precondition(written >= 0 && written <= room)
    count += written
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

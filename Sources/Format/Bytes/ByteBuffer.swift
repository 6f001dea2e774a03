import Model

/// A growable run of raw bytes that is written at its end and reused by `removeAll`. One owner; not copyable.
package struct ByteBuffer: ~Copyable, @unchecked Sendable {
  @usableFromInline package private(set) var base: UnsafeMutableRawPointer
  @usableFromInline package private(set) var capacity: Int
  package private(set) var count = 0

  package init(capacity: Int = 256) {
    self.capacity = max(capacity, 16)
    base = .allocate(byteCount: self.capacity, alignment: 16)
  }

  deinit { base.deallocate() }

  /// The bytes written so far; valid until the next mutation.
  @inlinable package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base, count: count) }

  /// The same, for whoever reads them checked.
  @inlinable package var lent: LentBytes { LentBytes(bytes) }

  /// The same as a copy.
  package var array: [UInt8] { Array(bytes) }

  package mutating func removeAll() { count = 0 }

  /// Keeps the first `newCount` bytes.
  package mutating func truncate(to newCount: Int) {
    precondition(newCount >= 0 && newCount <= count)
    count = newCount
  }

  /// Makes room for `extra` more bytes.
  package mutating func reserve(_ extra: Int) {
    if capacity - count >= extra { return }
    let larger = max(capacity * 2, count + extra)
    let moved = UnsafeMutableRawPointer.allocate(byteCount: larger, alignment: 16)
    moved.copyMemory(from: base, byteCount: count)
    base.deallocate()
    base = moved
    capacity = larger
  }

  /// Lets `body` write up to `room` bytes at the end; it returns how many it wrote.
  package mutating func write(room: Int, _ body: (UnsafeMutableRawBufferPointer) -> Int) {
    reserve(room)
    let written = body(UnsafeMutableRawBufferPointer(start: base + count, count: room))
    precondition(written >= 0 && written <= room)
    count += written
  }

  package mutating func append(_ byte: UInt8) {
    reserve(1)
    (base + count).storeBytes(of: byte, as: UInt8.self)
    count += 1
  }

  package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    if bytes.isEmpty { return }
    reserve(bytes.count)
    (base + count).copyMemory(from: bytes.baseAddress!, byteCount: bytes.count)
    count += bytes.count
  }

  package mutating func append(_ bytes: LentBytes) { append(bytes.raw) }

  package mutating func append(_ bytes: [UInt8]) { bytes.lend { append($0.raw) } }

  package mutating func append(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { append(byte) }
  }

  package mutating func appendBigEndian<Value: FixedWidthInteger>(_ value: Value) {
    reserve(MemoryLayout<Value>.size)
    (base + count).storeBytes(of: value.bigEndian, as: Value.self)
    count += MemoryLayout<Value>.size
  }

  package mutating func appendLittleEndian<Value: FixedWidthInteger>(_ value: Value) {
    reserve(MemoryLayout<Value>.size)
    (base + count).storeBytes(of: value.littleEndian, as: Value.self)
    count += MemoryLayout<Value>.size
  }

  /// Unsigned, seven bits a byte, lowest first.
  package mutating func appendUvarint(_ value: UInt64) {
    reserve(10)
    var rest = value
    while rest >= 0x80 {
      (base + count).storeBytes(of: UInt8(truncatingIfNeeded: rest) | 0x80, as: UInt8.self)
      count += 1
      rest >>= 7
    }
    (base + count).storeBytes(of: UInt8(truncatingIfNeeded: rest), as: UInt8.self)
    count += 1
  }

  /// Signed: zigzag, then as `appendUvarint` (Go's `PutVarint`).
  package mutating func appendVarint(_ value: Int64) {
    appendUvarint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }
}

import Model

/// Reads forward over bytes that somebody else owns; every read is checked against the end and nil means "cut".
package struct ByteReader {
  @usableFromInline package private(set) var bytes: UnsafeRawBufferPointer
  package private(set) var offset = 0

  package init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  package init(_ bytes: LentBytes) { self.bytes = bytes.raw }

  package var remaining: Int { bytes.count - offset }
  package var isAtEnd: Bool { offset == bytes.count }

  package mutating func byte() -> UInt8? {
    guard remaining >= 1 else { return nil }
    defer { offset += 1 }
    return bytes[offset]
  }

  package mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
    guard count >= 0, count <= remaining else { return nil }
    defer { offset += count }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + count)])
  }

  /// The same as a copy.
  package mutating func copy(_ count: Int) -> [UInt8]? { take(count).map { Array($0) } }

  package mutating func bigEndian<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value? {
    guard remaining >= MemoryLayout<Value>.size else { return nil }
    defer { offset += MemoryLayout<Value>.size }
    return Value(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  // The same for other modules, which would call the generic one by way of its type's metadata.
  package mutating func bigEndian16() -> UInt16? { bigEndian() }
  package mutating func bigEndian64() -> UInt64? { bigEndian() }
  package mutating func littleEndian32() -> UInt32? { littleEndian() }
  package mutating func littleEndian64() -> UInt64? { littleEndian() }

  package mutating func littleEndian<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) -> Value? {
    guard remaining >= MemoryLayout<Value>.size else { return nil }
    defer { offset += MemoryLayout<Value>.size }
    return Value(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: Value.self))
  }

  /// Seven bits a byte, lowest first; nil where it is cut or longer than 64 bits.
  package mutating func uvarint() -> UInt64? {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while let next = byte() {
      if shift == 63 && next > 1 { return nil }
      value |= UInt64(next & 0x7f) << shift
      if next < 0x80 { return value }
      shift += 7
      if shift > 63 { return nil }
    }
    return nil
  }

  package mutating func varint() -> Int64? {
    guard let value = uvarint() else { return nil }
    return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
  }
}

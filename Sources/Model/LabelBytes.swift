import Glibc

// The packed form of labels, read and written: nameLength (uvarint) name valueLength (uvarint) value, repeated.

/// Compares byte strings as Go compares strings: below zero, zero, above.
@inline(__always)
package func compareBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Int {
  let common = min(left.count, right.count)
  if common > 0, let a = left.baseAddress, let b = right.baseAddress {
    let order = Int(memcmp(a, b, common))
    if order != 0 { return order }
  }
  return left.count - right.count
}

@inline(__always)
package func equalBytes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  if left.count != right.count { return false }
  guard left.count > 0, let a = left.baseAddress, let b = right.baseAddress else { return true }
  return memcmp(a, b, left.count) == 0
}

/// Reads packed labels forward, one after the other. The bytes belong to somebody else.
package struct LabelReader {
  private let bytes: UnsafeRawBufferPointer
  /// Offset of the next label.
  private(set) var offset = 0

  package init(_ packed: UnsafeRawBufferPointer) { bytes = packed }

  /// The next label, nil at the end. Traps on bytes that are not packed labels; `Labels(checking:)` is for those.
  @inline(__always)
  package mutating func next() -> (name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer)? {
    if offset >= bytes.count { return nil }
    let name = part()
    return (name, part())
  }

  @inline(__always) private mutating func part() -> UnsafeRawBufferPointer {
    precondition(offset < bytes.count, "packed labels are cut")
    let first = bytes[offset]
    offset += 1
    var length = Int(first)
    if first >= 0x80 { length = longLength(first) }
    precondition(length <= bytes.count - offset, "packed labels are cut")
    defer { offset += length }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)])
  }

  private mutating func longLength(_ first: UInt8) -> Int {
    var length = Int(first & 0x7f)
    var shift = 7
    while true {
      precondition(offset < bytes.count && shift < 35, "packed labels are cut")
      let byte = bytes[offset]
      offset += 1
      length |= Int(byte & 0x7f) << shift
      shift += 7
      if byte < 0x80 { return length }
    }
  }
}

extension [UInt8] {
  /// Appends a label in packed form.
  package mutating func appendPacked(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    appendPackedPart(name)
    appendPackedPart(value)
  }

  private mutating func appendPackedPart(_ part: UnsafeRawBufferPointer) {
    var length = part.count
    while length >= 0x80 {
      append(UInt8(truncatingIfNeeded: length) | 0x80)
      length >>= 7
    }
    append(UInt8(length))
    append(contentsOf: part)
  }
}

import Model

// The labels of one series as remote write sends them: a run of fields
//
//   0a <length> { 0a <length> name   12 <length> value }
//
// Only read for a series that is new to the server.

/// Names and values of one label, as places in the bytes they were parsed from.
package struct LabelField: BitwiseCopyable, Sendable {
  package var nameOffset: UInt32
  package var nameLength: UInt32
  package var valueOffset: UInt32
  package var valueLength: UInt32
}

/// Parses label fields and writes them back in canonical order. Reusable; keeps a pointer to nobody's bytes: each call
/// is given the bytes that were parsed.
package struct LabelFields: ~Copyable, Sendable {
  /// Labels of one series; with more it is not well formed. Far above what any sender makes.
  package static let labelsMax = 65_536
  /// Up to so many labels are put in order one by one, which is one pass where they are sorted already.
  private static let insertedMax = 64

  package var fields = Column<LabelField>(capacity: 32)

  package init() {}

  /// Fills `fields` from a run of label fields. False where they are not well formed, or more than `labelsMax`.
  package mutating func parse(_ bytes: UnsafeRawBufferPointer) -> Bool {
    fields.removeAll()
    guard let base = bytes.baseAddress else { return true }
    var cursor = WireCursor(at: base, end: base + bytes.count)
    while !cursor.isAtEnd {
      guard cursor.byteTag() == 0x0a, var label = cursor.lengthDelimited(), fields.count < LabelFields.labelsMax
      else { return false }
      guard append(&label, base) else { return false }
    }
    return true
  }

  /// Reads one label of a message that begins at `base`.
  mutating func append(_ label: inout WireCursor, _ base: UnsafeRawPointer) -> Bool {
    var field = LabelField(nameOffset: 0, nameLength: 0, valueOffset: 0, valueLength: 0)
    while !label.isAtEnd {
      switch label.byteTag() {
      case 0x0a:
        guard let part = label.lengthDelimited() else { return false }
        field.nameOffset = part.offset(from: base)
        field.nameLength = UInt32(part.count)
      case 0x12:
        guard let part = label.lengthDelimited() else { return false }
        field.valueOffset = part.offset(from: base)
        field.valueLength = UInt32(part.count)
      default:
        guard label.skipUnknown(known: 0b110) else { return false }
      }
    }
    fields.append(field)
    return true
  }

  package func name(_ index: Int, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let start = Int(fields[index].nameOffset)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<(start + Int(fields[index].nameLength))])
  }

  package func value(_ index: Int, in bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let start = Int(fields[index].valueOffset)
    return UnsafeRawBufferPointer(rebasing: bytes[start..<(start + Int(fields[index].valueLength))])
  }

  /// Leaves out labels without a value (they mean "no such label") and sorts the others by the bytes of their names.
  /// Senders sort already, so this is one pass in all but odd cases.
  package mutating func canonicalize(in bytes: UnsafeRawBufferPointer) {
    var kept = 0
    for index in 0..<fields.count where fields[index].valueLength > 0 {
      fields[kept] = fields[index]
      kept += 1
    }
    fields.resize(to: kept)
    if kept <= LabelFields.insertedMax { return insertInOrder(bytes) }
    var many = UnsafeMutableBufferPointer(start: fields.base, count: kept)
    many.sort { LabelFields.order($0, $1, bytes) < 0 }
  }

  private mutating func insertInOrder(_ bytes: UnsafeRawBufferPointer) {
    for index in 0..<fields.count {
      let field = fields[index]
      var place = index
      while place > 0, LabelFields.order(field, fields[place - 1], bytes) < 0 {
        fields[place] = fields[place - 1]
        place -= 1
      }
      fields[place] = field
    }
  }

  /// Gives back what a series of very many labels made grow.
  package mutating func release() { fields.release(above: LabelFields.insertedMax) }

  /// The first label whose name the label before it has too; call after `canonicalize`.
  package func firstDuplicate(in bytes: UnsafeRawBufferPointer) -> Int? {
    guard fields.count > 1 else { return nil }
    return (1..<fields.count).first { LabelFields.order(fields[$0 - 1], fields[$0], bytes) == 0 }
  }

  /// Index of the label with this name; nil where there is none.
  package func index(of name: StaticString, in bytes: UnsafeRawBufferPointer) -> Int? {
    let wanted = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
    return (0..<fields.count).first { self.name($0, in: bytes).elementsEqual(wanted) }
  }

  /// Appends the labels as fields: the bytes a well-behaved sender of this series sends.
  package func appendFields(of bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
    for index in 0..<fields.count {
      LabelFields.appendField(name: name(index, in: bytes), value: value(index, in: bytes), to: &output)
    }
  }

  package static func appendField(
    name: UnsafeRawBufferPointer, value: UnsafeRawBufferPointer, to output: inout ByteBuffer
  ) {
    let inner = 2 + uvarintBytes(name.count) + name.count + uvarintBytes(value.count) + value.count
    if inner < 0x80, let nameStart = name.baseAddress, let valueStart = value.baseAddress {
      // All lengths are one byte: nearly every label of a 2.0 body comes this way.
      output.write(room: inner + 2) { room in
        guard let start = room.baseAddress else { return 0 }
        start.storeBytes(of: 0x0a, as: UInt8.self)
        start.storeBytes(of: UInt8(truncatingIfNeeded: inner), toByteOffset: 1, as: UInt8.self)
        start.storeBytes(of: 0x0a, toByteOffset: 2, as: UInt8.self)
        start.storeBytes(of: UInt8(truncatingIfNeeded: name.count), toByteOffset: 3, as: UInt8.self)
        (start + 4).copyMemory(from: nameStart, byteCount: name.count)
        let second = start + 4 + name.count
        second.storeBytes(of: 0x12, as: UInt8.self)
        second.storeBytes(of: UInt8(truncatingIfNeeded: value.count), toByteOffset: 1, as: UInt8.self)
        (second + 2).copyMemory(from: valueStart, byteCount: value.count)
        return inner + 2
      }
      return
    }
    output.append(0x0a)
    output.appendUvarint(UInt64(inner))
    output.append(0x0a)
    output.appendUvarint(UInt64(name.count))
    output.append(name)
    output.append(0x12)
    output.appendUvarint(UInt64(value.count))
    output.append(value)
  }

  /// Appends the labels in the packed form of `Labels`.
  package func appendPacked(of bytes: UnsafeRawBufferPointer, to output: inout ByteBuffer) {
    for index in 0..<fields.count {
      let name = name(index, in: bytes)
      let value = value(index, in: bytes)
      output.appendUvarint(UInt64(name.count))
      output.append(name)
      output.appendUvarint(UInt64(value.count))
      output.append(value)
    }
  }

  private static func order(_ left: LabelField, _ right: LabelField, _ bytes: UnsafeRawBufferPointer) -> Int {
    let one = bytes[Int(left.nameOffset)..<Int(left.nameOffset + left.nameLength)]
    let two = bytes[Int(right.nameOffset)..<Int(right.nameOffset + right.nameLength)]
    if one.lexicographicallyPrecedes(two) { return -1 }
    return one.elementsEqual(two) ? 0 : 1
  }

  private static func uvarintBytes(_ value: Int) -> Int {
    value == 0 ? 1 : (70 - UInt64(value).leadingZeroBitCount) / 7
  }
}

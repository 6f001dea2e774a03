import Model

/// A place in a protobuf message inside bytes that somebody else owns. Complaints are in the words of the decoder that
/// Prometheus reads targets' answers with.
struct ProtobufCursor {
  private let bytes: LentBytes
  private(set) var place: Int
  private let end: Int

  init(_ bytes: LentBytes, _ range: Range<Int>) {
    self.bytes = bytes
    place = range.lowerBound
    end = range.upperBound
  }

  var isAtEnd: Bool { place >= end }

  static func failure(_ problem: String) -> ExpositionError { ExpositionError(line: 0, problem: problem) }
  private static var cut: ExpositionError { failure("unexpected EOF") }

  mutating func varint() throws(ExpositionError) -> UInt64 {
    var value: UInt64 = 0
    var shift: UInt64 = 0
    while shift < 64 {
      guard place < end else { throw ProtobufCursor.cut }
      let byte = bytes[place]
      place += 1
      value |= UInt64(byte & 0x7f) &<< shift
      if byte < 0x80 { return value }
      shift += 7
    }
    throw ProtobufCursor.failure("proto: integer overflow")
  }

  /// Number and wire type of the next field.
  mutating func tag(of message: StaticString) throws(ExpositionError) -> (number: Int32, wire: UInt8) {
    let tag = try varint()
    let (number, wire) = (Int32(truncatingIfNeeded: tag >> 3), UInt8(tag & 7))
    if wire == 4 { throw ProtobufCursor.failure("proto: \(message): wiretype end group for non-group") }
    if number <= 0 { throw ProtobufCursor.failure("proto: \(message): illegal tag \(number) (wire type \(tag))") }
    return (number, wire)
  }

  private func expect(_ wire: UInt8, _ wanted: UInt8, _ field: StaticString) throws(ExpositionError) {
    if wire != wanted { throw ProtobufCursor.failure("proto: wrong wireType = \(wire) for field \(field)") }
  }

  mutating func integer(_ wire: UInt8, _ field: StaticString) throws(ExpositionError) -> UInt64 {
    try expect(wire, 0, field)
    return try varint()
  }

  mutating func double(_ wire: UInt8, _ field: StaticString) throws(ExpositionError) -> Double {
    try expect(wire, 1, field)
    return Double(bitPattern: try fixed64())
  }

  private mutating func fixed64() throws(ExpositionError) -> UInt64 {
    guard end - place >= 8 else { throw ProtobufCursor.cut }
    var word: UInt64 = 0
    for index in 0..<8 { word |= UInt64(bytes[place + index]) &<< UInt64(8 * index) }
    place += 8
    return word
  }

  /// The place of a text or of a message.
  mutating func part(_ wire: UInt8, _ field: StaticString) throws(ExpositionError) -> Range<Int> {
    try expect(wire, 2, field)
    let length = Int64(bitPattern: try varint())
    if length < 0 { throw ProtobufCursor.failure("proto: negative length found during unmarshaling") }
    guard length <= Int64(end - place) else { throw ProtobufCursor.cut }
    defer { place += Int(length) }
    return place..<(place + Int(length))
  }

  /// Numbers of a repeated field, packed or one of them.
  mutating func zigzags(
    _ wire: UInt8, _ field: StaticString, to column: inout Column<Int64>
  ) throws(ExpositionError) {
    if wire == 0 { return column.append(ProtobufCursor.zigzag(try varint())) }
    var packed = ProtobufCursor(bytes, try part(wire, field))
    while !packed.isAtEnd { column.append(ProtobufCursor.zigzag(try packed.varint())) }
  }

  mutating func doubles(
    _ wire: UInt8, _ field: StaticString, to column: inout Column<Double>
  ) throws(ExpositionError) {
    if wire == 1 { return column.append(Double(bitPattern: try fixed64())) }
    var packed = ProtobufCursor(bytes, try part(wire, field))
    while !packed.isAtEnd { column.append(Double(bitPattern: try packed.fixed64())) }
  }

  static func zigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }

  /// Passes over a field that nobody knows; groups are closed by as many ends.
  mutating func skip(_ wire: UInt8) throws(ExpositionError) {
    var (wire, depth) = (wire, 0)
    while true {
      switch wire {
      case 0: _ = try varint()
      case 1: _ = try fixed64()
      case 2: _ = try part(2, "")
      case 3: depth += 1
      case 4:
        if depth == 0 { throw ProtobufCursor.failure("proto: unexpected end of group") }
        depth -= 1
      case 5:
        guard end - place >= 4 else { throw ProtobufCursor.cut }
        place += 4
      default: throw ProtobufCursor.failure("proto: illegal wireType \(wire)")
      }
      if depth == 0 { return }
      wire = UInt8(try varint() & 7)
    }
  }
}

/// Writes an exemplar of a 2.0 body out in its 1.0 form: 1 label*, 2 value, 3 timestamp.
enum V2Exemplar {
  enum Outcome { case written, badReference, malformed }

  /// Appends to `rows.gathered`. After a bad reference what was appended is no whole message.
  static func write(_ message: WireCursor, _ base: UnsafeRawPointer, _ rows: inout WriteRequestRows) -> Outcome {
    var cursor = message
    var pending: UInt32?
    var isBad = false
    var value: UInt64 = 0
    var time: UInt64 = 0
    func label(_ reference: UInt64, _ rows: inout WriteRequestRows) {
      let reference = UInt32(truncatingIfNeeded: reference)
      guard !isBad, Int(reference) < rows.symbols.count else {
        isBad = true
        return
      }
      guard let name = pending else {
        pending = reference
        return
      }
      pending = nil
      if rows.gathered.count > WriteRequestV2Scanner.gatheredBytesMax { return }
      LabelFields.appendField(
        name: rows.symbols[Int(name)].bytes(from: base), value: rows.symbols[Int(reference)].bytes(from: base),
        to: &rows.gathered)
    }
    while !cursor.isAtEnd {
      switch cursor.byteTag() {
      case 0x0a:
        guard var references = cursor.lengthDelimited() else { return .malformed }
        while !references.isAtEnd {
          guard let number = references.varint() else { return .malformed }
          label(number, &rows)
        }
      case 0x08:
        guard let number = cursor.varint() else { return .malformed }
        label(number, &rows)
      case 0x11:
        guard let bits = cursor.fixed64() else { return .malformed }
        value = bits
      case 0x18:
        guard let number = cursor.varint() else { return .malformed }
        time = number
      default:
        guard cursor.skipUnknown(known: 0b1110) else { return .malformed }
      }
    }
    if isBad || pending != nil { return .badReference }
    rows.gathered.append(0x11)
    rows.gathered.appendLittleEndian(value)
    rows.gathered.append(0x18)
    rows.gathered.appendUvarint(time)
    return .written
  }
}

// One metadata message of a remote-write body:
//
//   1 type (enum)   2 metric_family_name   4 help   5 unit

/// What a sender says of a metric. A plain value.
package struct MetadataMessage: Sendable, Equatable {
  package var kind = 0
  package var name = ""
  package var help = ""
  package var unit = ""

  /// Nil where the bytes are no such message.
  package init?(_ message: UnsafeRawBufferPointer) {
    guard let base = message.baseAddress else { return }
    var cursor = WireCursor(at: base, end: base + message.count)
    while !cursor.isAtEnd {
      switch cursor.byteTag() {
      case 0x08:
        guard let number = cursor.varint() else { return nil }
        kind = Int(clamping: number)
      case 0x12:
        guard let text = MetadataMessage.text(&cursor) else { return nil }
        name = text
      case 0x22:
        guard let text = MetadataMessage.text(&cursor) else { return nil }
        help = text
      case 0x2a:
        guard let text = MetadataMessage.text(&cursor) else { return nil }
        unit = text
      default:
        guard cursor.skipUnknown(known: 0b110110) else { return nil }
      }
    }
  }

  private static func text(_ cursor: inout WireCursor) -> String? {
    guard let field = cursor.lengthDelimited() else { return nil }
    return String(decoding: UnsafeRawBufferPointer(start: field.position, count: field.count), as: UTF8.self)
  }
}

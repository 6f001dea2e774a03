import CProtobuf

/// The memory and depth that protobuf-c would take for a message, found out before it does: it follows nesting with its own
/// stack and takes
/// memory without asking, so that a few megabytes from outside could end the process. Walks the wire bytes by the
/// descriptors without recursion.
package enum MessageBounds {
  /// Messages within messages.
  static let depthMax = 64
  /// Bytes that a message costs beside its struct: the allocator's header, and its place in a list.
  private static let overheadBytes = 32

  private struct Level {
    var cursor: WireCursor
    var descriptor: UnsafePointer<ProtobufCMessageDescriptor>
  }

  /// The memory that unpacking takes, roughly; nil where the bytes are malformed, nested too deep, or would take more
  /// than `bytesMax`.
  static func memory(
    _ bytes: UnsafeRawBufferPointer, _ descriptor: UnsafePointer<ProtobufCMessageDescriptor>, bytesMax: Int
  ) -> Int? {
    guard let base = bytes.baseAddress else { return 0 }
    var levels = [Level(cursor: WireCursor(at: base, end: base + bytes.count), descriptor: descriptor)]
    var total = overheadBytes + Int(descriptor.pointee.sizeof_message)
    while let level = levels.popLast() {
      var cursor = level.cursor
      var inner: Level?
      while inner == nil, !cursor.isAtEnd {
        guard let tag = cursor.varint(), tag >> 3 > 0, tag >> 3 < 1 << 29 else { return nil }
        let field = protobuf_c_message_descriptor_get_field(level.descriptor, UInt32(tag >> 3))
        guard let content = value(tag, &cursor) else { return nil }
        guard let field, tag & 7 == 2 else {
          // A number, which has its place, or an unknown field, which is kept as it is.
          total += field == nil ? overheadBytes + content.count + 16 : 8
          continue
        }
        if field.pointee.type == PROTOBUF_C_TYPE_MESSAGE, let next = field.pointee.descriptor {
          let descriptor = next.assumingMemoryBound(to: ProtobufCMessageDescriptor.self)
          inner = Level(cursor: content, descriptor: descriptor)
          total += overheadBytes + Int(descriptor.pointee.sizeof_message)
        } else {
          // Packed numbers may grow from one byte to eight.
          total += overheadBytes + content.count * (isText(field.pointee.type) ? 1 : 8)
        }
      }
      if total > bytesMax { return nil }
      if let inner {
        levels.append(Level(cursor: cursor, descriptor: level.descriptor))
        levels.append(inner)
        if levels.count > depthMax { return nil }
      }
    }
    return total
  }

  private static func isText(_ type: ProtobufCType) -> Bool {
    type == PROTOBUF_C_TYPE_STRING || type == PROTOBUF_C_TYPE_BYTES
  }

  /// The content of the field whose tag was read, consumed.
  private static func value(_ tag: UInt64, _ cursor: inout WireCursor) -> WireCursor? {
    let start = cursor.position
    switch tag & 7 {
    case 0: guard cursor.varint() != nil else { return nil }
    case 1: guard cursor.fixed64() != nil else { return nil }
    case 2: return cursor.lengthDelimited()
    case 5:
      guard cursor.count >= 4 else { return nil }
      cursor = WireCursor(at: start + 4, end: cursor.end)
    default: return nil
    }
    return WireCursor(at: start, end: cursor.position)
  }
}

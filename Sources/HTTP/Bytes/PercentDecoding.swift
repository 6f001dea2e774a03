/// Percent-encoded text (RFC 3986), strictly: two hexadecimal digits after every `%`, and never the byte NUL.
enum PercentDecoding {
  /// True if `decode` gives what was meant; everything that reaches `decode` was checked by this.
  static func isWellFormed(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte == 0 { return false }
      if byte == UInt8(ascii: "%") {
        guard index + 2 < bytes.count, let high = digit(bytes[index + 1]), let low = digit(bytes[index + 2]),
          high != 0 || low != 0
        else { return false }
        index += 3
      } else {
        index += 1
      }
    }
    return true
  }

  /// The decoded bytes, each given to `emit`. A `+` is a space in queries and forms, itself in paths.
  static func decode(_ bytes: UnsafeRawBufferPointer, plusIsSpace: Bool, _ emit: (UInt8) -> Void) {
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      if byte == UInt8(ascii: "%"), index + 2 < bytes.count, let high = digit(bytes[index + 1]),
        let low = digit(bytes[index + 2])
      {
        emit(high << 4 | low)
        index += 3
      } else {
        emit(plusIsSpace && byte == UInt8(ascii: "+") ? UInt8(ascii: " ") : byte)
        index += 1
      }
    }
  }

  static func text(_ bytes: UnsafeRawBufferPointer, plusIsSpace: Bool) -> String {
    if bytes.isEmpty { return "" }
    return String(unsafeUninitializedCapacity: bytes.count) { buffer in
      var count = 0
      decode(bytes, plusIsSpace: plusIsSpace) { byte in
        buffer[count] = byte
        count += 1
      }
      return count
    }
  }

  /// True if the decoded bytes are `text`, without decoding into memory.
  static func equals(_ bytes: UnsafeRawBufferPointer, _ text: UnsafeRawBufferPointer, plusIsSpace: Bool) -> Bool {
    if bytes.count < text.count { return false }
    var matched = 0
    var same = true
    decode(bytes, plusIsSpace: plusIsSpace) { byte in
      if same && matched < text.count && text[matched] == byte { matched += 1 } else { same = false }
    }
    return same && matched == text.count
  }

  @inline(__always) private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}

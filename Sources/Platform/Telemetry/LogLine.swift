/// One event as one line of text: logfmt with the keys and quoting of Prometheus 3, or a JSON object. Pure.
/// Invariant: whatever the message and the fields hold, the result is valid UTF-8 and has no control character and no
/// character that a terminal or a log reader takes for a line end.
package struct LogLine {
  /// A longer message or value is cut and ends with `...`: an event stays small whatever a client sent.
  package static let valueBytesMax = 8192

  private var bytes: [UInt8] = []

  package static func text(
    _ format: LogFormat, milliseconds: Int64, level: LogLevel, message: String, fields: Log.Fields,
    context: [(key: String, value: String)] = []
  ) -> String {
    // What an event says itself comes before what all events say.
    let all =
      fields.map { (key: $0.key, value: $0.value) } + context.filter { one in !fields.contains { $0.key == one.key } }
    var line = LogLine()
    line.bytes.reserveCapacity(160 + message.utf8.count)
    switch format {
    case .logfmt: line.appendLogfmt(milliseconds, level, message, all)
    case .json: line.appendJSON(milliseconds, level, message, all)
    }
    return String(decoding: line.bytes, as: UTF8.self)
  }

  // MARK: logfmt

  private mutating func appendLogfmt(
    _ milliseconds: Int64, _ level: LogLevel, _ message: String, _ fields: [(key: String, value: String)]
  ) {
    bytes.append(contentsOf: "time=".utf8)
    TimeText.append(milliseconds: milliseconds, to: &bytes)
    bytes.append(contentsOf: " level=".utf8)
    bytes.append(contentsOf: level.name.utf8)
    bytes.append(contentsOf: " msg=".utf8)
    appendLogfmtValue(message)
    for (key, value) in fields {
      bytes.append(UInt8(ascii: " "))
      appendLogfmtValue(key)
      bytes.append(UInt8(ascii: "="))
      appendLogfmtValue(value)
    }
  }

  private mutating func appendLogfmtValue(_ value: String) {
    guard value.isEmpty || value.unicodeScalars.contains(where: needsQuotes) else {
      appendCut(value) { bytes, scalar in append(scalar, to: &bytes) }
      return
    }
    bytes.append(UInt8(ascii: "\""))
    appendCut(value) { bytes, scalar in
      if !appendShortEscape(scalar, to: &bytes) {
        if scalar.value < 0x20 || scalar.value == 0x7F {
          bytes.append(contentsOf: "\\x".utf8)
          appendHex(scalar.value, digits: 2, to: &bytes)
        } else if isUnprintable(scalar) {
          bytes.append(contentsOf: "\\u".utf8)
          appendHex(scalar.value, digits: 4, to: &bytes)
        } else {
          append(scalar, to: &bytes)
        }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  // MARK: JSON

  private mutating func appendJSON(
    _ milliseconds: Int64, _ level: LogLevel, _ message: String, _ fields: [(key: String, value: String)]
  ) {
    bytes.append(contentsOf: "{\"time\":\"".utf8)
    TimeText.append(milliseconds: milliseconds, to: &bytes)
    bytes.append(contentsOf: "\",\"level\":\"".utf8)
    bytes.append(contentsOf: level.name.utf8)
    bytes.append(contentsOf: "\",\"msg\":".utf8)
    appendJSONString(message)
    for (key, value) in fields {
      bytes.append(UInt8(ascii: ","))
      appendJSONString(key)
      bytes.append(UInt8(ascii: ":"))
      appendJSONString(value)
    }
    bytes.append(UInt8(ascii: "}"))
  }

  private mutating func appendJSONString(_ value: String) {
    bytes.append(UInt8(ascii: "\""))
    appendCut(value) { bytes, scalar in
      if !appendShortEscape(scalar, to: &bytes) {
        if isUnprintable(scalar) {
          bytes.append(contentsOf: "\\u".utf8)
          appendHex(scalar.value, digits: 4, to: &bytes)
        } else {
          append(scalar, to: &bytes)
        }
      }
    }
    bytes.append(UInt8(ascii: "\""))
  }

  /// Hands over the scalars of `value` until the limit of bytes, and marks a cut.
  private mutating func appendCut(_ value: String, _ appendScalar: (inout [UInt8], Unicode.Scalar) -> Void) {
    var byteCount = 0
    for scalar in value.unicodeScalars {
      byteCount += UTF8.width(scalar)
      if byteCount > Self.valueBytesMax {
        bytes.append(contentsOf: "...".utf8)
        return
      }
      appendScalar(&bytes, scalar)
    }
  }
}

private func needsQuotes(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar {
  case " ", "=", "\"", "\\", "\u{FFFD}": true
  default: isUnprintable(scalar) || (scalar.value > 0x7F && scalar.properties.isWhitespace)
  }
}

/// Controls, line and paragraph separators, marks that reorder the text around them, the byte order mark: what could make
/// one event look like two or hide a part of it. All lie below U+10000.
private func isUnprintable(_ scalar: Unicode.Scalar) -> Bool {
  switch scalar.value {
  case 0x00..<0x20, 0x7F..<0xA0, 0x200B...0x200F, 0x2028...0x202E, 0x2060...0x206F, 0xFEFF: true
  default: false
  }
}

/// The escapes that logfmt's quoting and JSON share.
private func appendShortEscape(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) -> Bool {
  let letter: UInt8
  switch scalar {
  case "\"": letter = UInt8(ascii: "\"")
  case "\\": letter = UInt8(ascii: "\\")
  case "\n": letter = UInt8(ascii: "n")
  case "\r": letter = UInt8(ascii: "r")
  case "\t": letter = UInt8(ascii: "t")
  default: return false
  }
  bytes.append(UInt8(ascii: "\\"))
  bytes.append(letter)
  return true
}

private func append(_ scalar: Unicode.Scalar, to bytes: inout [UInt8]) {
  bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
}

private func appendHex(_ value: UInt32, digits: Int, to bytes: inout [UInt8]) {
  for digit in stride(from: digits - 1, through: 0, by: -1) {
    let nibble = UInt8(truncatingIfNeeded: value >> (UInt32(digit) * 4)) & 15
    bytes.append(nibble < 10 ? UInt8(ascii: "0") + nibble : UInt8(ascii: "a") + nibble - 10)
  }
}

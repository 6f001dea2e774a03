/// A JSON text as a value: enough to read the answers of the query API, strict enough to notice when they are not
/// JSON. A plain value.
package enum JSONValue: Sendable, Equatable {
  case null
  case bool(Bool)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object([Member])

  package struct Member: Sendable, Equatable {
    package var name: String
    package var value: JSONValue

    package init(name: String, value: JSONValue) {
      self.name = name
      self.value = value
    }
  }

  package struct SyntaxError: Error {
    package var offset: Int
    package var expected: String
  }

  package init(parsing bytes: [UInt8]) throws(SyntaxError) {
    var parser = JSONParser(bytes: bytes)
    self = try parser.parseWhole()
  }

  package init(parsing text: String) throws(SyntaxError) { try self.init(parsing: Array(text.utf8)) }

  /// The member of that name; null where there is none, so that a path through an answer reads straight.
  package subscript(_ name: String) -> JSONValue {
    guard case .object(let members) = self else { return .null }
    return members.first { $0.name == name }?.value ?? .null
  }

  package subscript(_ index: Int) -> JSONValue {
    guard case .array(let values) = self, values.indices.contains(index) else { return .null }
    return values[index]
  }

  package var string: String? { if case .string(let text) = self { text } else { nil } }
  package var number: Double? { if case .number(let number) = self { number } else { nil } }
  package var bool: Bool? { if case .bool(let bool) = self { bool } else { nil } }
  package var array: [JSONValue]? { if case .array(let values) = self { values } else { nil } }
  package var members: [Member]? { if case .object(let members) = self { members } else { nil } }
  package var isNull: Bool { self == .null }
}

private struct JSONParser {
  static let depthMax = 128

  let bytes: [UInt8]
  var offset = 0
  var depth = 0

  init(bytes: [UInt8]) { self.bytes = bytes }

  private func expected(_ what: String) -> JSONValue.SyntaxError { .init(offset: offset, expected: what) }

  private var byte: UInt8? { offset < bytes.count ? bytes[offset] : nil }

  mutating func parseWhole() throws(JSONValue.SyntaxError) -> JSONValue {
    let value = try parseValue()
    skipSpace()
    guard offset == bytes.count else { throw expected("the end") }
    return value
  }

  private mutating func skipSpace() {
    while let byte, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { offset += 1 }
  }

  private mutating func accept(_ character: Unicode.Scalar) -> Bool {
    guard byte == UInt8(ascii: character) else { return false }
    offset += 1
    return true
  }

  private mutating func parseValue() throws(JSONValue.SyntaxError) -> JSONValue {
    skipSpace()
    switch byte {
    case UInt8(ascii: "{"): return try nested { (parser) throws(JSONValue.SyntaxError) in try parser.parseObject() }
    case UInt8(ascii: "["): return try nested { (parser) throws(JSONValue.SyntaxError) in try parser.parseArray() }
    case UInt8(ascii: "\""): return .string(try parseString())
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    default: return try parseNumber()
    }
  }

  private mutating func nested(
    _ body: (inout JSONParser) throws(JSONValue.SyntaxError) -> JSONValue
  ) throws(JSONValue.SyntaxError) -> JSONValue {
    guard depth < Self.depthMax else { throw expected("less depth") }
    depth += 1
    defer { depth -= 1 }
    offset += 1
    return try body(&self)
  }

  private mutating func parseObject() throws(JSONValue.SyntaxError) -> JSONValue {
    var members: [JSONValue.Member] = []
    skipSpace()
    if accept("}") { return .object(members) }
    repeat {
      skipSpace()
      let name = try parseString()
      skipSpace()
      guard accept(":") else { throw expected("a colon") }
      members.append(.init(name: name, value: try parseValue()))
      skipSpace()
    } while accept(",")
    guard accept("}") else { throw expected("a comma or a closing brace") }
    return .object(members)
  }

  private mutating func parseArray() throws(JSONValue.SyntaxError) -> JSONValue {
    var values: [JSONValue] = []
    skipSpace()
    if accept("]") { return .array(values) }
    repeat {
      values.append(try parseValue())
      skipSpace()
    } while accept(",")
    guard accept("]") else { throw expected("a comma or a closing bracket") }
    return .array(values)
  }

  private mutating func parseWord(_ word: String, _ value: JSONValue) throws(JSONValue.SyntaxError) -> JSONValue {
    guard bytes[offset...].starts(with: word.utf8) else { throw expected(word) }
    offset += word.utf8.count
    return value
  }

  private mutating func parseNumber() throws(JSONValue.SyntaxError) -> JSONValue {
    let start = offset
    while let byte, (0x30...0x39).contains(byte) || "+-.eE".utf8.contains(byte) { offset += 1 }
    let text = String(decoding: bytes[start..<offset], as: UTF8.self)
    // Double's reader is laxer than JSON in two points only: a leading plus or point, and a trailing point.
    guard let number = Double(text), let first = text.utf8.first, first != UInt8(ascii: "+"),
      first != UInt8(ascii: "."), text.utf8.last != UInt8(ascii: ".")
    else {
      offset = start
      throw expected("a value")
    }
    return .number(number)
  }

  private mutating func parseString() throws(JSONValue.SyntaxError) -> String {
    guard accept("\"") else { throw expected("a string") }
    var text: [UInt8] = []
    while let byte {
      offset += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let string = String(validating: text, as: UTF8.self) else { throw expected("UTF-8") }
        return string
      case UInt8(ascii: "\\"): text += try parseEscape()
      case 0..<0x20: throw expected("an escaped control character")
      default: text.append(byte)
      }
    }
    throw expected("a closing quote")
  }

  private mutating func parseEscape() throws(JSONValue.SyntaxError) -> [UInt8] {
    guard let byte else { throw expected("an escape") }
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "u"):
      var units = [try parseHex()]
      if (0xd800..<0xdc00).contains(units[0]), accept("\\"), accept("u") { units.append(try parseHex()) }
      return Array(String(decoding: units, as: UTF16.self).utf8)
    default: throw expected("a known escape")
    }
  }

  private mutating func parseHex() throws(JSONValue.SyntaxError) -> UInt16 {
    guard offset + 4 <= bytes.count,
      let unit = UInt16(String(decoding: bytes[offset..<offset + 4], as: UTF8.self), radix: 16)
    else { throw expected("four hexadecimal digits") }
    offset += 4
    return unit
  }
}

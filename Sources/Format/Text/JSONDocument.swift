import Model

/// A JSON text as a tree. Numbers keep their digits, so that 64-bit integers come through whole.
package indirect enum JSONDocument: Equatable, Sendable {
  case null
  case bool(Bool)
  case number(String)
  case string(String)
  case array([JSONDocument])
  case object([Member])

  package struct Member: Equatable, Sendable {
    package var name: String
    package var value: JSONDocument
  }

  /// Nested deeper it is refused.
  package static let depthMax = 64

  /// Nil where the bytes are not one JSON value with nothing but white space around it, or hold more than `valuesMax`.
  package init?(_ bytes: LentBytes, valuesMax: Int = .max) {
    var parser = JSONParser(bytes, valuesMax: valuesMax)
    guard let value = parser.value(depth: 0), parser.isAtEnd else { return nil }
    self = value
  }

  /// The member of an object; of several with one name the last.
  package subscript(name: String) -> JSONDocument? {
    guard case .object(let members) = self else { return nil }
    return members.last { $0.name == name }?.value
  }

  package var text: String? {
    guard case .string(let text) = self else { return nil }
    return text
  }

  package var integer: Int64? {
    guard case .number(let digits) = self else { return nil }
    return Int64(digits)
  }

  package var isTrue: Bool { self == .bool(true) }

  package var elements: [JSONDocument] {
    guard case .array(let elements) = self else { return [] }
    return elements
  }
}

/// Recursive descent over bytes; every step is bounded by their end.
private struct JSONParser {
  private let bytes: LentBytes
  private var offset = 0
  private var valuesLeft: Int

  init(_ bytes: LentBytes, valuesMax: Int) {
    self.bytes = bytes
    valuesLeft = valuesMax
  }

  var isAtEnd: Bool {
    mutating get {
      skipSpace()
      return offset == bytes.count
    }
  }

  mutating func value(depth: Int) -> JSONDocument? {
    skipSpace()
    guard depth < JSONDocument.depthMax, offset < bytes.count, valuesLeft > 0 else { return nil }
    valuesLeft -= 1
    switch bytes[offset] {
    case UInt8(ascii: "{"): return object(depth)
    case UInt8(ascii: "["): return array(depth)
    case UInt8(ascii: "\""): return string().map { .string($0) }
    case UInt8(ascii: "t"): return word("true") ? .bool(true) : nil
    case UInt8(ascii: "f"): return word("false") ? .bool(false) : nil
    case UInt8(ascii: "n"): return word("null") ? .null : nil
    default: return number()
    }
  }

  private mutating func skipSpace() {
    while offset < bytes.count, [0x20, 0x09, 0x0a, 0x0d].contains(bytes[offset]) { offset += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard offset < bytes.count, bytes[offset] == byte else { return false }
    offset += 1
    return true
  }

  private mutating func word(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count - offset >= count,
      text.withUTF8Buffer({ bytes[offset..<(offset + count)].elementsEqual($0) })
    else { return false }
    offset += count
    return true
  }

  private mutating func object(_ depth: Int) -> JSONDocument? {
    offset += 1
    var members: [JSONDocument.Member] = []
    if take(UInt8(ascii: "}")) { return .object(members) }
    repeat {
      skipSpace()
      guard let name = string(), take(UInt8(ascii: ":")), let value = value(depth: depth + 1) else { return nil }
      members.append(.init(name: name, value: value))
    } while take(UInt8(ascii: ","))
    return take(UInt8(ascii: "}")) ? .object(members) : nil
  }

  private mutating func array(_ depth: Int) -> JSONDocument? {
    offset += 1
    var elements: [JSONDocument] = []
    if take(UInt8(ascii: "]")) { return .array(elements) }
    repeat {
      guard let value = value(depth: depth + 1) else { return nil }
      elements.append(value)
    } while take(UInt8(ascii: ","))
    return take(UInt8(ascii: "]")) ? .array(elements) : nil
  }

  private mutating func number() -> JSONDocument? {
    let start = offset
    while offset < bytes.count, Self.isPartOfNumber(bytes[offset]) { offset += 1 }
    let digits = String(decoding: bytes[start..<offset], as: UTF8.self)
    return Double(digits) == nil ? nil : .number(digits)
  }

  private static func isPartOfNumber(_ byte: UInt8) -> Bool {
    byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") || [0x2b, 0x2d, 0x2e, 0x45, 0x65].contains(byte)
  }

  private mutating func string() -> String? {
    guard offset < bytes.count, bytes[offset] == UInt8(ascii: "\"") else { return nil }
    offset += 1
    var text: [UInt8] = []
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      switch byte {
      case UInt8(ascii: "\""): return String(validating: text, as: UTF8.self)
      case UInt8(ascii: "\\"): guard escape(&text) else { return nil }
      case 0..<0x20: return nil
      default: text.append(byte)
      }
    }
    return nil
  }

  private mutating func escape(_ text: inout [UInt8]) -> Bool {
    guard offset < bytes.count else { return false }
    let byte = bytes[offset]
    offset += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): text.append(byte)
    case UInt8(ascii: "b"): text.append(0x08)
    case UInt8(ascii: "f"): text.append(0x0c)
    case UInt8(ascii: "n"): text.append(0x0a)
    case UInt8(ascii: "r"): text.append(0x0d)
    case UInt8(ascii: "t"): text.append(0x09)
    case UInt8(ascii: "u"):
      guard let scalar = unicodeEscape() else { return false }
      text.append(contentsOf: String(scalar).utf8)
    default: return false
    }
    return true
  }

  private mutating func unicodeEscape() -> Character? {
    guard let first = fourDigits() else { return nil }
    if let scalar = Unicode.Scalar(first) { return Character(scalar) }
    guard first < 0xdc00, word("\\u"), let second = fourDigits(), (0xdc00..<0xe000).contains(second),
      let scalar = Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00))
    else { return nil }
    return Character(scalar)
  }

  private mutating func fourDigits() -> UInt32? {
    guard bytes.count - offset >= 4 else { return nil }
    defer { offset += 4 }
    let digits = String(decoding: bytes[offset..<(offset + 4)], as: UTF8.self)
    return digits.utf8.contains(UInt8(ascii: "+")) ? nil : UInt32(digits, radix: 16)
  }
}

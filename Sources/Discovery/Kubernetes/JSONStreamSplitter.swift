/// Cuts a stream of JSON into the values that are read one by one, while it arrives: memory is bounded by the largest of
/// them, not by the stream. A value, owned by who reads the stream.
///
/// The splitter knows strings and brackets, nothing else; whoever reads a value finds out whether it is JSON. Bytes that
/// cannot be the stream's shape end it with a `JSONStreamDamage`.
struct JSONStreamSplitter {
  enum Shape {
    /// Values one after the other, with white space between them, as a watch sends.
    case values
    /// One object; the elements of its member of this name come one by one, each other member as a whole.
    case members(elementsOf: String)
  }

  enum Part: Equatable {
    case value([UInt8])
    case element([UInt8])
    case member(name: [UInt8], value: [UInt8])
    /// A value of so many bytes that it was left out.
    case tooLarge(bytes: Int)
  }

  /// A value that is longer is left out. The API server takes no object of more than three mebibytes.
  static let valueBytesMax = 8 << 20
  /// A longer name of a member is damage.
  static let nameBytesMax = 1024

  private enum Place { case outside, beforeName, name, afterName, beforeValue, value, afterValue, end }

  private let shape: Shape
  private let valueBytesMax: Int
  private var place: Place
  private var name: [UInt8] = []
  private var isInElements = false
  private var value: [UInt8] = []
  private var valueBytes = 0
  private var depth = 0
  private var isInString = false
  private var isEscaped = false

  init(_ shape: Shape, valueBytesMax: Int = JSONStreamSplitter.valueBytesMax) {
    self.shape = shape
    self.valueBytesMax = valueBytesMax
    if case .values = shape { place = .beforeValue } else { place = .outside }
  }

  /// True where the stream may end.
  var isComplete: Bool {
    if case .values = shape { return place == .beforeValue }
    return place == .end
  }

  /// Takes the next bytes of the stream; `body` gets the values that end in them, and returns false to end the reading.
  mutating func take(
    _ bytes: some Sequence<UInt8>, _ body: (Part) -> Bool
  ) throws(JSONStreamDamage) {
    for byte in bytes {
      if place == .value {
        // A number or a word ends with the byte behind it, which has a meaning of its own.
        if depth > 0 || isInString || !Self.endsWord(byte) {
          if takeValueByte(byte), !finish(body) { return }
          continue
        }
        if !finish(body) { return }
      }
      try takeStructure(byte)
    }
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

  private static func endsWord(_ byte: UInt8) -> Bool {
    isSpace(byte) || byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") || byte == UInt8(ascii: "}")
  }

  /// True if the value ends with this byte.
  private mutating func takeValueByte(_ byte: UInt8) -> Bool {
    valueBytes += 1
    if valueBytes <= valueBytesMax { value.append(byte) } else if !value.isEmpty { value = [] }
    if isInString {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if byte == UInt8(ascii: "\"") {
        isInString = false
        return depth == 0
      }
      return false
    }
    switch byte {
    case UInt8(ascii: "\""): isInString = true
    case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
    case UInt8(ascii: "}"), UInt8(ascii: "]"):
      depth -= 1
      return depth == 0
    default: break
    }
    return false
  }

  /// Hands over the value that has ended.
  private mutating func finish(_ body: (Part) -> Bool) -> Bool {
    let part: Part
    if valueBytes > valueBytesMax {
      part = .tooLarge(bytes: valueBytes)
    } else if case .values = shape {
      part = .value(value)
    } else {
      part = isInElements ? .element(value) : .member(name: name, value: value)
    }
    if case .values = shape { place = .beforeValue } else { place = .afterValue }
    value = []
    valueBytes = 0
    return body(part)
  }

  /// Takes a byte between values.
  private mutating func takeStructure(_ byte: UInt8) throws(JSONStreamDamage) {
    if place == .name { return try takeNameByte(byte) }
    if Self.isSpace(byte) { return }
    switch (place, byte) {
    case (.outside, UInt8(ascii: "{")): place = .beforeName
    case (.beforeName, UInt8(ascii: "\"")):
      name = []
      place = .name
    case (.beforeName, UInt8(ascii: "}")): place = .end
    case (.afterName, UInt8(ascii: ":")): place = .beforeValue
    case (.beforeValue, UInt8(ascii: "[")) where !isInElements && isNameOfElements: isInElements = true
    case (.beforeValue, UInt8(ascii: "]")) where isInElements: leaveElements()
    case (.afterValue, UInt8(ascii: "]")) where isInElements: leaveElements()
    case (.afterValue, UInt8(ascii: ",")): place = isInElements ? .beforeValue : .beforeName
    case (.afterValue, UInt8(ascii: "}")) where !isInElements: place = .end
    case (.beforeValue, UInt8(ascii: "]")), (.beforeValue, UInt8(ascii: "}")), (.beforeValue, UInt8(ascii: ",")),
      (.beforeValue, UInt8(ascii: ":")):
      throw JSONStreamDamage("a value is missing")
    case (.beforeValue, _):
      place = .value
      depth = 0
      isInString = false
      // A value of one byte is a digit, and ends with what follows it.
      _ = takeValueByte(byte)
    default: throw JSONStreamDamage("the byte \(byte) is not expected here")
    }
  }

  private mutating func leaveElements() {
    isInElements = false
    place = .afterValue
  }

  private var isNameOfElements: Bool {
    if case .members(let elements) = shape { name.elementsEqual(elements.utf8) } else { false }
  }

  private mutating func takeNameByte(_ byte: UInt8) throws(JSONStreamDamage) {
    if byte == UInt8(ascii: "\""), !isEscaped {
      place = .afterName
      return
    }
    isEscaped = byte == UInt8(ascii: "\\") && !isEscaped
    if name.count >= Self.nameBytesMax { throw JSONStreamDamage("a name of more than \(Self.nameBytesMax) bytes") }
    name.append(byte)
  }
}

/// Bytes that are not the stream they should be.
struct JSONStreamDamage: Error, Equatable, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}

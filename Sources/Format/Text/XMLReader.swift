import Model

/// Bytes that are no XML of the kind taken here.
package struct XMLError: Error, Equatable, CustomStringConvertible {
  package var reason: String
  /// The place in the bytes.
  package var offset: Int

  package var description: String { "no XML at byte \(offset): \(reason)" }
}

/// Reads XML event by event, as the answers of servers need it: elements and their text. Attributes are passed over, prefixes of
/// names left out; document types are refused, so no entity can grow. Every step moves on and is bounded by the end of the
/// bytes. One owner, for as long as the bytes are lent.
package struct XMLReader {
  package enum Event: Equatable, Sendable {
    case start(String)
    /// Some of the text of the element that is open, references resolved.
    case text(String)
    case end(String)
  }

  /// Elements nested deeper are refused.
  package static let depthMax = 64
  package static let nameBytesMax = 256

  private let bytes: LentBytes
  private var offset = 0
  private var open: [String] = []
  /// The end of an element that was written `<a/>`.
  private var pendingEnd: String?
  private var hasRoot = false

  package init(_ bytes: LentBytes) { self.bytes = bytes }

  /// Nil behind the root element.
  package mutating func next() throws(XMLError) -> Event? {
    if let name = pendingEnd {
      pendingEnd = nil
      return .end(name)
    }
    if offset == 0, bytes.starts(with: [0xef, 0xbb, 0xbf]) { offset = 3 }
    while offset < bytes.count {
      if bytes[offset] != UInt8(ascii: "<") {
        if let text = try text() { return .text(text) }
      } else if has("<!--") {
        try skip(past: "-->", from: 4)
      } else if has("<![CDATA[") {
        return .text(try characterData())
      } else if has("<?") {
        try skip(past: "?>", from: 2)
      } else if has("<!") {
        throw fail("a document type is not taken")
      } else if has("</") {
        return try end()
      } else {
        return try start()
      }
    }
    if let name = open.last { throw fail("the element \(name) does not end") }
    if !hasRoot { throw fail("no element") }
    return nil
  }

  private func fail(_ reason: String) -> XMLError { XMLError(reason: reason, offset: offset) }

  private func has(_ text: StaticString) -> Bool {
    let count = text.utf8CodeUnitCount
    guard bytes.count - offset >= count else { return false }
    return text.withUTF8Buffer { bytes.part(offset..<(offset + count)).elementsEqual($0) }
  }

  private mutating func skip(past end: StaticString, from start: Int) throws(XMLError) {
    let before = offset
    offset += start
    while offset < bytes.count {
      if has(end) {
        offset += end.utf8CodeUnitCount
        return
      }
      offset += 1
    }
    offset = before
    throw fail("it does not end")
  }

  private mutating func characterData() throws(XMLError) -> String {
    if open.isEmpty { throw fail("text outside of the root element") }
    let start = offset + 9
    try skip(past: "]]>", from: 9)
    return try string(start..<(offset - 3))
  }

  /// Nil for white space around the root element.
  private mutating func text() throws(XMLError) -> String? {
    var decoded: [UInt8] = []
    let start = offset
    while offset < bytes.count, bytes[offset] != UInt8(ascii: "<") {
      if bytes[offset] == UInt8(ascii: "&") {
        decoded += try reference().utf8
      } else {
        decoded.append(bytes[offset])
        offset += 1
      }
    }
    if open.isEmpty {
      if decoded.allSatisfy({ Self.isSpace($0) }) { return nil }
      offset = start
      throw fail("text outside of the root element")
    }
    guard let text = String(validating: decoded, as: UTF8.self) else {
      offset = start
      throw fail("it is not UTF-8")
    }
    return text
  }

  private mutating func reference() throws(XMLError) -> String {
    let nameBytesMax = 10
    var end = offset + 1
    while end < bytes.count, end - offset <= nameBytesMax, bytes[end] != UInt8(ascii: ";") { end += 1 }
    guard end < bytes.count, bytes[end] == UInt8(ascii: ";") else { throw fail("a reference without an end") }
    let name = try string((offset + 1)..<end)
    let resolved: String?
    switch name {
    case "lt": resolved = "<"
    case "gt": resolved = ">"
    case "amp": resolved = "&"
    case "quot": resolved = "\""
    case "apos": resolved = "'"
    default: resolved = Self.numbered(name)
    }
    guard let resolved else { throw fail("an unknown reference") }
    offset = end + 1
    return resolved
  }

  private static func numbered(_ name: String) -> String? {
    guard name.hasPrefix("#") else { return nil }
    let isHexadecimal = name.hasPrefix("#x")
    let digits = name.dropFirst(isHexadecimal ? 2 : 1)
    guard let first = digits.first, first.isHexDigit, let number = UInt32(digits, radix: isHexadecimal ? 16 : 10),
      let scalar = Unicode.Scalar(number), number != 0
    else { return nil }
    return String(Character(scalar))
  }

  private mutating func end() throws(XMLError) -> Event {
    let start = offset
    offset += 2
    let name = try name()
    skipSpace()
    guard let expected = open.last, expected == name, offset < bytes.count, bytes[offset] == UInt8(ascii: ">") else {
      offset = start
      throw fail("the end of an element that is not open")
    }
    offset += 1
    open.removeLast()
    return .end(name)
  }

  private mutating func start() throws(XMLError) -> Event {
    if open.isEmpty && hasRoot { throw fail("a second root element") }
    if open.count >= Self.depthMax { throw fail("more than \(Self.depthMax) elements in each other") }
    offset += 1
    let name = try name()
    hasRoot = true
    while true {
      skipSpace()
      guard offset < bytes.count else { throw fail("the element \(name) does not end") }
      switch bytes[offset] {
      case UInt8(ascii: ">"):
        offset += 1
        open.append(name)
        return .start(name)
      case UInt8(ascii: "/"):
        guard has("/>") else { throw fail("a slash within an element") }
        offset += 2
        pendingEnd = name
        return .start(name)
      default: try skipAttribute()
      }
    }
  }

  private mutating func skipAttribute() throws(XMLError) {
    _ = try name()
    skipSpace()
    guard has("=") else { throw fail("an attribute without a value") }
    offset += 1
    skipSpace()
    guard offset < bytes.count, [UInt8(ascii: "\""), UInt8(ascii: "'")].contains(bytes[offset]) else {
      throw fail("an attribute without quotes")
    }
    let quote = bytes[offset]
    offset += 1
    while offset < bytes.count, bytes[offset] != quote { offset += 1 }
    guard offset < bytes.count else { throw fail("an attribute that does not end") }
    offset += 1
  }

  /// The name without its prefix.
  private mutating func name() throws(XMLError) -> String {
    let start = offset
    while offset < bytes.count, Self.isNamePart(bytes[offset]) { offset += 1 }
    if offset == start { throw fail("a name is missing") }
    if offset - start > Self.nameBytesMax { throw fail("a name of more than \(Self.nameBytesMax) bytes") }
    let name = try string(start..<offset)
    guard let colon = name.lastIndex(of: ":") else { return name }
    return String(name[name.index(after: colon)...])
  }

  private func string(_ range: Range<Int>) throws(XMLError) -> String {
    guard let text = String(validating: bytes.part(range), as: UTF8.self) else { throw fail("it is not UTF-8") }
    return text
  }

  private mutating func skipSpace() { while offset < bytes.count, Self.isSpace(bytes[offset]) { offset += 1 } }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: ":"),
      0x80...0xff:
      true
    default: false
    }
  }
}

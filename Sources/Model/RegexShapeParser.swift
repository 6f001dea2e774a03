enum RegexPiece: Sendable, Equatable {
  case text([UInt8])
  /// `.*` or `.+`.
  case gap(least: Int)
  /// `^` and `$`, which say nothing at the ends of a pattern that is anchored anyway.
  case begin, end
}

// Reads the part of the regular expression language that `RegexShape` knows, and multiplies it out: characters, escaped
// punctuation, `.*`, `.+`, groups, alternation, `?`, small classes of ASCII characters. At the first thing it does not
// know it gives up, so it never has to judge whether a pattern is right.
struct RegexShapeParser {
  private let bytes: [UInt8]
  private var at = 0

  private static let depthMax = 32

  init(_ pattern: String) { bytes = Array(pattern.utf8) }

  /// The alternatives of the whole pattern; nil where it has other parts.
  mutating func parse() -> [[RegexPiece]]? {
    guard let alternatives = alternation(depth: 0), at == bytes.count else { return nil }
    return alternatives
  }

  private func peek() -> UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func take(_ byte: UInt8) -> Bool {
    if peek() != byte { return false }
    at += 1
    return true
  }

  private mutating func alternation(depth: Int) -> [[RegexPiece]]? {
    if depth > RegexShapeParser.depthMax { return nil }
    guard var alternatives = concatenation(depth: depth) else { return nil }
    while take(UInt8(ascii: "|")) {
      guard let more = concatenation(depth: depth) else { return nil }
      alternatives += more
      if alternatives.count > RegexShape.alternativeCountMax { return nil }
    }
    return alternatives
  }

  private mutating func concatenation(depth: Int) -> [[RegexPiece]]? {
    var product: [[RegexPiece]] = [[]]
    while let byte = peek(), byte != UInt8(ascii: "|"), byte != UInt8(ascii: ")") {
      guard let choices = repeated(depth: depth) else { return nil }
      if choices.count == 1 {
        for index in product.indices { RegexShapeParser.append(choices[0], to: &product[index]) }
      } else if product == [[]] {
        product = choices
      } else {
        if product.count * choices.count > RegexShape.productCountMax { return nil }
        product = product.flatMap { before in
          choices.map { choice in
            var whole = before
            RegexShapeParser.append(choice, to: &whole)
            return whole
          }
        }
      }
    }
    return product
  }

  /// Joins texts, so that a literal of many characters stays one piece.
  private static func append(_ pieces: [RegexPiece], to whole: inout [RegexPiece]) {
    for piece in pieces {
      if case .text(let more) = piece, case .text(var text)? = whole.last {
        whole.removeLast()
        text += more
        whole.append(.text(text))
      } else {
        whole.append(piece)
      }
    }
  }

  /// One atom and the `?` behind it.
  private mutating func repeated(depth: Int) -> [[RegexPiece]]? {
    guard var choices = atom(depth: depth) else { return nil }
    var isOptional = false
    if take(UInt8(ascii: "?")) {
      if choices.contains(where: { $0.contains(.begin) || $0.contains(.end) }) { return nil }
      _ = take(UInt8(ascii: "?"))
      isOptional = true
    }
    if let byte = peek(), isRepetition(byte) { return nil }
    if isOptional { choices.append([]) }
    return choices
  }

  private func isRepetition(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: "*") || byte == UInt8(ascii: "+") || byte == UInt8(ascii: "?") || byte == UInt8(ascii: "{")
  }

  private mutating func atom(depth: Int) -> [[RegexPiece]]? {
    let byte = bytes[at]
    at += 1
    switch byte {
    case UInt8(ascii: "."): return gap()
    case UInt8(ascii: "("): return group(depth: depth)
    case UInt8(ascii: "["): return characterClass()
    case UInt8(ascii: "^"): return [[.begin]]
    case UInt8(ascii: "$"): return [[.end]]
    case UInt8(ascii: "\\"): return punctuation().map { [[.text([$0])]] }
    case UInt8(ascii: "*"), UInt8(ascii: "+"), UInt8(ascii: "?"), UInt8(ascii: "{"), UInt8(ascii: "}"),
      UInt8(ascii: "]"):
      return nil
    default: return character(byte).map { [[.text($0)]] }
    }
  }

  private mutating func gap() -> [[RegexPiece]]? {
    let least: Int
    if take(UInt8(ascii: "*")) {
      least = 0
    } else if take(UInt8(ascii: "+")) {
      least = 1
    } else {
      return nil
    }
    // Which match is preferred makes no difference to whether there is one. `.*??` is an error that RE2 words.
    _ = take(UInt8(ascii: "?"))
    return peek().map(isRepetition) == true ? nil : [[.gap(least: least)]]
  }

  private mutating func group(depth: Int) -> [[RegexPiece]]? {
    if take(UInt8(ascii: "?")), !take(UInt8(ascii: ":")) { return nil }
    guard let alternatives = alternation(depth: depth + 1), take(UInt8(ascii: ")")) else { return nil }
    return alternatives
  }

  /// An escaped ASCII character that stands for itself.
  private mutating func punctuation() -> UInt8? {
    guard let byte = peek() else { return nil }
    switch byte {
    case 0x21...0x2f, 0x3a...0x40, 0x5b...0x5e, 0x60, 0x7b...0x7e:
      at += 1
      return byte
    default: return nil
    }
  }

  /// The bytes of the character that begins with `lead`.
  private mutating func character(_ lead: UInt8) -> [UInt8]? {
    let length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
    guard at - 1 + length <= bytes.count else { return nil }
    defer { at += length - 1 }
    return Array(bytes[(at - 1)..<(at - 1 + length)])
  }

  /// `[abc]`, `[0-9]`: listed ASCII letters, digits and a few signs.
  private mutating func characterClass() -> [[RegexPiece]]? {
    var members: Set<UInt8> = []
    while !take(UInt8(ascii: "]")) {
      guard let low = classMember() else { return nil }
      var high = low
      if take(UInt8(ascii: "-")) {
        guard let end = classMember(), end >= low else { return nil }
        high = end
      }
      members.formUnion(low...high)
    }
    return members.isEmpty ? nil : members.sorted().map { [.text([$0])] }
  }

  private mutating func classMember() -> UInt8? {
    guard let byte = peek() else { return nil }
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"),
      UInt8(ascii: ","), UInt8(ascii: " "):
      at += 1
      return byte
    default: return nil
    }
  }
}

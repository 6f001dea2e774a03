/// A text with `$1`, `${1}`, `$name`, `${name}` and `$$`, taken apart once and expanded with the groups of a match.
/// Immutable. By the rules of Go's regexp: a name is as long as it can be, so `$1x` is the group called `1x`; a group
/// that is not there or took no part is nothing; a dollar before anything else stays.
package struct ReplacementTemplate: Sendable {
  enum Part: Sendable, Equatable {
    case text([UInt8])
    case group(Int)
  }

  let parts: [Part]

  /// The text, where there is nothing to expand.
  var constant: [UInt8]? {
    switch parts.count {
    case 0: []
    case 1: if case .text(let text) = parts[0] { text } else { nil }
    default: nil
    }
  }

  package init(_ template: String, groupCount: Int, group: (String) -> Int?) {
    var parts: [Part] = []
    var text: [UInt8] = []
    var rest = template.unicodeScalars[...]
    while let scalar = rest.popFirst() {
      guard scalar == "$" else {
        text += Array(String(scalar).utf8)
        continue
      }
      if rest.first == "$" {
        rest.removeFirst()
        text.append(UInt8(ascii: "$"))
      } else if let name = ReplacementTemplate.name(&rest) {
        let number = ReplacementTemplate.number(name)
        guard let index = number ?? group(name), index <= groupCount else { continue }
        if !text.isEmpty { parts.append(.text(text)) }
        text = []
        parts.append(.group(index))
      } else {
        text.append(UInt8(ascii: "$"))
      }
    }
    if !text.isEmpty { parts.append(.text(text)) }
    self.parts = parts
  }

  /// `ranges` are the groups of a match in `source`.
  func expand(_ source: LentBytes, _ ranges: [Range<Int>?]) -> [UInt8] {
    var result: [UInt8] = []
    expand(source, ranges, into: &result)
    return result
  }

  /// Appends the text to `result`.
  package func expand(_ source: LentBytes, _ ranges: [Range<Int>?], into result: inout [UInt8]) {
    for part in parts {
      switch part {
      case .text(let text): result += text
      case .group(let index):
        if index < ranges.count, let range = ranges[index] { result += source[range] }
      }
    }
  }

  /// How long the text would be, which may be far more than there is memory for.
  package func byteCount(_ ranges: [Range<Int>?]) -> Int {
    var count = 0
    for part in parts {
      switch part {
      case .text(let text): count += text.count
      case .group(let index): if index < ranges.count, let range = ranges[index] { count += range.count }
      }
    }
    return count
  }

  /// Takes the name behind a dollar; nil, and nothing taken, where there is none.
  private static func name(_ rest: inout Substring.UnicodeScalarView) -> String? {
    var ahead = rest
    let isBraced = ahead.first == "{"
    if isBraced { ahead.removeFirst() }
    var name = String.UnicodeScalarView()
    while let scalar = ahead.first, isNamePart(scalar) {
      name.append(scalar)
      ahead.removeFirst()
    }
    if name.isEmpty { return nil }
    if isBraced {
      guard ahead.first == "}" else { return nil }
      ahead.removeFirst()
    }
    rest = ahead
    return String(name)
  }

  private static func isNamePart(_ scalar: Unicode.Scalar) -> Bool {
    if scalar == "_" { return true }
    switch scalar.properties.generalCategory {
    case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter, .decimalNumber:
      return true
    default: return false
    }
  }

  /// The number a name is; nil where it is a word: not only digits, a leading zero, or a hundred million and more.
  private static func number(_ name: String) -> Int? {
    let digits = Array(name.utf8)
    guard digits.count <= 8, digits.allSatisfy({ (0x30...0x39).contains($0) }), digits.count == 1 || digits[0] != 0x30
    else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }
}

import Format
import Model

/// Texts that functions of templates make of texts. Pure.
enum TemplateText {
  /// The first letter of each word large, the others as they are. Words are parted as Unicode parts them: apostrophes and
  /// dots within a word, digits and underscores do not part.
  static func title(_ text: [UInt8]) -> [UInt8] {
    let scalars = Array(String(decoding: text, as: UTF8.self).unicodeScalars)
    var result = String.UnicodeScalarView()
    var isInWord = false
    for (place, scalar) in scalars.enumerated() {
      if isCased(scalar) {
        if isInWord {
          result.append(scalar)
        } else {
          result.append(contentsOf: scalar.properties.titlecaseMapping.unicodeScalars)
        }
        isInWord = true
      } else {
        result.append(scalar)
        if isLetterOrDigit(scalar) || isMark(scalar) || scalar == "_" { continue }
        let follows = place + 1 < scalars.count && scalars[place + 1].properties.isAlphabetic
        let isBetween = "'.’·:․﹒＇．︓﹕：‧".unicodeScalars.contains(scalar) && follows && place > 0
        if !(isInWord && isBetween && isLetterOrMark(scalars[place - 1])) { isInWord = false }
      }
    }
    return Array(String(result).utf8)
  }

  private static func isCased(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.isCased }

  private static func isMark(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .spacingMark, .format: true
    default: false
    }
  }

  private static func isLetterOrMark(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || isMark(scalar)
  }

  private static func isLetterOrDigit(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || scalar.properties.generalCategory == .decimalNumber
  }

  /// The page of an expression: the graph is tab 0, the table tab 1.
  static func link(_ expression: [UInt8], tab: Int) -> [UInt8] {
    let escaped = PercentText.encodeForm(String(decoding: expression, as: UTF8.self))
    return Array("/graph?g0.expr=\(escaped)&g0.tab=\(tab)".utf8)
  }

  /// The path of a URL, its escapes read; empty where it has none.
  static func path(ofURL url: String) -> [UInt8] {
    var rest = Array(url.utf8)[...]
    if let colon = rest.firstIndex(of: UInt8(ascii: ":")), rest[colon...].starts(with: "://".utf8) {
      rest = rest[(colon + 3)...].drop { !"/?#".utf8.contains($0) }
    }
    return PercentText.decode(rest.prefix { !"?#".utf8.contains($0) })
  }

  /// As Go quotes a pattern that it refuses: in backquotes where they can hold it.
  static func quoted(_ text: [UInt8]) -> String {
    let isPlain = text.allSatisfy { ($0 >= 0x20 || $0 == 9) && $0 != UInt8(ascii: "`") && $0 != 0x7f }
    if isPlain, UTF8Text.isValid(text) { return "`\(String(decoding: text, as: UTF8.self))`" }
    return QuotedText.go(text[...], bytesMax: 1024)
  }
}

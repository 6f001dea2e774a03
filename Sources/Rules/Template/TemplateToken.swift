import Model

/// A piece of a template as the lexer tells it apart. A value.
struct TemplateToken {
  enum Kind: Equatable {
    case error, bool, character, characterConstant, complex, declare, assign, end, field, identifier
    case leftDelimiter, leftParenthesis, number, pipe, rawString, rightDelimiter, rightParenthesis, space
    case string, text, variable, dot
    case block, breakWord, continueWord, define, elseWord, endWord, ifWord, nilWord, range, template, with

    var isKeyword: Bool {
      switch self {
      case .dot, .block, .breakWord, .continueWord, .define, .elseWord, .endWord, .ifWord, .nilWord, .range,
        .template, .with:
        true
      default: false
      }
    }
  }

  var kind: Kind
  /// The place of its first byte.
  var position: Int
  /// Its bytes; of an error the message.
  var text: ArraySlice<UInt8>
  var line: Int

  static let keywords: [String: Kind] = [
    "block": .block, "break": .breakWord, "continue": .continueWord, "define": .define, "else": .elseWord,
    "end": .endWord, "if": .ifWord, "nil": .nilWord, "range": .range, "template": .template, "with": .with,
  ]

  var string: String { String(decoding: text, as: UTF8.self) }

  /// The token as errors have it: keywords in angle brackets, anything else in quotes, the first ten characters of it.
  var shown: String {
    switch kind {
    case .end: return "EOF"
    case .error: return string
    case _ where kind.isKeyword: return "<\(string)>"
    default:
      if text.count <= 10 { return QuotedText.go(text, bytesMax: .max) }
      let start = String(decoding: text, as: UTF8.self).unicodeScalars.prefix(10)
      return QuotedText.go(Array(String(start).utf8)[...], bytesMax: .max) + "..."
    }
  }
}

import Model

/// Alertmanager's way of writing matchers: `severity="page"`, `{job=~"a|b", team!=x}`. Pure.
enum MatcherText {
  /// Nil where the text is none.
  static func parse(_ text: String) -> [Matcher]? {
    var rest = Substring(text).trimmed
    if rest.hasPrefix("{") {
      guard rest.hasSuffix("}"), rest.count >= 2 else { return nil }
      rest = rest.dropFirst().dropLast().trimmed
    }
    var matchers: [Matcher] = []
    while !rest.isEmpty {
      guard let matcher = matcher(&rest) else { return nil }
      matchers.append(matcher)
      rest = rest.trimmed
      if rest.isEmpty { break }
      guard rest.first == "," else { return nil }
      rest = rest.dropFirst().trimmed
    }
    return matchers
  }

  private static func matcher(_ rest: inout Substring) -> Matcher? {
    let name: String
    if rest.first == "\"" {
      guard let quoted = quotedText(&rest) else { return nil }
      name = quoted
    } else {
      let plain = rest.prefix { !"=!~,{}\"'`\\".contains($0) && !$0.isWhitespace }
      name = String(plain)
      rest = rest.dropFirst(plain.count)
    }
    rest = rest.trimmed
    let operators: [(String, MatchKind)] = [
      ("=~", .regex), ("!~", .notRegex), ("!=", .notEqual), ("=", .equal),
    ]
    guard !name.isEmpty, let (text, kind) = operators.first(where: { rest.hasPrefix($0.0) }) else { return nil }
    rest = rest.dropFirst(text.count).trimmed
    let value: String
    if rest.first == "\"" {
      guard let quoted = quotedText(&rest) else { return nil }
      value = quoted
    } else {
      let plain = rest.prefix { $0 != "," && $0 != "\"" }
      rest = rest.dropFirst(plain.count)
      value = String(plain.trimmed)
    }
    return Matcher(kind, name, value)
  }

  /// A text in double quotes, which it steps over.
  private static func quotedText(_ rest: inout Substring) -> String? {
    var text = ""
    var isEscaped = false
    var place = rest.index(after: rest.startIndex)
    while place < rest.endIndex {
      let character = rest[place]
      place = rest.index(after: place)
      if isEscaped {
        switch character {
        case "n": text.append("\n")
        case "\"", "\\": text.append(character)
        default: text += "\\\(character)"
        }
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "\"" {
        rest = rest[place...]
        return text
      } else {
        text.append(character)
      }
    }
    return nil
  }
}

extension Substring {
  fileprivate var trimmed: Substring {
    var text = self
    while text.first?.isWhitespace ?? false { text.removeFirst() }
    while text.last?.isWhitespace ?? false { text.removeLast() }
    return text
  }
}

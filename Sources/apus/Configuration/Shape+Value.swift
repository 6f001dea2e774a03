import Format
import Model
import Query

extension Shape {
  /// The typed value of a scalar; nil where it does not have this shape.
  func value(_ scalar: YAMLScalar) -> ConfigurationValue? {
    let text = scalar.isNull ? "" : scalar.text
    switch self {
    case .text, .names: return .text(text)
    case .secret: return .secret(text)
    case .url: return isURL(text) ? .url(text) : nil
    case .address: return .url(text)
    case .boolean: return scalar.boolean.map { .boolean($0) }
    case .duration: return DurationText.parse(text).map { .milliseconds($0) }
    case .size: return ByteSizeText.parse(text).flatMap { $0 < 0 ? nil : .bytes($0) }
    case .integer(let range): return scalar.integer.flatMap { range.contains($0) ? .integer($0) : nil }
    case .number(let range): return scalar.float.flatMap { range.contains($0) ? .number($0) : nil }
    case .choice(let words): return words.contains(text) ? .text(text) : nil
    case .word(let words): return words.contains(text.lowercased()) ? .text(text) : nil
    case .regex: return RegexSyntax.isValid(text) ? .text(text) : nil
    case .selector:
      if text.isEmpty { return .selector(text, []) }
      return (try? SelectorText.compile(text)).map { .selector(text, $0) }
    case .workspaceID: return isWorkspaceID(text) ? .text(text) : nil
    case .shortText(let charactersMax): return text.unicodeScalars.count <= charactersMax ? .text(text) : nil
    case .filePattern: return isFilePattern(text) ? .text(text) : nil
    case .labelName: return text.isEmpty ? nil : .text(text)
    case .listenAddress: return ListenAddress(text) == nil ? nil : .text(text)
    case .list, .map, .labels, .section: return nil
    }
  }

  /// The description of a valid value, for an error message.
  var expected: String {
    switch self {
    case .text, .secret, .address: "a text"
    case .url: "a URL"
    case .boolean: "true or false"
    case .duration: "a duration such as 30s, 1h30m or 15d"
    case .size: "a size with a unit such as 512MB or 10GiB"
    case .integer(let range):
      switch (range.lowerBound, range.upperBound) {
      case (.min, _): "a whole number"
      case (let lowest, .max): "a whole number from \(lowest)"
      default: "a whole number from \(range.lowerBound) to \(range.upperBound)"
      }
    case .number(let range):
      range.lowerBound.isInfinite
        ? "a number" : "a number from \(numberText(range.lowerBound)) to \(numberText(range.upperBound))"
    case .choice(let words), .word(let words):
      "one of " + words.filter { !$0.isEmpty }.joined(separator: ", ")
    case .regex: "a regular expression"
    case .selector: "a PromQL selector"
    case .workspaceID: "1 to 64 letters, digits, dashes and underscores, the first a letter or digit"
    case .shortText(let charactersMax): "a text of at most \(charactersMax) characters"
    case .filePattern: "a file, with stars only after the last slash"
    case .labelName: "a label name"
    case .listenAddress: "host:port or :port"
    case .names: "names separated by commas"
    case .list: "a list"
    case .map, .labels: "keys and values"
    case .section: "a section"
    }
  }

  /// The reason why `text` is no expression of the shape's language; nil where it is one, and for other shapes.
  func languageFault(_ text: String) -> String? {
    switch self {
    case .regex: return RegexSyntax.fault(text)
    case .selector:
      do throws(SelectorFault) {
        _ = try SelectorText.compile(text)
        return nil
      } catch { return "not a selector: \(error)" }
    default: return nil
    }
  }

  /// True if an empty scalar is a value of this shape.
  var isTextual: Bool {
    switch self {
    case .text, .secret, .shortText, .selector: true
    default: false
    }
  }
}

private func isWorkspaceID(_ text: String) -> Bool {
  func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "A")...UInt8(ascii: "Z"):
      true
    default: false
    }
  }
  guard let first = text.utf8.first, isPlain(first), text.utf8.count <= 64 else { return false }
  return text.utf8.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
}

/// A number of the schema, without a fraction of zero.
private func numberText(_ number: Double) -> String {
  number == number.rounded() ? "\(Int(number))" : "\(number)"
}

/// True for a text without blanks and control characters, not empty, whose port, if it has one, is a number.
private func isURL(_ text: String) -> Bool {
  guard !text.isEmpty, text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7f }) else { return false }
  guard let scheme = text.firstRange(of: "://") else { return !text.hasPrefix(":") }
  let name = text[..<scheme.lowerBound]
  guard let first = name.first, first.isASCII, first.isLetter,
    name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) })
  else { return false }
  var host = text[scheme.upperBound...].prefix { $0 != "/" && $0 != "?" && $0 != "#" }
  if let at = host.lastIndex(of: "@") { host = host[host.index(after: at)...] }
  if host.contains("[") != host.contains("]") { return false }
  guard let colon = host.lastIndex(of: ":"), !host[colon...].contains("]") else { return true }
  return host[host.index(after: colon)...].allSatisfy { $0.isASCII && $0.isNumber }
}

/// True by Prometheus's rule for a text without a star, or with stars and no slash behind them. False for an empty one.
private func isFilePattern(_ text: String) -> Bool {
  guard let star = text.firstIndex(of: "*") else { return !text.isEmpty }
  return !text[star...].contains("/")
}

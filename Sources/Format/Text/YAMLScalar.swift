// A scalar keeps its text; what type it has is asked for by whoever reads it. The rules are those of YAML 1.1 as
// Prometheus reads it: `yes`, `on` are booleans, `0x1f`, `0b101`, `017` and `1_000` are integers, `~` is null; quoted
// text is text.

package struct YAMLScalar: Sendable, Hashable {
  package var text: String
  /// Written without quotes and without a tag that makes it a string, so that it may be more than text.
  package var isPlain: Bool

  package init(_ text: String, isPlain: Bool = true) {
    self.text = text
    self.isPlain = isPlain
  }

  package var isNull: Bool { isPlain && ["", "~", "null", "Null", "NULL"].contains(text) }

  package var boolean: Bool? {
    guard isPlain else { return nil }
    switch text {
    case "true", "True", "TRUE", "yes", "Yes", "YES", "y", "Y", "on", "On", "ON": return true
    case "false", "False", "FALSE", "no", "No", "NO", "n", "N", "off", "Off", "OFF": return false
    default: return nil
    }
  }

  /// A whole number; one that is written as a float (`1e6`) counts where it is whole.
  package var integer: Int64? {
    guard isPlain, let first = text.utf8.first, first == 43 || first == 45 || first == 46 || isDigit(first) else {
      return nil
    }
    if let integer = YAMLScalar.integer(text.filter { $0 != "_" }) { return integer }
    guard let float, float == float.rounded(), abs(float) < 0x1p63 else { return nil }
    return Int64(float)
  }

  package var float: Double? {
    guard isPlain else { return nil }
    switch text {
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .infinity
    case "-.inf", "-.Inf", "-.INF": return -.infinity
    case ".nan", ".NaN", ".NAN": return .nan
    default: break
    }
    let digits = text.filter { $0 != "_" }
    if let integer = YAMLScalar.integer(digits) { return Double(integer) }
    // Only decimal digits: no `nan`, `infinity` or hexadecimal floats.
    guard digits.utf8.contains(where: isDigit),
      digits.utf8.allSatisfy({ isDigit($0) || [43, 45, 46, 69, 101].contains($0) })
    else { return nil }
    return Double(digits)
  }

  /// True if the plain text would be read as something else than text, so that a printer must quote it.
  package static func needsQuotes(_ text: String) -> Bool {
    let plain = YAMLScalar(text)
    return plain.isNull || plain.boolean != nil || plain.float != nil || text == "<<" || text == "="
  }

  private static func integer(_ text: String) -> Int64? {
    let isNegative = text.hasPrefix("-")
    let digits = isNegative || text.hasPrefix("+") ? text.dropFirst() : text[...]
    if digits.first == "+" || digits.first == "-" { return nil }
    let sign = isNegative ? "-" : ""
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0b", 2), ("0B", 2), ("0o", 8), ("0O", 8)]
    where digits.hasPrefix(prefix) {
      let rest = digits.dropFirst(2)
      return rest.first == "+" || rest.first == "-" ? nil : Int64(sign + rest, radix: radix)
    }
    if digits.count > 1, digits.hasPrefix("0"), let octal = Int64(sign + digits, radix: 8) { return octal }
    return Int64(sign + digits)
  }
}

private func isDigit(_ byte: UInt8) -> Bool { byte >= 48 && byte <= 57 }

import Model

/// The reason why a target's answer cannot be read, in Prometheus's words, and where.
package struct ExpositionError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The number of the line, from 1; 0 in a format without lines.
  package var line: Int
  package var problem: String

  package init(line: Int, problem: String) {
    self.line = line
    self.problem = problem
  }

  package var description: String { line > 0 ? "line \(line): \(problem)" : problem }
}

/// Bytes in double quotes as Go's `%q` has them: what cannot be printed is escaped, what is not UTF-8 becomes `\x..`.
enum EscapedText {
  /// Of longer texts only the beginning is told.
  static let bytesMax = 4096

  static func quoted(_ bytes: LentBytes) -> String {
    var result = "\""
    var rest = Array(bytes.prefix(bytesMax))[...]
    while let first = rest.first {
      guard let (scalar, length) = scalar(rest) else {
        result += "\\x" + hex(UInt32(first), digits: 2)
        rest.removeFirst()
        continue
      }
      append(scalar, to: &result)
      rest.removeFirst(length)
    }
    return result + (bytes.count > bytesMax ? "…\"" : "\"")
  }

  static func quoted(_ text: String) -> String { text.lend { quoted($0) } }

  private static func scalar(_ bytes: ArraySlice<UInt8>) -> (Unicode.Scalar, Int)? {
    guard let first = bytes.first else { return nil }
    if first < 0x80 { return (Unicode.Scalar(first), 1) }
    for length in 2...4 where bytes.count >= length {
      let part = Array(bytes.prefix(length))
      guard UTF8Text.isValid(part) else { continue }
      return String(decoding: part, as: UTF8.self).unicodeScalars.first.map { ($0, length) }
    }
    return nil
  }

  private static func append(_ scalar: Unicode.Scalar, to result: inout String) {
    switch scalar.value {
    case 0x22, 0x5c:
      result += "\\"
      result.unicodeScalars.append(scalar)
    case 7: result += "\\a"
    case 8: result += "\\b"
    case 9: result += "\\t"
    case 10: result += "\\n"
    case 11: result += "\\v"
    case 12: result += "\\f"
    case 13: result += "\\r"
    case ..<0x20, 0x7f: result += "\\x" + hex(scalar.value, digits: 2)
    case _ where isPrintable(scalar): result.unicodeScalars.append(scalar)
    case ..<0x10000: result += "\\u" + hex(scalar.value, digits: 4)
    default: result += "\\U" + hex(scalar.value, digits: 8)
    }
  }

  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value < 0x7f { return true }
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator,
      .paragraphSeparator:
      return false
    default: return true
    }
  }

  private static func hex(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }
}

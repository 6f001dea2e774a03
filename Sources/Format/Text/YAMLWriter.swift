/// Prints nodes as YAML in block style, two spaces a level, lists at their key's own indent: the form Prometheus prints
/// its configuration in. What is printed reads back as the same tree.
package enum YAMLWriter {
  package static func text(_ node: YAMLNode) -> String {
    var text = ""
    switch node.content {
    case .scalar(let scalar): text = spelled(scalar) + "\n"
    case .sequence(let nodes) where nodes.isEmpty: text = "[]\n"
    case .mapping(let entries) where entries.isEmpty: text = "{}\n"
    default: write(node, indent: 0, isInline: false, &text)
    }
    return text
  }

  /// Writes a list or section that is not empty. `isInline`: the first line's indent is already written (`- `).
  private static func write(_ node: YAMLNode, indent: Int, isInline: Bool, _ text: inout String) {
    let margin = String(repeating: " ", count: indent)
    var isFirst = isInline
    switch node.content {
    case .mapping(let entries):
      for entry in entries {
        text += (isFirst ? "" : margin) + spelled(YAMLScalar(entry.key, isPlain: false)) + ":"
        isFirst = false
        writeValue(entry.value, indent: indent, &text)
      }
    case .sequence(let nodes):
      for node in nodes {
        text += (isFirst ? "" : margin) + "-"
        isFirst = false
        if isBlock(node) {
          text += " "
          write(node, indent: indent + 2, isInline: true, &text)
        } else {
          text += " " + inline(node) + "\n"
        }
      }
    case .scalar: text += inline(node) + "\n"
    }
  }

  private static func writeValue(_ value: YAMLNode, indent: Int, _ text: inout String) {
    guard isBlock(value) else {
      text += " " + inline(value) + "\n"
      return
    }
    text += "\n"
    if case .sequence = value.content {
      write(value, indent: indent, isInline: false, &text)
    } else {
      write(value, indent: indent + 2, isInline: false, &text)
    }
  }

  private static func isBlock(_ node: YAMLNode) -> Bool {
    switch node.content {
    case .scalar: false
    case .sequence(let nodes): !nodes.isEmpty
    case .mapping(let entries): !entries.isEmpty
    }
  }

  private static func inline(_ node: YAMLNode) -> String {
    switch node.content {
    case .scalar(let scalar): spelled(scalar)
    case .sequence: "[]"
    case .mapping: "{}"
    }
  }

  /// A scalar as it is written: as it is where it is more than text; text in quotes where it would read as something else (a
  /// plain text of several
  /// lines is one too).
  private static func spelled(_ scalar: YAMLScalar) -> String {
    if scalar.isPlain && YAMLScalar.needsQuotes(scalar.text) { return scalar.text.isEmpty ? "null" : scalar.text }
    return isSafePlain(scalar.text) ? scalar.text : quoted(scalar.text)
  }

  private static func isSafePlain(_ text: String) -> Bool {
    guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last,
      !YAMLScalar.needsQuotes(text), !isIndicator(first), last != ":", last != " ", first != " "
    else { return false }
    var previous: Unicode.Scalar = " "
    for scalar in text.unicodeScalars {
      if scalar.value < 0x20 || (scalar.value >= 0x7f && !isPrintable(scalar)) { return false }
      if scalar == " " && previous == ":" || scalar == "#" && previous == " " { return false }
      previous = scalar
    }
    return !text.hasPrefix("---") && !text.hasPrefix("...")
  }

  private static func isIndicator(_ scalar: Unicode.Scalar) -> Bool {
    "-?:,[]{}#&*!|>'\"%@`=".unicodeScalars.contains(scalar)
  }

  /// True if libyaml writes the scalar as it is, beyond ASCII.
  private static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff: false
    case 0xa0...0xd7ff, 0xe000...0xfffd, 0x10000...0x10ffff: true
    default: false
    }
  }

  private static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\t": result += "\\t"
      case "\r": result += "\\r"
      case " "..."~": result.unicodeScalars.append(scalar)
      default:
        if isPrintable(scalar) {
          result.unicodeScalars.append(scalar)
        } else {
          let digits = String(scalar.value, radix: 16)
          let (letter, width) = scalar.value < 0x100 ? ("x", 2) : scalar.value < 0x10000 ? ("u", 4) : ("U", 8)
          result += "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
        }
      }
    }
    return result + "\""
  }
}

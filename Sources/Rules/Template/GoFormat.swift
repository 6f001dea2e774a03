import Model
import PromQL

/// Go's `printf`: verbs, flags, widths and precisions, and its marks for what does not fit. Used once.
struct GoFormat {
  /// The largest width or precision; Go ignores larger ones.
  static let widthMax = 1_000_000

  struct Flags {
    var minus = false
    var plus = false
    var sharp = false
    var space = false
    var zero = false
    var width: Int?
    var precision: Int?
  }

  let operands: [TemplateValue]
  let context: TemplateContext
  /// Bytes after which the output is cut; whoever asked refuses it then.
  let bytesMax: Int
  var output: [UInt8] = []
  var flags = Flags()
  private var place = 0
  private var isReordered = false
  private var isGoodIndex = true

  init(_ operands: [TemplateValue], context: TemplateContext, bytesMax: Int) {
    self.operands = operands
    self.context = context
    // One more than the most is counted with.
    self.bytesMax = min(bytesMax, .max - 1)
  }

  mutating func format(_ format: [UInt8]) -> [UInt8] {
    var rest = format[...]
    isReordered = false
    while !rest.isEmpty, output.count <= bytesMax {
      let plain = rest.prefix { $0 != UInt8(ascii: "%") }
      output += plain
      rest = rest.dropFirst(plain.count)
      if rest.isEmpty { break }
      rest = rest.dropFirst()
      verb(&rest)
    }
    if !isReordered, place < operands.count { appendExtra() }
    return output
  }

  private mutating func verb(_ rest: inout ArraySlice<UInt8>) {
    flags = Flags()
    isGoodIndex = true
    while let byte = rest.first, "#0+- ".utf8.contains(byte) {
      switch byte {
      case UInt8(ascii: "#"): flags.sharp = true
      case UInt8(ascii: "0"): flags.zero = true
      case UInt8(ascii: "+"): flags.plus = true
      case UInt8(ascii: "-"): flags.minus = true
      default: flags.space = true
      }
      rest = rest.dropFirst()
    }
    var isAfterIndex = index(&rest)
    if rest.first == UInt8(ascii: "*") {
      rest = rest.dropFirst()
      flags.width = starOperand()
      if flags.width == nil { output += "%!(BADWIDTH)".utf8 }
      if let width = flags.width, width < 0 {
        flags.width = -width
        flags.minus = true
        flags.zero = false
      }
      isAfterIndex = false
    } else {
      flags.width = number(&rest)
      if isAfterIndex, flags.width != nil { isGoodIndex = false }
    }
    if rest.first == UInt8(ascii: ".") {
      rest = rest.dropFirst()
      if isAfterIndex { isGoodIndex = false }
      isAfterIndex = index(&rest)
      if rest.first == UInt8(ascii: "*") {
        rest = rest.dropFirst()
        flags.precision = starOperand().flatMap { $0 < 0 ? nil : $0 }
        if flags.precision == nil { output += "%!(BADPREC)".utf8 }
        isAfterIndex = false
      } else {
        flags.precision = number(&rest) ?? 0
      }
    }
    if !isAfterIndex { _ = index(&rest) }
    guard !rest.isEmpty else {
      output += "%!(NOVERB)".utf8
      return
    }
    let (rune, width) = UTF8Cursor.decode(rest)
    rest = rest.dropFirst(width)
    let verb = Unicode.Scalar(rune.value) ?? "\u{FFFD}"
    if verb == "%" {
      output.append(UInt8(ascii: "%"))
    } else if !isGoodIndex {
      output += "%!\(verb)(BADINDEX)".utf8
    } else if place >= operands.count {
      output += "%!\(verb)(MISSING)".utf8
    } else {
      place += 1
      print(operands[place - 1], verb: verb, isAtTop: true)
    }
  }

  /// `[3]`: the operand that is next. True where one stands there.
  private mutating func index(_ rest: inout ArraySlice<UInt8>) -> Bool {
    guard rest.first == UInt8(ascii: "[") else { return false }
    isReordered = true
    guard let close = rest.firstIndex(of: UInt8(ascii: "]")) else {
      isGoodIndex = false
      rest = rest.dropFirst()
      return false
    }
    var digits = rest[(rest.startIndex + 1)..<close]
    rest = rest[(close + 1)...]
    guard let number = number(&digits), digits.isEmpty, number >= 1, number <= operands.count else {
      isGoodIndex = false
      return true
    }
    place = number - 1
    return true
  }

  private func number(_ rest: inout ArraySlice<UInt8>) -> Int? {
    var value: Int?
    while let byte = rest.first, (48...57).contains(byte) {
      value = min((value ?? 0) * 10 + Int(byte - 48), GoFormat.widthMax + 1)
      rest = rest.dropFirst()
    }
    return value.flatMap { $0 > GoFormat.widthMax ? nil : $0 }
  }

  private mutating func starOperand() -> Int? {
    guard place < operands.count else { return nil }
    place += 1
    guard case .integer(let value) = operands[place - 1], value.magnitude <= UInt64(GoFormat.widthMax) else {
      return nil
    }
    return Int(value)
  }

  private mutating func appendExtra() {
    flags = Flags()
    output += "%!(EXTRA ".utf8
    for (index, value) in operands[place...].enumerated() {
      if index > 0 { output += ", ".utf8 }
      if value.isUntyped {
        output += "<nil>".utf8
      } else {
        output += "\(value.typeName)=".utf8
        print(value, isAtTop: true)
      }
    }
    output.append(UInt8(ascii: ")"))
  }

  /// Appends a text, filled up to the width.
  mutating func pad(_ text: [UInt8]) {
    guard let width = flags.width else {
      output += text
      return
    }
    let count = String(decoding: text, as: UTF8.self).unicodeScalars.count
    let missing = max(0, width - count)
    if output.count + missing > bytesMax {
      // Too long in any case: enough for that to be seen.
      output += repeatElement(0x20, count: max(0, bytesMax - output.count) + 1)
      return
    }
    if flags.minus {
      output += text
      output += repeatElement(0x20, count: missing)
    } else {
      output += repeatElement(flags.zero ? 48 : 0x20, count: missing)
      output += text
    }
  }

  mutating func pad(_ text: String) { pad(Array(text.utf8)) }

  static func hexadecimal(_ value: UInt32, digits: Int) -> String {
    let text = String(value, radix: 16, uppercase: true)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// True if Go takes a character for one that can be shown.
  static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .surrogate, .privateUse, .unassigned, .spaceSeparator, .lineSeparator,
      .paragraphSeparator:
      scalar == " "
    default: true
    }
  }
}

extension TemplateValue {
  /// True for a nil without a type.
  var isUntyped: Bool {
    switch self {
    case .missing, .null: true
    default: false
    }
  }
}

import Model
import PromQL

/// Values as Go prints them: `%v`, `print`, and what an action puts into the text. Pure.
enum GoPrint {
  /// Bytes after which a text is cut, far more than an expansion may have.
  private static let bytesMax = 64 << 20

  /// The value of an action: what lies at an address, not the address.
  static func bytes(of value: TemplateValue, _ context: TemplateContext = TemplateContext()) -> [UInt8] {
    switch value {
    case .float(let float):
      return Array(FloatText.general(float).utf8)
    case .missing: return Array("<no value>".utf8)
    default:
      var format = GoFormat([], context: context, bytesMax: GoPrint.bytesMax)
      format.print(value, isAtTop: false)
      return format.output
    }
  }

  static func text(of value: TemplateValue) -> String { String(decoding: bytes(of: value), as: UTF8.self) }

  /// `print`: blanks between operands where neither is a text.
  static func joined(_ values: [TemplateValue], _ context: TemplateContext) -> [UInt8] {
    var format = GoFormat([], context: context, bytesMax: GoPrint.bytesMax)
    for (place, value) in values.enumerated() {
      if place > 0, !isText(value), !isText(values[place - 1]) { format.output.append(0x20) }
      format.print(value, isAtTop: true)
    }
    return format.output
  }

  /// `println`: blanks between all operands, and a line break.
  static func line(_ values: [TemplateValue], _ context: TemplateContext) -> [UInt8] {
    var format = GoFormat([], context: context, bytesMax: GoPrint.bytesMax)
    for (place, value) in values.enumerated() {
      if place > 0 { format.output.append(0x20) }
      format.print(value, isAtTop: true)
    }
    return format.output + [10]
  }

  /// The operands of `html`, `js` and `urlquery`.
  static func plain(_ values: [TemplateValue], _ context: TemplateContext) -> [UInt8] {
    if values.count == 1 { return bytes(of: values[0], context) }
    var format = GoFormat([], context: context, bytesMax: GoPrint.bytesMax)
    for (place, value) in values.enumerated() {
      if place > 0, !isText(value), !isText(values[place - 1]) { format.output.append(0x20) }
      format.print(value, isAtTop: false)
    }
    return format.output
  }

  private static func isText(_ value: TemplateValue) -> Bool {
    switch value {
    case .text, .html: true
    default: false
    }
  }
}

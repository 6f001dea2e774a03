import Model

/// JSON text growing in one buffer, with the number forms of Prometheus's API. A value; reused by `removeAll`.
package struct JSONBuffer: Sendable {
  package private(set) var bytes: [UInt8] = []

  package init() {}

  package mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }

  mutating func append(_ part: UnsafeBufferPointer<UInt8>) { bytes.append(contentsOf: part) }

  /// Text that is JSON already.
  package mutating func raw(_ text: StaticString) {
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  package mutating func raw(_ text: String) { bytes.append(contentsOf: text.utf8) }

  package mutating func string(_ text: String) {
    var text = text
    text.withUTF8 { string(UnsafeRawBufferPointer($0)) }
  }

  /// A string literal of UTF-8 bytes as the labels of a series have it: what JSON demands is escaped, no more.
  package mutating func string(_ text: UnsafeRawBufferPointer) { string(text, isForPages: false) }

  /// A string literal that is safe inside a page, as Prometheus has every text but a series' labels: `<`, `>`, `&` and the
  /// two line separators that JavaScript cannot bear are escaped, too.
  package mutating func pageString(_ text: String) {
    var text = text
    text.withUTF8 { pageString(UnsafeRawBufferPointer($0)) }
  }

  package mutating func pageString(_ text: UnsafeRawBufferPointer) { string(text, isForPages: true) }

  private mutating func string(_ text: UnsafeRawBufferPointer, isForPages: Bool) {
    bytes.append(UInt8(ascii: "\""))
    var clean = 0
    for index in 0..<text.count {
      let byte = text[index]
      let isEscaped =
        byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")
        || isForPages && JSONBuffer.isSpecialInPages(text, index)
      if !isEscaped { continue }
      bytes.append(contentsOf: text[min(clean, index)..<index])
      clean = index + 1
      switch byte {
      case UInt8(ascii: "\""): raw("\\\"")
      case UInt8(ascii: "\\"): raw("\\\\")
      case 0x0a: raw("\\n")
      case 0x0d: raw("\\r")
      case 0x09: raw("\\t")
      case 0xe2:
        raw(text[index + 2] == 0xa8 ? "\\u2028" : "\\u2029")
        clean = index + 3
      default:
        raw("\\u00")
        bytes.append(JSONBuffer.hex[Int(byte >> 4)])
        bytes.append(JSONBuffer.hex[Int(byte & 15)])
      }
    }
    if clean < text.count { bytes.append(contentsOf: text[clean...]) }
    bytes.append(UInt8(ascii: "\""))
  }

  private static func isSpecialInPages(_ text: UnsafeRawBufferPointer, _ index: Int) -> Bool {
    switch text[index] {
    case UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "&"): true
    case 0xe2: index + 2 < text.count && text[index + 1] == 0x80 && text[index + 2] & 0xfe == 0xa8
    default: false
    }
  }

  /// A text as a JSON string literal that is safe inside a page.
  package static func quoted(_ text: String) -> String {
    var json = JSONBuffer()
    json.pageString(text)
    return String(decoding: json.bytes, as: UTF8.self)
  }

  private static let hex = Array("0123456789abcdef".utf8)

  package mutating func integer(_ value: some BinaryInteger) { raw(String(value)) }

  /// A sample's time: seconds, with three decimals where there are milliseconds.
  package mutating func timestamp(_ milliseconds: Int64) {
    if milliseconds < 0 { bytes.append(UInt8(ascii: "-")) }
    let magnitude = milliseconds.magnitude
    integer(magnitude / 1000)
    let rest = Int(magnitude % 1000)
    if rest == 0 { return }
    bytes.append(UInt8(ascii: "."))
    bytes.append(UInt8(48 + rest / 100))
    bytes.append(UInt8(48 + rest / 10 % 10))
    bytes.append(UInt8(48 + rest % 10))
  }

  /// The time of a scalar or a string: seconds as JSON has any number.
  package mutating func seconds(_ milliseconds: Int64) {
    FloatText.append(Double(milliseconds) / 1000, plainFrom: -6, below: 21, to: &bytes)
  }

  /// A scalar's value as the string the API has it in: never with an exponent.
  package mutating func plainValue(_ value: Double) {
    bytes.append(UInt8(ascii: "\""))
    FloatText.append(value, plainFrom: .min, below: .max, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  /// An alert's value as the string the API has it in: always with an exponent.
  package mutating func scientificValue(_ value: Double) {
    bytes.append(UInt8(ascii: "\""))
    FloatText.appendScientific(value, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }

  /// A sample's value as the string the API has it in: the shortest digits, plain from 1e-6 to below 1e21.
  package mutating func value(_ value: Double) {
    bytes.append(UInt8(ascii: "\""))
    FloatText.append(value, plainFrom: -6, below: 21, to: &bytes)
    bytes.append(UInt8(ascii: "\""))
  }
}

import Format
import Model

/// The value of an attribute as the value of a label. Pure.
enum OTLPValueText {
  static func text(of value: OTLPValue) -> String {
    switch value {
    case .none: ""
    case .string(let text): text
    case .bool(let isTrue): isTrue ? "true" : "false"
    case .integer(let number): "\(number)"
    case .double(let number): double(number)
    case .bytes(let bytes): Base64.encode(bytes)
    case .array, .map: json(value) ?? ""
    }
  }

  /// The number in plain digits, with a short exponent where they would be many; as JSON has it, which has no
  /// infinities.
  private static func double(_ number: Double) -> String {
    var bytes: [UInt8] = []
    FloatText.append(number, plainFrom: -6, below: 21, to: &bytes)
    let text = String(decoding: bytes, as: UTF8.self)
    if !number.isFinite { return "json: unsupported value: " + text }
    // An exponent of one digit is not written with two.
    guard let mark = text.range(of: "e-0") else { return text }
    return text[..<mark.lowerBound] + "e-" + text[mark.upperBound...]
  }

  /// The value as JSON; nil where a number in it has no JSON.
  private static func json(_ value: OTLPValue) -> String? {
    switch value {
    case .none: return "null"
    case .string(let text): return JSONBuffer.quoted(text)
    case .bool, .integer: return text(of: value)
    case .double(let number): return number.isFinite ? double(number) : nil
    case .bytes(let bytes): return JSONBuffer.quoted(Base64.encode(bytes))
    case .array(let values):
      let parts = values.map { json($0) }
      return parts.contains(nil) ? nil : "[" + parts.compactMap { $0 }.joined(separator: ",") + "]"
    case .map(let attributes):
      // Of several with one name the last, by the order of their bytes.
      let members = Dictionary(attributes.map { ($0.key, $0.value) }, uniquingKeysWith: { $1 })
      let parts = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map { member in
        json(member.value).map { JSONBuffer.quoted(member.key) + ":" + $0 }
      }
      return parts.contains(nil) ? nil : "{" + parts.compactMap { $0 }.joined(separator: ",") + "}"
    }
  }
}

extension String {
  /// The range of the first occurrence of `part`. For ASCII texts.
  fileprivate func range(of part: String) -> Range<String.Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(part) { return start..<index(start, offsetBy: part.count) }
      start = index(after: start)
    }
    return nil
  }
}

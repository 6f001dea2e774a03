import Format

/// Forms as Go's client writes and reads them: names in order, blanks as `+`.
enum FormText {
  static func encode(_ fields: [String: String]) -> String {
    fields.sorted { $0.key < $1.key }.map { "\(PercentText.encodeForm($0.key))=\(PercentText.encodeForm($0.value))" }
      .joined(separator: "&")
  }

  /// The first value of each name; nil where it is no form.
  static func decode(_ text: String) -> [String: String]? {
    var fields: [String: String] = [:]
    for pair in text.split(separator: "&") {
      let parts = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = unescaped(parts[0]), let value = unescaped(parts.count > 1 ? parts[1] : "") else { return nil }
      if fields[name] == nil { fields[name] = value }
    }
    return fields
  }

  private static func unescaped(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte == UInt8(ascii: "+") ? 0x20 : byte)
        continue
      }
      guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else {
        return nil
      }
      bytes.append(value)
      rest = rest.dropFirst(2)
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

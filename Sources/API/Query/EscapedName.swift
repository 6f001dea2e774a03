/// Label names that hold what a path cannot: `U__service_2e_name` is `service.name`. After the prefix a letter or digit
/// stands for itself, two underscores for one, and a number between underscores for the character of that hexadecimal code.
enum EscapedName {
  private static let prefix = Array("U__".utf8)
  private static let underscore = UInt8(ascii: "_")
  /// Unicode's last code point has six digits.
  private static let digitsMax = 6

  /// The name that `text` stands for; `text` itself where it is not escaped, or not well.
  static func unescaped(_ text: [UInt8]) -> [UInt8] {
    guard text.starts(with: prefix) else { return text }
    var name: [UInt8] = []
    var rest = text.dropFirst(prefix.count)
    while let byte = rest.popFirst() {
      guard byte == underscore else {
        name.append(byte)
        continue
      }
      let code = rest.prefix { $0 != underscore }
      rest = rest.dropFirst(code.count)
      // The closing underscore, or the second of two.
      guard rest.popFirst() != nil, code.count <= digitsMax else { return text }
      if code.isEmpty {
        name.append(underscore)
        continue
      }
      guard code.allSatisfy(isHexDigit), let number = UInt32(String(decoding: code, as: UTF8.self), radix: 16),
        let scalar = Unicode.Scalar(number)
      else { return text }
      name.append(contentsOf: String(Character(scalar)).utf8)
    }
    return name
  }

  private static func isHexDigit(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte) || (0x61...0x66).contains(byte)
  }
}

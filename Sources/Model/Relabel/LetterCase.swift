/// Lower and upper case letter by letter, as the rules `lowercase` and `uppercase` know it: a letter becomes one letter, so
/// that `ß` has no upper case.
package enum LetterCase {
  package static func lowercased(_ text: [UInt8]) -> [UInt8] {
    map(text, from: 0x41...0x5a) { scalar in
      // The one letter whose whole lower case is two and whose simple one is another.
      scalar == "\u{130}" ? "i" : single(scalar.properties.lowercaseMapping)
    }
  }

  package static func uppercased(_ text: [UInt8]) -> [UInt8] {
    map(text, from: 0x61...0x7a) { scalar in
      // Greek letters with a iota below: their simple upper case is the title case.
      single(scalar.properties.uppercaseMapping) ?? single(scalar.properties.titlecaseMapping)
    }
  }

  private static func map(
    _ text: [UInt8], from ascii: ClosedRange<UInt8>, _ change: (Unicode.Scalar) -> Unicode.Scalar?
  ) -> [UInt8] {
    if text.allSatisfy({ $0 < 0x80 }) { return text.map { ascii.contains($0) ? $0 ^ 0x20 : $0 } }
    var result: [UInt8] = []
    for scalar in String(decoding: text, as: UTF8.self).unicodeScalars {
      result += Array(String(change(scalar) ?? scalar).utf8)
    }
    return result
  }

  private static func single(_ text: String) -> Unicode.Scalar? {
    text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
  }
}

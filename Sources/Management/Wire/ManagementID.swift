/// The names that the API gives to what it makes. Pure.
package enum ManagementID {
  /// A random UUID (version 4) out of 128 bits.
  package static func uuid(_ high: UInt64, _ low: UInt64) -> String {
    let digits = Array(hex(high & ~0xf000 | 0x4000) + hex(low & ~(3 << 62) | 2 << 62))
    var text = ""
    for (place, digit) in digits.enumerated() {
      if [8, 12, 16, 20].contains(place) { text.append("-") }
      text.append(digit)
    }
    return text
  }

  private static func hex(_ number: UInt64) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 16 - digits.utf8.count) + digits
  }

  /// True for 1 to 32 small letters, digits and dashes.
  package static func isRegion(_ text: String) -> Bool {
    (1...32).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
          || byte == UInt8(ascii: "-")
      }
  }
}

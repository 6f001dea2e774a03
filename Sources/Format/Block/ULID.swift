/// The name of a block: a time in milliseconds and 80 random bits, as 26 letters that sort like the time.
package struct ULID: Hashable, Comparable, Sendable, CustomStringConvertible {
  /// Time in the upper 48 bits, the first 16 random bits below.
  package var high: UInt64
  package var low: UInt64

  package init(high: UInt64, low: UInt64) {
    self.high = high
    self.low = low
  }

  package init(milliseconds: Int64, using random: inout some RandomNumberGenerator) {
    let time = UInt64(clamping: milliseconds) & 0xffff_ffff_ffff
    high = time << 16 | UInt64(UInt16.random(in: 0...(.max), using: &random))
    low = random.next()
  }

  /// Nil where the text is none: 26 letters of Crockford's alphabet, the first at most 7. Small letters are taken too.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.count == 26 else { return nil }
    var high: UInt64 = 0
    var low: UInt64 = 0
    for (place, byte) in text.utf8.enumerated() {
      guard let digit = ULID.digit(byte), place > 0 || digit < 8 else { return nil }
      high = high << 5 | low >> 59
      low = low << 5 | digit
    }
    self.init(high: high, low: low)
  }

  package var milliseconds: Int64 { Int64(high >> 16) }

  package var description: String {
    var letters: [UInt8] = []
    for place in 0..<26 {
      let shift = 125 - 5 * place
      let digit =
        shift >= 64 ? high >> (shift - 64) : shift > 59 ? high << (64 - shift) | low >> shift : low >> shift
      letters.append(ULID.alphabet[Int(digit & 31)])
    }
    return String(decoding: letters, as: UTF8.self)
  }

  package static func < (left: ULID, right: ULID) -> Bool { (left.high, left.low) < (right.high, right.low) }

  private static let alphabet = Array("0123456789ABCDEFGHJKMNPQRSTVWXYZ".utf8)

  private static func digit(_ byte: UInt8) -> UInt64? {
    let upper = byte >= UInt8(ascii: "a") && byte <= UInt8(ascii: "z") ? byte - 32 : byte
    return alphabet.firstIndex(of: upper).map { UInt64($0) }
  }
}

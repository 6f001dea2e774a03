import Model

// A checksum within `meta.json`, in a member of its own that Prometheus and Thanos pass over: a flipped bit would else move the
// times of a block, and its samples at the border would be missing from answers. It is the CRC-32C of the file with its eight
// digits as zeros. A file that another program has written has none.
extension BlockMeta {
  package enum Seal: Sendable, Equatable { case none, whole, broken }

  static let sealMember = "\t\"apusChecksum\": \""
  static let sealDigits = 8

  /// The member before it has its digits.
  static var openSeal: String { sealMember + String(repeating: "0", count: sealDigits) + "\"," }

  /// Puts the digits into a text that has the member.
  static func sealed(_ text: [UInt8]) -> [UInt8] {
    guard let place = sealPlace(text) else { return text }
    var text = text
    let crc = text.withUnsafeBytes { checksum($0) }
    text.replaceSubrange(place, with: digits(crc))
    return text
  }

  package static func seal(of bytes: LentBytes) -> Seal {
    var text = Array(bytes)
    guard let place = sealPlace(text) else { return .none }
    let found = Array(text[place])
    text.replaceSubrange(place, with: repeatElement(UInt8(ascii: "0"), count: sealDigits))
    let crc = text.withUnsafeBytes { checksum($0) }
    return found == digits(crc) ? .whole : .broken
  }

  private static func digits(_ crc: UInt32) -> [UInt8] {
    let text = String(crc, radix: 16)
    return Array((String(repeating: "0", count: sealDigits - text.utf8.count) + text).utf8)
  }

  private static func sealPlace(_ text: [UInt8]) -> Range<Int>? {
    guard let member = text.firstRange(of: Array(sealMember.utf8)), text.count - member.upperBound >= sealDigits else {
      return nil
    }
    return member.upperBound..<(member.upperBound + sealDigits)
  }
}

import Platform

/// The name of a snapshot: its moment in UTC and a number, `20060102T150405Z-0123456789abcdef`. Prometheus's are the same.
package enum SnapshotName {
  static func make(milliseconds: Int64, number: UInt64) -> String {
    let moment = TimeText.text(milliseconds: milliseconds).prefix { $0 != "." }.filter { $0 != "-" && $0 != ":" }
    let digits = String(number >> 1, radix: 16)
    return moment + "Z-" + String(repeating: "0", count: 16 - digits.count) + digits
  }

  /// True if `text` is such a name, letter for letter; none of them leads out of a folder.
  package static func isName(_ text: String) -> Bool {
    func isDigit(_ byte: UInt8) -> Bool { byte >= 0x30 && byte <= 0x39 }
    func isHexDigit(_ byte: UInt8) -> Bool { isDigit(byte) || byte >= 0x61 && byte <= 0x66 }
    let bytes = Array(text.utf8)
    guard bytes.count == 33, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z"),
      bytes[16] == UInt8(ascii: "-")
    else { return false }
    return bytes[0..<8].allSatisfy(isDigit) && bytes[9..<15].allSatisfy(isDigit)
      && bytes[17...].allSatisfy(isHexDigit)
  }
}

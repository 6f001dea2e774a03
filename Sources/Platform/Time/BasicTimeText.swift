/// A time in the basic format of ISO 8601, `20150830T123600Z`, as signatures have it.
package enum BasicTimeText {
  package static func text(_ milliseconds: Int64) -> String {
    TimeText.text(milliseconds: milliseconds).prefix { $0 != "." }.filter { $0 != "-" && $0 != ":" } + "Z"
  }

  /// Milliseconds since 1970; nil where the text has another form.
  package static func parse(_ text: String) -> Int64? {
    let bytes = Array(text.utf8)
    guard bytes.count == 16, bytes[8] == UInt8(ascii: "T"), bytes[15] == UInt8(ascii: "Z") else { return nil }
    func part(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
    let date = "\(part(0..<4))-\(part(4..<6))-\(part(6..<8))"
    return RFC3339.parse("\(date)T\(part(9..<11)):\(part(11..<13)):\(part(13..<15))Z")
  }
}

/// Names of the domain name system as text and as wire bytes: labels with their lengths, the last one empty.
enum DNSName {
  /// The wire bytes of a text; nil where it is no name: an empty label, one of more than 63 bytes, more than 255 in all.
  static func wire(_ text: String) -> [UInt8]? {
    var wire: [UInt8] = []
    var label: [UInt8] = []
    var rest = Array(text.utf8)[...]
    if text == "." { return [0] }
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "."):
        guard close(&label, &wire) else { return nil }
      case UInt8(ascii: "\\"):
        guard let escaped = escaped(&rest) else { return nil }
        label.append(escaped)
      default: label.append(byte)
      }
    }
    if !label.isEmpty, !close(&label, &wire) { return nil }
    wire.append(0)
    return wire.count > 1 && wire.count <= 255 ? wire : nil
  }

  private static func close(_ label: inout [UInt8], _ wire: inout [UInt8]) -> Bool {
    guard (1...63).contains(label.count) else { return false }
    wire.append(UInt8(label.count))
    wire += label
    label = []
    return true
  }

  /// The byte that stands behind a backslash: three digits, or the byte itself.
  private static func escaped(_ rest: inout ArraySlice<UInt8>) -> UInt8? {
    let digits = rest.prefix(3)
    if digits.count == 3, digits.allSatisfy({ (48...57).contains($0) }) {
      rest.removeFirst(3)
      return UInt8(String(decoding: digits, as: UTF8.self))
    }
    return rest.popFirst()
  }

  /// The text of wire bytes, with the final dot; bytes that would mean something else are escaped.
  static func text(_ wire: [UInt8]) -> String {
    var text: [UInt8] = []
    var place = 0
    while place < wire.count, wire[place] > 0 {
      let end = min(place + 1 + Int(wire[place]), wire.count)
      for byte in wire[(place + 1)..<end] {
        switch byte {
        case 0x2e, 0x20, 0x27, 0x40, 0x3b, 0x28, 0x29, 0x22, 0x5c: text += [0x5c, byte]
        case 0x21...0x7e: text.append(byte)
        default:
          let digits = String(byte)
          text.append(0x5c)
          text += String(repeating: "0", count: 3 - digits.count).utf8
          text += digits.utf8
        }
      }
      text.append(0x2e)
      place = end
    }
    return text.isEmpty ? "." : String(decoding: text, as: UTF8.self)
  }
}

/// IP addresses as text.
enum IPText {
  static func v4(_ bytes: ArraySlice<UInt8>) -> String { bytes.map(String.init).joined(separator: ".") }

  /// The shortest form: the longest run of zeros is left out, the first of several (RFC 5952). One of IPv4 in sixteen bytes is
  /// written as that.
  static func v6(_ bytes: [UInt8]) -> String {
    precondition(bytes.count == 16, "an IPv6 address")
    if bytes[..<10].allSatisfy({ $0 == 0 }), bytes[10] == 0xff, bytes[11] == 0xff { return v4(bytes[12...]) }
    let groups = (0..<8).map { Int(bytes[2 * $0]) << 8 | Int(bytes[2 * $0 + 1]) }
    var best = 0..<0
    var start: Int?
    for place in 0...8 {
      if place < 8, groups[place] == 0 {
        start = start ?? place
      } else if let from = start {
        if place - from > max(best.count, 1) { best = from..<place }
        start = nil
      }
    }
    func text(_ groups: ArraySlice<Int>) -> String { groups.map { String($0, radix: 16) }.joined(separator: ":") }
    if best.isEmpty { return text(groups[...]) }
    return text(groups[..<best.lowerBound]) + "::" + text(groups[best.upperBound...])
  }

  /// `host:port`, a host with colons in brackets.
  static func join(_ host: String, _ port: Int) -> String {
    host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
  }
}

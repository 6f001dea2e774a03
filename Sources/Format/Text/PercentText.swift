import Model

/// Percent-encoding of parts of URLs and of forms: all but `A-Za-z0-9-._~` becomes `%XX`. Pure.
package enum PercentText {
  private static let digits = Array("0123456789ABCDEF".utf8)
  /// By byte: true if it stays as it is.
  private static let unreserved = (0...255).map { isUnreserved(UInt8($0)) }

  /// `kept`: what stays as it is besides.
  package static func encode(_ text: some Sequence<UInt8>, keeping kept: StaticString = "") -> String {
    var stays = unreserved
    kept.withUTF8Buffer { for byte in $0 { stays[Int(byte)] = true } }
    var encoded: [UInt8] = []
    encoded.reserveCapacity(text.underestimatedCount)
    for byte in text {
      if stays[Int(byte)] {
        encoded.append(byte)
      } else {
        encoded.append(UInt8(ascii: "%"))
        encoded.append(digits[Int(byte >> 4)])
        encoded.append(digits[Int(byte & 15)])
      }
    }
    return String(decoding: encoded, as: UTF8.self)
  }

  package static func encode(_ text: String, keeping kept: StaticString = "") -> String {
    encode(text.utf8, keeping: kept)
  }

  /// As Go's client writes queries and forms: a blank is `+`.
  package static func encodeForm(_ text: String) -> String {
    encode(text, keeping: " ").replacing(" ", with: "+")
  }

  /// The bytes behind the text; a `%` without two digits stands for itself.
  package static func decode(_ text: some Sequence<UInt8>) -> [UInt8] {
    let bytes = Array(text)
    var decoded: [UInt8] = []
    decoded.reserveCapacity(bytes.count)
    var index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "%"), index + 2 < bytes.count, let high = digit(bytes[index + 1]),
        let low = digit(bytes[index + 2])
      {
        decoded.append(high << 4 | low)
        index += 3
      } else {
        decoded.append(bytes[index])
        index += 1
      }
    }
    return decoded
  }

  /// A form's body, or a query: `name=value` pairs in their order.
  package static func form(_ pairs: [(name: String, value: String)]) -> String {
    pairs.map { "\(encode($0.name))=\(encode($0.value))" }.joined(separator: "&")
  }

  private static func isUnreserved(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
      true
    default: false
    }
  }

  private static func digit(_ byte: UInt8) -> UInt8? {
    switch byte {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
    case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
    default: nil
    }
  }
}

/// An answer as it came over the wire: a plain value.
package struct HTTPAnswer: Sendable {
  package var status: Int
  package var reason: String
  /// In the order sent; names as sent.
  package var headers: [(name: String, value: String)]
  package var body: [UInt8]

  package var text: String { String(decoding: body, as: UTF8.self) }

  /// The first header of that name, whatever the case of its letters.
  package func header(_ name: String) -> String? {
    headers.first { $0.name.lowercased() == name.lowercased() }?.value
  }

  /// What this answer says about the connection after it.
  package var keepsAlive: Bool { header("Connection")?.lowercased() != "close" }
}

/// What a client of the tests can run into.
package enum HTTPFailure: Error, Equatable {
  case cannotConnect(String)
  case timedOut
  /// The peer closed or reset the connection; `beforeAnswer` when not a byte of the answer had come.
  case closed(beforeAnswer: Bool)
  case malformed(String)
}

/// Text that is safe inside a query string.
package func percentEncoded(_ text: String) -> String {
  var encoded = ""
  for byte in text.utf8 {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."),
      UInt8(ascii: "~"):
      encoded.unicodeScalars.append(Unicode.Scalar(byte))
    default:
      let digits = String(byte, radix: 16, uppercase: true)
      encoded += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
    }
  }
  return encoded
}

import Model

/// The signature that a request carries, taken apart. Nothing of it is trusted yet.
package struct SignedRequest: Sendable, Equatable {
  package var accessKey: String
  /// `20150830`, as the scope has it.
  package var date: String
  package var region: String
  package var service: String
  package var terminator: String
  /// Names of the headers that it covers, in the order in which they were signed, as written.
  package let signedHeaders: String
  /// The names one by one.
  package let headerNames: [Substring]
  package var signature: [UInt8]

  /// A header covers at most so many others.
  package static let headersMax = 64

  /// Reads the header `Authorization`; its first word is `SigV4.algorithm`. The fields may stand in any order.
  package init(authorization text: some StringProtocol) throws(SignedRequestError) {
    var credential: String?
    var headers: String?
    var signature: String?
    // Bytes instead of characters: every signed request comes through here.
    let text = Array(text.utf8.dropFirst(SigV4.algorithm.utf8.count))
    for field in text.split(separator: UInt8(ascii: ",")) {
      let field = field.drop(while: Self.isBlank)
      guard let equals = field.firstIndex(of: UInt8(ascii: "=")) else { throw .malformed("a part of it has no =") }
      var rest = field[(equals + 1)...]
      while let last = rest.last, Self.isBlank(last) { rest.removeLast() }
      let value = String(decoding: rest, as: UTF8.self)
      switch String(decoding: field[..<equals], as: UTF8.self) {
      case "Credential" where credential == nil: credential = value
      case "SignedHeaders" where headers == nil: headers = value
      case "Signature" where signature == nil: signature = value
      default: throw .malformed("it has a part that is unknown or comes twice")
      }
    }
    guard let credential else { throw .missing("Credential") }
    guard let headers else { throw .missing("SignedHeaders") }
    guard let signature else { throw .missing("Signature") }
    try self.init(credential: credential, signedHeaders: headers, signature: signature)
  }

  package init(
    credential: some StringProtocol, signedHeaders: some StringProtocol, signature: some StringProtocol
  ) throws(SignedRequestError) {
    let parts = Self.parts(credential, UInt8(ascii: "/"))
    guard parts.count == 5, !parts[0].isEmpty else {
      throw .malformed("its Credential is not KEY/DATE/REGION/SERVICE/aws4_request")
    }
    accessKey = String(parts[0])
    date = String(parts[1])
    region = String(parts[2])
    service = String(parts[3])
    terminator = String(parts[4])
    guard let digest = SHA256.bytes(ofHex: signature) else {
      throw .malformed("its Signature is not 64 small hexadecimal digits")
    }
    self.signature = digest
    self.signedHeaders = String(signedHeaders)
    let names = Self.parts(signedHeaders, UInt8(ascii: ";"))
    headerNames = names
    if names.count > SignedRequest.headersMax { throw .malformed("it covers too many headers") }
    for name in names {
      guard !name.isEmpty, name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f && !(0x41...0x5a).contains($0) }) else {
        throw .malformed("its SignedHeaders are not small letters")
      }
    }
    for (place, name) in names.enumerated() where names[..<place].contains(name) {
      throw .malformed("it covers a header twice")
    }
  }

  private static func parts(_ text: some StringProtocol, _ separator: UInt8) -> [Substring] {
    String(text).utf8.split(separator: separator, omittingEmptySubsequences: false).map { Substring($0) }
  }

  private static func isBlank(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }

  /// True if a header is among those that it covers; `name` in small letters.
  package func covers(_ name: String) -> Bool { headerNames.contains { $0 == name } }
}

/// A signature that cannot be read.
package enum SignedRequestError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A part that has to be there.
  case missing(String)
  case malformed(String)

  package var description: String {
    switch self {
    case .missing(let part): "Authorization header requires '\(part)' parameter."
    case .malformed(let why): "The signature cannot be read: \(why)."
    }
  }
}

extension SHA256 {
  /// The digest behind 64 small hexadecimal digits.
  package static func bytes(ofHex text: some StringProtocol) -> [UInt8]? {
    guard text.utf8.count == 64 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(32)
    var high: UInt8?
    for digit in text.utf8 {
      let value: UInt8
      switch digit {
      case 0x30...0x39: value = digit - 0x30
      case 0x61...0x66: value = digit - 0x61 + 10
      default: return nil
      }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return bytes
  }

  /// Compares in a time that does not tell where they differ.
  package static func isSame(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    if left.count != right.count { return false }
    var difference: UInt8 = 0
    for index in left.indices { difference |= left[index] ^ right[index] }
    return difference == 0
  }
}

import Format
import HTTP
import Model

/// A request of the managed service's API, read: parts of the path, parameters of the query and members of the body, each
/// asked for with the rule it has to keep. A value.
package struct ManagementRequest: Sendable {
  /// The longest body. Rule files and definitions come in base64, a third longer than they are.
  package static let bodyBytesMax = 16 << 20
  /// More values a body may not hold.
  package static let bodyValuesMax = 20_000
  package static let clientTokenLengths = 1...64

  package let operation: ManagementOperation
  /// A number of its own, which the answer and the log tell.
  package let requestID: String
  /// The one who asks, where somebody has found out.
  package var caller: (any RequestCaller)?
  /// `https://host:port`, as the client has called this server.
  package var origin = ""
  /// The region that a signature names; nil where there is none.
  package var region: String?
  private let parts: [String: String]
  private let query: [(name: String, value: String)]
  /// An object; without members where there was no body.
  package let body: JSONDocument

  package init(
    _ operation: ManagementOperation, requestID: String, parts: [String: String] = [:],
    query: [(name: String, value: String)] = [], body: JSONDocument = .object([])
  ) {
    self.operation = operation
    self.requestID = requestID
    self.parts = parts
    self.query = query
    self.body = body
  }

  /// Reads a body: an object, or nothing at all.
  package static func body(_ bytes: LentBytes) throws(ManagementError) -> JSONDocument {
    if bytes.isEmpty { return .object([]) }
    guard let document = JSONDocument(bytes, valuesMax: bodyValuesMax) else {
      throw .cannotParse(
        "the body is no JSON value, nested up to \(JSONDocument.depthMax) deep and with up to \(bodyValuesMax) values")
    }
    guard case .object = document else { throw .cannotParse("the body is no JSON object") }
    return document
  }

  // MARK: The line

  /// A part of the path, decoded; a slash in it was sent as `%2F`.
  package func part(_ name: String) -> String { parts[name] ?? "" }

  /// The first value of a parameter; nil where it was not sent.
  package func parameter(_ name: String) -> String? { query.first { $0.name == name }?.value }

  /// Each value of a parameter, in order.
  package func parameters(_ name: String) -> [String] { query.filter { $0.name == name }.map(\.value) }

  // MARK: The body

  /// A member; nil where it is missing or null.
  package func member(_ name: String) -> JSONDocument? {
    let value = body[name]
    return value == .null ? nil : value
  }

  package func text(_ name: String, length: ClosedRange<Int>) throws(ManagementError) -> String? {
    guard let value = member(name) else { return nil }
    guard let text = value.text else { throw .invalid(name, "must be a string") }
    return try ManagementRequest.checked(text, name, length)
  }

  /// As `text`, where it may not be missing.
  package func requiredText(_ name: String, length: ClosedRange<Int>) throws(ManagementError) -> String {
    guard let text = try text(name, length: length) else { throw .missing(name) }
    return text
  }

  /// A whole number within bounds.
  package func integer(_ name: String, _ range: ClosedRange<Int64>) throws(ManagementError) -> Int64? {
    guard let value = member(name) else { return nil }
    guard let number = value.integer else { throw .invalid(name, "must be a whole number") }
    guard range.contains(number) else {
      throw .invalid(name, "must be from \(range.lowerBound) to \(range.upperBound), this is \(number)")
    }
    return number
  }

  /// Bytes that were sent in base64.
  package func blob(_ name: String, bytesMax: Int) throws(ManagementError) -> [UInt8] {
    guard let value = member(name) else { throw .missing(name) }
    guard let text = value.text, let bytes = Base64.decode(text) else { throw .invalid(name, "must be base64") }
    if bytes.count > bytesMax {
      throw .invalid(name, "may have \(bytesMax) bytes, this has \(bytes.count)")
    }
    return bytes
  }

  /// The client's mark of a call and its repetitions: in the body, or in the query of a DELETE.
  package func clientToken() throws(ManagementError) -> String? {
    var sent = parameter("clientToken")
    if sent == nil { sent = try text("clientToken", length: ManagementRequest.clientTokenLengths) }
    guard let token = sent else { return nil }
    let isGraphic = token.utf8.allSatisfy { (0x21...0x7e).contains($0) }
    guard isGraphic, ManagementRequest.clientTokenLengths.contains(token.utf8.count) else {
      throw .invalid("clientToken", "must be 1 to 64 characters from ! to ~")
    }
    return token
  }

  /// The whole request but its token: two calls with one token have to be the same.
  package var fingerprint: String {
    var text = operation.rawValue
    for (name, value) in parts.sorted(by: { $0.key < $1.key }) {
      text += "\n\(PercentText.encode(name))=\(PercentText.encode(value))"
    }
    for (name, value) in query where name != "clientToken" {
      text += "\n?\(PercentText.encode(name))=\(PercentText.encode(value))"
    }
    text += "\n"
    if case .object(let members) = body {
      for member in members.filter({ $0.name != "clientToken" }).sorted(by: { $0.name < $1.name }) {
        text += "\(JSONBuffer.quoted(member.name)):\(ManagementJSON.text(of: member.value)),"
      }
    }
    return SHA256.hexDigest(of: Array(text.utf8))
  }

  static func checked(
    _ text: String, _ name: String, _ length: ClosedRange<Int>
  ) throws(ManagementError) -> String {
    let count = text.unicodeScalars.count
    guard length.contains(count) else {
      throw .invalid(name, "must have \(length.lowerBound) to \(length.upperBound) characters, this has \(count)")
    }
    return text
  }

  /// A name that must have a letter or a digit, and no control characters.
  package static func named(
    _ text: String, _ name: String, _ length: ClosedRange<Int>
  ) throws(ManagementError) -> String {
    let checked = try checked(text, name, length)
    let hasAlphanumeric = checked.utf8.contains { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
    }
    if !hasAlphanumeric { throw .invalid(name, "must have a letter or a digit") }
    if checked.utf8.contains(where: { $0 < 0x20 || $0 == 0x7f }) {
      throw .invalid(name, "may have no control characters")
    }
    return checked
  }
}

import Format
import HTTP

/// The words of the header `Authorization` that are no signature. A value.
enum Credential: Sendable {
  case bearer([UInt8])
  case basic(user: String, password: [UInt8])
  /// A scheme that nobody knows, or one whose words cannot be read.
  case unreadable

  /// Nil where there is no such header.
  init?(_ request: Request) {
    guard let text = request.header("authorization") else { return nil }
    let words = text.split(separator: " ", maxSplits: 1)
    guard words.count == 2 else {
      self = .unreadable
      return
    }
    switch words[0].lowercased() {
    case "bearer": self = .bearer(Array(words[1].utf8))
    case "basic":
      guard let pair = Base64.decode(String(words[1])), let colon = pair.firstIndex(of: UInt8(ascii: ":")) else {
        self = .unreadable
        return
      }
      self = .basic(user: String(decoding: pair[..<colon], as: UTF8.self), password: Array(pair[(colon + 1)...]))
    default: self = .unreadable
    }
  }
}

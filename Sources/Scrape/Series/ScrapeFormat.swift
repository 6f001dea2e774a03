/// The formats that an answer may be read in.
enum ScrapeFormat: Sendable, Equatable {
  case text, openMetrics, protobuf

  /// The format of an answer, by its Content-Type; where that says nothing usable, the fallback's.
  static func choose(contentType: String?, fallback: ScrapeProtocol?) throws(ScrapeFormatError) -> ScrapeFormat {
    let contentType = contentType ?? ""
    if contentType.isEmpty {
      guard let fallback else {
        throw ScrapeFormatError(
          "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target")
      }
      return fallback.format
    }
    switch MediaType.read(contentType) {
    case .success(let type):
      if let format = ScrapeFormat(type) { return format }
      guard let fallback else {
        throw ScrapeFormatError(
          "received unsupported Content-Type \(quoted(contentType)) and no fallback_scrape_protocol specified for target"
        )
      }
      return fallback.format
    case .failure(let error):
      guard let fallback else {
        throw ScrapeFormatError(
          "cannot parse Content-Type \(quoted(contentType)) and no fallback_scrape_protocol for target\n\(error.message)"
        )
      }
      return fallback.format
    }
  }

  private init?(_ mediaType: String) {
    switch mediaType {
    case "text/plain": self = .text
    case "application/openmetrics-text": self = .openMetrics
    case "application/vnd.google.protobuf": self = .protobuf
    default: return nil
    }
  }

  private static func quoted(_ text: String) -> String {
    // Of what a target sends only so much goes into its last error.
    let shown = text.unicodeScalars.prefix(200)
    return shown.reduce(into: "\"") { text, scalar in
      switch scalar {
      case "\"", "\\": text += "\\\(scalar)"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        text += "\\x" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
      default: text.unicodeScalars.append(scalar)
      }
    } + "\""
  }
}

/// The reason why no reader can be chosen for an answer, in Prometheus's words.
struct ScrapeFormatError: Error, Equatable {
  let message: String

  init(_ message: String) { self.message = message }
}

/// Reads the media type out of a Content-Type as Go's `mime.ParseMediaType` does: its parameters have to be well formed, and
/// mean nothing.
enum MediaType {
  static func read(_ text: String) -> Result<String, ScrapeFormatError> {
    var rest = Array(text.utf8)[...]
    let base = rest.prefix { $0 != UInt8(ascii: ";") }
    rest = rest.dropFirst(base.count)
    let type = String(decoding: base, as: UTF8.self).lowercased().trimmed
    if let fault = fault(Array(type.utf8)[...]) { return .failure(ScrapeFormatError("mime: \(fault)")) }
    var parameters: [String: [UInt8]] = [:]
    while true {
      skipBlanks(&rest)
      if rest.isEmpty { return .success(type) }
      let before = rest
      guard let (key, value) = parameter(&rest) else {
        let isEnd = String(decoding: before, as: UTF8.self).trimmed == ";"
        return isEnd ? .success(type) : .failure(ScrapeFormatError("mime: invalid media parameter"))
      }
      if let known = parameters[key], known != value {
        return .failure(ScrapeFormatError("mime: duplicate parameter name"))
      }
      parameters[key] = value
    }
  }

  private static func fault(_ type: ArraySlice<UInt8>) -> String? {
    var rest = type
    if token(&rest).isEmpty { return "no media type" }
    if rest.isEmpty { return nil }
    guard rest.popFirst() == UInt8(ascii: "/") else { return "expected slash after first token" }
    if token(&rest).isEmpty { return "expected token after slash" }
    return rest.isEmpty ? nil : "unexpected content after media subtype"
  }

  private static func parameter(_ rest: inout ArraySlice<UInt8>) -> (String, [UInt8])? {
    guard rest.popFirst() == UInt8(ascii: ";") else { return nil }
    skipBlanks(&rest)
    let key = token(&rest)
    skipBlanks(&rest)
    guard !key.isEmpty, rest.popFirst() == UInt8(ascii: "=") else { return nil }
    skipBlanks(&rest)
    let name = String(decoding: key, as: UTF8.self).lowercased()
    if rest.first != UInt8(ascii: "\"") {
      let value = token(&rest)
      return value.isEmpty ? nil : (name, Array(value))
    }
    rest.removeFirst()
    var value: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return (name, value)
      case UInt8(ascii: "\r"), UInt8(ascii: "\n"): return nil
      case UInt8(ascii: "\\"):
        if let next = rest.first, next < 0x7f, next >= 0x20, !isToken(next) {
          value.append(next)
          rest.removeFirst()
        } else {
          value.append(byte)
        }
      default: value.append(byte)
      }
    }
    return nil
  }

  private static func token(_ rest: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let token = rest.prefix(while: isToken)
    rest = rest.dropFirst(token.count)
    return token
  }

  private static func isToken(_ byte: UInt8) -> Bool {
    byte > 0x20 && byte < 0x7f && !Array("()<>@,;:\\\"/[]?=".utf8).contains(byte)
  }

  private static func skipBlanks(_ rest: inout ArraySlice<UInt8>) {
    rest = rest.drop { [0x20, 0x09, 0x0a, 0x0b, 0x0c, 0x0d].contains($0) }
  }
}

extension String {
  fileprivate var trimmed: String {
    let blanks: Set<Character> = [" ", "\t", "\n", "\r", "\r\n", "\u{0b}", "\u{0c}"]
    return String(drop { blanks.contains($0) }.reversed().drop { blanks.contains($0) }.reversed())
  }
}

import Format
import HTTP
import Model

/// A token, and what a token server's answer says of it.
struct OAuth2Token: Equatable, Sendable {
  /// The value of `Authorization`.
  var authorization: String
  /// Nil: never.
  var expiryMilliseconds: Int64?

  /// Of an answer that is no token, so much is shown.
  private static let shownBytesMax = 2_048

  /// Reads an answer as golang.org/x/oauth2 does; the error is its text.
  init(_ answer: ClientResponse, nowMilliseconds: Int64) throws(HTTPClientError) {
    let isFailure = !(200..<300 ~= answer.status)
    let type = (answer.header("content-type") ?? "").prefix { $0 != ";" }.lowercased().filter { $0 != " " }
    let isForm = type == "application/x-www-form-urlencoded" || type == "text/plain"
    guard let fields = isForm ? Self.form(answer) : Self.json(answer) else {
      if isFailure { throw .cannotPrepare(Self.refusal(answer)) }
      throw .cannotPrepare(
        isForm ? "oauth2: cannot parse response: no form" : "oauth2: cannot parse json: no token answer")
    }
    if let code = fields["error"], !code.isEmpty {
      let more = ["error_description", "error_uri"].compactMap { fields[$0] }.filter { !$0.isEmpty }
      throw .cannotPrepare("oauth2: " + ([code] + more).map { quoted(Self.shown($0)) }.joined(separator: " "))
    }
    if isFailure { throw .cannotPrepare(Self.refusal(answer)) }
    guard let token = fields["access_token"], !token.isEmpty else {
      throw .cannotPrepare("oauth2: server response missing access_token")
    }
    authorization = "\(Self.typeText(fields["token_type"] ?? "")) \(token)"
    let seconds = min(Int64(fields["expires_in"] ?? "") ?? 0, Int64(Int32.max))
    expiryMilliseconds = seconds == 0 ? nil : nowMilliseconds + seconds * 1_000
  }

  private static func refusal(_ answer: ClientResponse) -> String {
    let body = shown(String(decoding: answer.body.prefix(shownBytesMax + 1), as: UTF8.self))
    return "oauth2: cannot fetch token: \(answer.statusText)\nResponse: \(body)"
  }

  private static func shown(_ text: String) -> String {
    text.utf8.count <= shownBytesMax ? text : String(decoding: text.utf8.prefix(shownBytesMax), as: UTF8.self) + "..."
  }

  private static func form(_ answer: ClientResponse) -> [String: String]? {
    FormText.decode(String(decoding: answer.body, as: UTF8.self))
  }

  /// Nil where a field has another type than it must.
  private static func json(_ answer: ClientResponse) -> [String: String]? {
    guard let document = answer.body.lend({ JSONDocument($0) }), case .object = document else { return nil }
    var fields: [String: String] = [:]
    for name in ["access_token", "token_type", "error", "error_description", "error_uri"] {
      switch document[name] {
      case nil, .null: break
      case .string(let text): fields[name] = text
      default: return nil
      }
    }
    // A number, or a text with one.
    switch document["expires_in"] {
    case nil, .null: break
    case .number(let digits), .string(let digits):
      if Int64(digits) == nil { return nil }
      fields["expires_in"] = digits
    default: return nil
    }
    return fields
  }

  private static func typeText(_ type: String) -> String {
    switch type.lowercased() {
    case "", "bearer": "Bearer"
    case "mac": "MAC"
    case "basic": "Basic"
    default: type
    }
  }
}

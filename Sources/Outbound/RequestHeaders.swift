import Format
import HTTP

/// The headers that settings add to each request, credentials among them.
struct RequestHeaders: Sendable {
  private let settings: ClientSettings

  init(_ settings: ClientSettings) { self.settings = settings }

  /// True if nothing has to be read or fetched.
  var isConstant: Bool {
    switch settings.credentials {
    case .none: areAddedConstant
    case .basic(let user, let password): areAddedConstant && user.isConstant && password.isConstant
    case .authorization(_, let text): areAddedConstant && text.isConstant
    case .oauth2: false
    }
  }

  /// True if nothing is missing once there is a token.
  var needsOnlyToken: Bool { if case .oauth2 = settings.credentials { areAddedConstant } else { false } }

  private var areAddedConstant: Bool { settings.headers.allSatisfy { $0.secrets.allSatisfy { $0.isConstant } } }

  /// Adds to a request. `token` is asked for what OAuth2 gives.
  func add(
    to request: inout ClientRequest, token: () throws(HTTPClientError) -> String
  ) throws(HTTPClientError) {
    let isAuthorized = (request.headers + request.secretHeaders).contains { $0.name.lowercased() == "authorization" }
    if !isAuthorized, let value = try authorization(token) { request.secretHeaders.append(("Authorization", value)) }
    for header in settings.headers {
      for value in header.values { request.headers.append((header.name, try Self.read(value))) }
      for value in header.secrets { request.secretHeaders.append((header.name, try Self.read(value))) }
    }
  }

  private func authorization(_ token: () throws(HTTPClientError) -> String) throws(HTTPClientError) -> String? {
    switch settings.credentials {
    case .none: return nil
    case .basic(let user, let password):
      let user = try Self.read(user, "basic auth username")
      let password = try Self.read(password, "basic auth password")
      return "Basic " + Base64.encode(Array("\(user):\(password)".utf8))
    case .authorization(let type, let text): return "\(type) \(try Self.read(text, "authorization credentials"))"
    case .oauth2: return try token()
    }
  }

  private static func read(_ secret: Secret, _ name: String) throws(HTTPClientError) -> String {
    do throws(SecretError) { return try secret.read() } catch {
      throw .cannotPrepare("unable to read \(name): \(error)")
    }
  }

  private static func read(_ secret: Secret) throws(HTTPClientError) -> String {
    do throws(SecretError) { return try secret.read() } catch {
      throw .cannotPrepare("unable to read headers file \(error.path): \(error.reason)")
    }
  }
}

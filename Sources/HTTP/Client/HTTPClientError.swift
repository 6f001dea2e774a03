/// The reason why there is no answer. The texts are those that Go's client gives, as users of Prometheus know them.
package indirect enum HTTPClientError: Error, Equatable, CustomStringConvertible {
  case invalidRequest(String)
  /// Credentials, or something else that the request needs, could not be had.
  case cannotPrepare(String)
  case cannotResolve(host: String)
  /// The address is `host:port`.
  case cannotConnect(address: String, reason: String)
  /// The proxy could not be reached, or did not connect.
  case proxy(String)
  case timedOut
  case tls(String)
  case responseTooLarge(bytesMax: Int)
  /// `ClientRequest.takesBytes` has refused more of the body.
  case noRoom
  case headersTooLarge(bytesMax: Int)
  case tooManyRedirects(max: Int)
  /// The caller asked to give it up, or the sender has stopped.
  case cancelled
  /// The connection ended without an answer.
  case noAnswer
  /// The connection ended within the answer.
  case answerCut
  case failed(String)
  /// A redirect led there, and what went wrong is about that address.
  case redirected(method: String, url: String, HTTPClientError)

  package var description: String {
    switch self {
    case .invalidRequest(let reason), .cannotPrepare(let reason), .failed(let reason), .tls(let reason): reason
    case .cannotResolve(let host): "dial tcp: lookup \(host): no such host"
    case .cannotConnect(let address, let reason): "dial tcp \(address): \(reason)"
    case .proxy(let reason): reason
    case .timedOut: "context deadline exceeded"
    case .responseTooLarge(let bytesMax): "the response exceeds \(bytesMax) bytes"
    case .noRoom: "no memory for the answer"
    case .headersTooLarge(let bytesMax): "net/http: server response headers exceeded \(bytesMax) bytes; aborted"
    case .tooManyRedirects(let max): "stopped after \(max) redirects"
    case .cancelled: "context canceled"
    case .noAnswer: "EOF"
    case .answerCut: "unexpected EOF"
    case .redirected(_, _, let error): error.description
    }
  }

  /// The text with the request in front, as Go's client gives it: `Get "http://a/": EOF`.
  package func text(of request: ClientRequest) -> String {
    if case .redirected(let method, let url, let error) = self { return Self.text(method, url, error) }
    return Self.text(request.method, request.url, self)
  }

  private static func text(_ method: String, _ url: String, _ error: HTTPClientError) -> String {
    let verb = method.prefix(1).uppercased() + method.dropFirst().lowercased()
    return "\(verb) \"\(withoutPassword(url))\": \(error)"
  }

  /// The URL with its password hidden.
  package static func withoutPassword(_ url: String) -> String {
    guard let scheme = url.firstRange(of: "://") else { return url }
    let rest = url[scheme.upperBound...]
    let authority = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    guard let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") else { return url }
    return url[..<colon] + ":***" + url[at...]
  }
}

import Format
import HTTP

/// An error as Prometheus's API tells it; the only place that knows which error has which status.
package struct APIError: Error, Sendable, CustomStringConvertible {
  package enum Kind: String, Sendable {
    case badData = "bad_data"
    case forbidden
    case execution
    case canceled
    case timeout
    case internalError = "internal"
    case notFound = "not_found"
    case notAcceptable = "not_acceptable"
    case unavailable

    var status: Int {
      switch self {
      case .badData: 400
      case .forbidden: 403
      case .execution: 422
      case .canceled: 499
      case .timeout: 503
      case .internalError: 500
      case .notFound: 404
      case .notAcceptable: 406
      case .unavailable: 503
      }
    }
  }

  package var kind: Kind
  package var message: String

  package var description: String { message }

  package init(_ kind: Kind, _ message: String) {
    self.kind = kind
    self.message = message
  }

  /// `invalid parameter "x": why`, as Prometheus words it.
  static func invalidParameter(_ name: String, _ why: String) -> APIError {
    APIError(.badData, "invalid parameter \"\(name)\": \(why)")
  }

  package var response: Response {
    let body = "{\"status\":\"error\",\"errorType\":\"\(kind.rawValue)\",\"error\":\(JSONBuffer.quoted(message))}"
    let response = Response.json(kind.status, Array(body.utf8))
    return kind == .unavailable ? response.retryAfter(seconds: 5) : response
  }
}

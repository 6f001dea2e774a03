import Format
import HTTP

/// The reason why somebody may not, and how it is told: in the shape of AWS's services, which Prometheus's clients read as well.
package struct AccessRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  /// The label that metrics count it under: few values, none from a client.
  package enum Reason: String, Sendable, CaseIterable {
    case noCredentials = "no_credentials"
    case unknownCredentials = "unknown_credentials"
    case expiredCredentials = "expired_credentials"
    case wrongPassword = "wrong_password"
    case wrongSignature = "wrong_signature"
    case malformedSignature = "malformed_signature"
    case time
    case scope
    case policy
    case busy
  }

  package var reason: Reason
  package var status: Int
  /// The header `x-amzn-ErrorType`; empty: the answer is the message alone, as text.
  package var type: String
  package var message: String
  /// The value of `WWW-Authenticate`, where the status is 401.
  package var challenge: String?

  package init(_ reason: Reason, status: Int = 403, type: String, _ message: String, challenge: String? = nil) {
    self.reason = reason
    self.status = status
    self.type = type
    self.message = message
    self.challenge = challenge
  }

  package var description: String { message }

  package var response: Response {
    if type.isEmpty {
      let response = Response.text(status, message)
      return challenge.map { response.with(header: "WWW-Authenticate", $0) } ?? response
    }
    let body = "{\"message\":\(JSONBuffer.quoted(message)),\"__type\":\(JSONBuffer.quoted(type))}"
    var response = Response.json(status, Array(body.utf8)).with(header: "x-amzn-ErrorType", type)
    if let challenge { response = response.with(header: "WWW-Authenticate", challenge) }
    return response
  }
}

import Format
import HTTP

/// An error of the managed service's API; the only place that knows which has which status.
package struct ManagementError: Error, Sendable, Equatable, CustomStringConvertible {
  package enum Kind: String, Sendable {
    case validation = "ValidationException"
    case accessDenied = "AccessDeniedException"
    case notFound = "ResourceNotFoundException"
    case conflict = "ConflictException"
    case quotaExceeded = "ServiceQuotaExceededException"
    case throttled = "ThrottlingException"
    case internalError = "InternalServerException"

    var status: Int {
      switch self {
      case .validation: 400
      case .accessDenied: 403
      case .notFound: 404
      case .conflict: 409
      case .quotaExceeded: 402
      case .throttled: 429
      case .internalError: 500
      }
    }
  }

  package var kind: Kind
  package var message: String
  /// Further members of the body, as JSON: `"reason":"FIELD_VALIDATION_FAILED"`.
  package var members: [String]

  package init(_ kind: Kind, _ message: String, members: [String] = []) {
    self.kind = kind
    self.message = message
    self.members = members
  }

  package var description: String { message }

  package var response: Response {
    let fields = ["\"message\":\(JSONBuffer.quoted(message))", "\"__type\":\"\(kind.rawValue)\""] + members
    let body = "{" + fields.joined(separator: ",") + "}"
    return .json(kind.status, Array(body.utf8)).with(header: "x-amzn-ErrorType", kind.rawValue)
  }
}

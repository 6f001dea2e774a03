import Format

// The errors of the managed service's API with the members that their shapes have.

extension ManagementError {
  /// The reason why a request is not valid, in the API's words.
  package enum Reason: String, Sendable {
    case unknownOperation = "UNKNOWN_OPERATION"
    case cannotParse = "CANNOT_PARSE"
    case field = "FIELD_VALIDATION_FAILED"
    case other = "OTHER"
  }

  private static func validation(
    _ reason: Reason, _ message: String, fields: [ManagementJSON] = []
  ) -> ManagementError {
    var members = ["\"reason\":\"\(reason.rawValue)\""]
    if !fields.isEmpty { members.append("\"fieldList\":[\(fields.map(\.text).joined(separator: ","))]") }
    return ManagementError(.validation, message, members: members)
  }

  /// A field that does not keep its rule; `rule` continues the sentence that begins with the field's name.
  package static func invalid(_ field: String, _ rule: String) -> ManagementError {
    var entry = ManagementJSON()
    entry.add("name", field)
    entry.add("message", rule)
    return validation(.field, "\(field) \(rule)", fields: [entry])
  }

  package static func missing(_ field: String) -> ManagementError { invalid(field, "is required") }

  package static func cannotParse(_ message: String) -> ManagementError { validation(.cannotParse, message) }

  package static func notServed(_ message: String) -> ManagementError { validation(.unknownOperation, message) }

  package static func refused(_ message: String) -> ManagementError { validation(.other, message) }

  private static func resource(
    _ kind: Kind, _ message: String, _ id: String, _ type: String, _ others: [String] = []
  ) -> ManagementError {
    ManagementError(
      kind, message,
      members: [
        "\"resourceId\":\(JSONBuffer.quoted(id))", "\"resourceType\":\(JSONBuffer.quoted(type))",
      ] + others)
  }

  package static let workspaceType = "AWS::APS::Workspace"

  package static func notFound(
    _ message: String, id: String, type: String = workspaceType
  ) -> ManagementError { resource(.notFound, message, id, type) }

  package static func conflict(
    _ message: String, id: String, type: String = workspaceType
  ) -> ManagementError { resource(.conflict, message, id, type) }

  package static func quota(
    _ message: String, id: String, type: String = workspaceType, quotaCode: String
  ) -> ManagementError {
    resource(
      .quotaExceeded, message, id, type,
      ["\"serviceCode\":\"aps\"", "\"quotaCode\":\(JSONBuffer.quoted(quotaCode))"])
  }
}

import HTTP

/// The success of an operation: its members, or nothing at all. A value.
package struct ManagementAnswer: Sendable, Equatable {
  package static let requestIDHeader = "x-amzn-RequestId"

  package let status: Int
  /// A JSON object; empty where the answer has no body.
  package let body: String

  /// An answer without a body.
  package init(_ request: ManagementRequest) {
    status = request.operation.status
    body = ""
  }

  package init(_ request: ManagementRequest, _ members: ManagementJSON) {
    status = request.operation.status
    body = members.text
  }

  package func response(requestID: String) -> Response {
    var response = Response(status: status)
    if !body.isEmpty { response = .json(status, Array(body.utf8)) }
    return response.with(header: ManagementAnswer.requestIDHeader, requestID)
  }
}

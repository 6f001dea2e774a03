import Format
import HTTP
import Management
import Platform

/// The parts of the program that the managed service's API needs.
package struct ManagementFacts: Sendable {
  package var table: ManagementTable
  /// Nil: the API is open. Else why nothing is answered, and what to do.
  package var closedText: String?

  package init(_ table: ManagementTable, closedText: String? = nil) {
    self.table = table
    self.closedText = closedText
  }

  package static let none = ManagementFacts(ManagementTable())
}

/// The managed service's API over HTTP: each operation has a route, an action, and one way in and out.
struct ManagementEndpoints: Sendable {
  /// The service that a signature for this API names.
  private static let scopeEnd = "/aps/aws4_request"
  private static let numbers = RandomNumbers()

  let facts: ManagementFacts
  let links: WebLinks

  /// - Parameter changesRun: where changes run, which wait for the disk.
  func add(to routes: inout RouteTable, changesRun: RouteRun) {
    for operation in ManagementOperation.allCases {
      routes.router.add(
        operation.method, operation.pattern, run: operation.isChange ? changesRun : routes.queued,
        limits: RouteLimits(bodyBytesMax: ManagementRequest.bodyBytesMax), inWorkspaces: false, readsForm: false,
        action: operation.action
      ) { answer($0, operation) }
    }
  }

  /// The first parts of paths that are this API's alone, and those behind a workspace.
  private static let roots: Set<String> = ["tags", "scrapers", "scraperconfiguration"]
  private static let parts: Set<String> = [
    "alias", "configuration", "rulegroupsnamespaces", "alertmanager", "logging", "policy", "anomalydetectors",
  ]

  /// The answer to a path or a method that there is not, where a client of this API may have meant one of its: such clients
  /// read JSON alone. Nil elsewhere.
  static func unknown(_ path: [Substring], _ status: Int, _ text: String) -> Response? {
    guard let first = path.first else { return nil }
    let isOwn =
      roots.contains(String(first)) || first == "workspaces" && (path.count < 3 || parts.contains(String(path[2])))
    if !isOwn { return nil }
    let name = status == 404 ? "UnknownOperationException" : "MethodNotAllowedException"
    let body = "{\"message\":\(JSONBuffer.quoted(text)),\"__type\":\"\(name)\"}"
    return .json(status, Array(body.utf8)).with(header: "x-amzn-ErrorType", name)
  }

  private func answer(_ request: Request, _ operation: ManagementOperation) -> Response {
    let requestID = ManagementID.uuid(Self.numbers.next(), Self.numbers.next())
    do throws(ManagementError) {
      if let text = facts.closedText { throw ManagementError(.accessDenied, text) }
      if operation.isChange, ForeignPages(links).isBehind(request) {
        throw ManagementError(.accessDenied, ForeignPages.text)
      }
      let read = try read(request, operation, requestID)
      return try facts.table.answer(read).response(requestID: requestID)
    } catch {
      return error.response.with(header: ManagementAnswer.requestIDHeader, requestID)
    }
  }

  private func read(
    _ request: Request, _ operation: ManagementOperation, _ requestID: String
  ) throws(ManagementError) -> ManagementRequest {
    var parts: [String: String] = [:]
    for segment in operation.pattern.split(separator: "/") where segment.hasPrefix("{") {
      let name = String(segment.dropFirst().dropLast())
      guard let text = String(validating: request.pathBytes(name), as: UTF8.self) else {
        throw .invalid(name, "is no UTF-8")
      }
      parts[name] = text
    }
    var read = ManagementRequest(
      operation, requestID: requestID, parts: parts, query: request.parameters,
      body: try ManagementRequest.body(request.lentBody))
    read.caller = request.caller
    read.origin = links.base(of: request)
    read.region = request.header("authorization").flatMap(Self.region(ofAuthorization:))
    return read
  }

  /// `us-east-1` of `Credential=AKID/20260101/us-east-1/aps/aws4_request`; nil where there is no such scope.
  static func region(ofAuthorization text: String) -> String? {
    guard let start = text.utf8.firstRange(of: "Credential=".utf8)?.upperBound else { return nil }
    let scope = text[start...].prefix { $0 != "," && $0 != " " }
    guard scope.hasSuffix(scopeEnd) else { return nil }
    let region = scope.dropLast(scopeEnd.utf8.count).split(separator: "/").last.map(String.init) ?? ""
    return ManagementID.isRegion(region) ? region : nil
  }
}

extension WebLinks {
  /// The address under which the client reaches this server, without a slash at its end: the outside address, or else what
  /// the client itself says.
  func base(of request: Request) -> String {
    let path = externalPath.dropLast()
    if !origin.isEmpty { return origin + path }
    let scheme = request.isSecure ? "https" : "http"
    return "\(scheme)://\(request.header("host") ?? "localhost:\(ownPort)")\(path)"
  }
}

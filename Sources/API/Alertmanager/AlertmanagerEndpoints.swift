import Access
import Format
import HTTP
import Notify
import Workspaces

/// The Alertmanager's own API below a workspace, as the managed service has it: passed on to the Alertmanager that the
/// configuration names for the workspace. Credentials of the one who asks stay here.
struct AlertmanagerEndpoints: Sendable {
  private static let prefix = "/alertmanager/api/v2"
  private static let bodyBytesMax = 16 << 20

  /// Nil: no workspace has an Alertmanager.
  let passage: AlertmanagerPassage?
  let workspaces: WorkspaceSet

  func add(to routes: inout RouteTable) {
    let all: [(HTTPMethods, String, RouteAction)] = [
      (.post, "/alerts", .createAlertManagerAlerts), (.get, "/alerts", .listAlertManagerAlerts),
      (.get, "/alerts/groups", .listAlertManagerAlertGroups), (.get, "/receivers", .listAlertManagerReceivers),
      (.get, "/status", .getAlertManagerStatus), (.get, "/silences", .listAlertManagerSilences),
      (.post, "/silences", .putAlertManagerSilences), (.get, "/silence/{id}", .getAlertManagerSilence),
      (.delete, "/silence/{id}", .deleteAlertManagerSilence),
    ]
    let run = RouteRun.queued { [passage] work in passage?.run(work) ?? false }
    let busy = Self.error(503, "too many requests wait for Alertmanagers, try again later")
    for (method, path, action) in all {
      routes.router.add(
        method, Self.prefix + path, run: passage == nil ? .inline : run,
        limits: RouteLimits(bodyBytesMax: Self.bodyBytesMax, busyResponse: busy), inWorkspaces: true, readsForm: false,
        action: action
      ) { [foreignPages = routes.foreignPages] request in
        if method != .get, foreignPages.isBehind(request) { return Self.error(403, ForeignPages.text) }
        return answer(request, "/api/v2" + path)
      }
      routes.addPreflight(Self.prefix + path)
    }
  }

  /// - Parameter path: the path at the Alertmanager, with `{id}` where the request names a silence.
  private func answer(_ request: Request, _ path: String) -> Response {
    guard case .found(let workspace) = workspaces.find(request.workspace) else {
      return Self.error(404, "the workspace does not exist")
    }
    var rest = path
    if path.hasSuffix("{id}") {
      guard let id = Self.silence(request) else { return Self.error(400, "a silence is named by its id") }
      rest = path.replacing("{id}", with: id)
    }
    // A signature in the query, and the token of a session beside it, are credentials as well.
    let query = request.queryText(without: { $0.lowercased().hasPrefix("x-amz-") })
    if !query.isEmpty { rest += "?" + query }
    let hasBody = request.method == .post
    do throws(HTTPClientError) {
      let passed = try passage?.pass(
        request.method.description, rest, body: hasBody ? Array(request.lentBody) : nil,
        contentType: request.header("Content-Type"), of: workspace.id)
      guard let answer = passed else {
        return Self.error(
          404, "the workspace \(workspace.id) has no Alertmanager: an entry of apus.managed_alertmanagers names one")
      }
      return .json(answer.status, answer.body)
    } catch {
      return Self.error(502, "the Alertmanager of the workspace \(workspace.id) did not answer: \(error)")
    }
  }

  /// The id of a silence; nil for what could be more than a part of a path.
  private static func silence(_ request: Request) -> String? {
    let id = String(decoding: request.pathBytes("id"), as: UTF8.self)
    let isPlain = id.utf8.allSatisfy { byte in
      (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || byte == UInt8(ascii: "-")
    }
    return isPlain && (1...64).contains(id.utf8.count) ? id : nil
  }

  private static func error(_ status: Int, _ message: String) -> Response {
    .json(status, Array("{\"code\":\(status),\"message\":\(JSONBuffer.quoted(message))}".utf8))
  }
}

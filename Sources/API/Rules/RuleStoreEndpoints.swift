import Access
import Format
import HTTP
import Platform
import Rules
import Workspaces

/// The stored rule groups of a workspace over HTTP, as Mimir and Cortex have it: reading and changing groups, as YAML.
struct RuleStoreEndpoints: Sendable {
  /// An API with its own words where there is nothing.
  private enum Dialect { case mimir, cortex }

  /// The paths of the list, as the clients of each server know them; below them are namespaces and groups.
  private static let paths: [(path: String, dialect: Dialect)] = [
    ("/config/v1/rules", .mimir), ("/prometheus/config/v1/rules", .mimir), ("/prometheus/rules", .mimir),
    ("/api/v1/rules", .cortex), ("/api/prom/rules", .cortex),
  ]
  /// The list of this path is Prometheus's, not ours.
  private static let prometheusPath = "/api/v1/rules"
  private static let yaml = ContentType("application/yaml")

  /// Changes wait in one queue with reloads.
  private static let changes = RouteLimits(
    busyResponse: .text(503, "too many changes of rule groups and reloads are waiting, try again later"))

  let facts: RuleFacts
  /// True if groups may be changed.
  let isEnabled: Bool
  let links: WebLinks

  /// - Parameter writesRun: where changes run, which wait for the disk.
  func add(to routes: inout RouteTable, writesRun: RouteRun) {
    for (path, dialect) in Self.paths {
      if path != Self.prometheusPath {
        routes.addStore(.get, path, .describeRules, run: routes.queued) { list($0, $1, nil, dialect) }
      }
      let namespace = path + "/{namespace}"
      routes.addStore(.get, namespace, .describeRules, run: routes.queued) {
        list($0, $1, $0.pathBytes("namespace"), dialect)
      }
      routes.addStore(.post, namespace, .putRules, run: writesRun, limits: Self.changes) { put($0, $1) }
      routes.addStore(.delete, namespace, .deleteRules, run: writesRun, limits: Self.changes, deleteNamespace)
      routes.addStore(.get, namespace + "/{group}", .describeRules, run: routes.queued, group)
      routes.addStore(.delete, namespace + "/{group}", .deleteRules, run: writesRun, limits: Self.changes, deleteGroup)
    }
  }

  // MARK: Reading

  /// The groups of a namespace, or of all: a section with the list of groups of each.
  private func list(_ request: Request, _ workspace: Workspace, _ name: [UInt8]?, _ dialect: Dialect) -> Response {
    guard let store = facts.store(workspace) else { return Self.noStore }
    var namespaces = store.namespaces.filter { !$0.groups.isEmpty }
    if let name { namespaces = namespaces.filter { $0.name.utf8.elementsEqual(name) } }
    if namespaces.isEmpty {
      return dialect == .cortex ? .text(404, "no rule groups found") : Self.answer("{}\n")
    }
    var text = ""
    for namespace in namespaces {
      let key = YAMLEntry(key: namespace.name, value: YAMLNode(.sequence([])))
      // `name: []` without its empty list.
      text += YAMLWriter.text(YAMLNode(.mapping([key]))).dropLast(" []\n".count) + "\n"
      for group in namespace.groups { text += group.element }
    }
    return Self.answer(text)
  }

  private func group(_ request: Request, _ workspace: Workspace) -> Response {
    guard let store = facts.store(workspace) else { return Self.noStore }
    guard let (namespace, name) = Self.names(request), let group = store[namespace]?[name] else {
      return .text(404, RuleStoreError.noGroup.description)
    }
    return Self.answer(group.text)
  }

  private static func answer(_ text: String) -> Response {
    Response(contentType: yaml, body: .bytes(Array(text.utf8)))
  }

  // MARK: Changes

  private func put(_ request: Request, _ workspace: Workspace) -> Response {
    change(request, workspace) { (store) throws(RuleStoreError) in
      guard let namespace = String(validating: request.pathBytes("namespace"), as: UTF8.self) else {
        throw .refused("the namespace is no UTF-8")
      }
      try store.put(Array(request.lentBody), in: namespace)
    }
  }

  private func deleteGroup(_ request: Request, _ workspace: Workspace) -> Response {
    change(request, workspace) { (store) throws(RuleStoreError) in
      guard let (namespace, group) = Self.names(request) else { throw .noGroup }
      try store.delete(group, in: namespace)
    }
  }

  private func deleteNamespace(_ request: Request, _ workspace: Workspace) -> Response {
    change(request, workspace) { (store) throws(RuleStoreError) in
      guard let namespace = String(validating: request.pathBytes("namespace"), as: UTF8.self) else {
        throw .noNamespace
      }
      try store.delete(namespace)
    }
  }

  private func change(
    _ request: Request, _ workspace: Workspace, _ body: (RuleStore) throws(RuleStoreError) -> Void
  ) -> Response {
    guard isEnabled else {
      return .text(403, "rule groups cannot be changed: the server runs without --web.enable-rules-api")
    }
    if ForeignPages(links).isBehind(request) {
      return .text(403, "rule groups cannot be changed from pages of another origin")
    }
    guard let store = facts.store(workspace) else { return Self.noStore }
    do throws(RuleStoreError) {
      try body(store)
      return .json(202, Array("{\"status\":\"success\"}".utf8))
    } catch {
      return .text(Self.status(of: error), error.description)
    }
  }

  private static func status(of error: RuleStoreError) -> Int {
    switch error {
    case .unreadable, .refused: 400
    case .noGroup, .noNamespace: 404
    case .namespaceExists: 409
    case .disk: 500
    }
  }

  private static var noStore: Response {
    Response.text(503, "the rule groups of this workspace are not available").retryAfter(seconds: 5)
  }

  /// Nil where one of them is no text, and so names nothing.
  private static func names(_ request: Request) -> (namespace: String, group: String)? {
    guard let namespace = String(validating: request.pathBytes("namespace"), as: UTF8.self),
      let group = String(validating: request.pathBytes("group"), as: UTF8.self)
    else { return nil }
    return (namespace, group)
  }
}

extension RouteTable {
  /// A route of the rule store: below every workspace, its body data, its errors in words.
  mutating func addStore(
    _ methods: HTTPMethods, _ path: String, _ action: RouteAction, run: RouteRun, limits: RouteLimits = RouteLimits(),
    _ handler: @escaping APIGate.PlainHandler
  ) {
    router.add(
      methods, path, run: run, limits: limits, inWorkspaces: true, readsForm: false, action: action,
      gate.always { (request, workspace) throws(APIError) in handler(request, workspace) })
    addPreflight(path)
  }
}

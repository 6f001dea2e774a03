/// Which handler a request belongs to: a tree of path segments. Built at start, then immutable.
///
/// A literal segment wins over `{name}`, and `{name}` over `{name...}`; empty segments (a trailing slash, two slashes)
/// do not count. `/workspaces/{id}/api/...` is the route `/api/...` with `request.workspace` set.
package struct Router: Sendable {
  private struct Node: Sendable {
    var literals: [(text: [UInt8], node: Int)] = []
    var capture: Int?
    var rest: Int?
    var routes: [Route] = []
  }

  enum Resolution {
    case route(Route)
    case refused(Response)
  }

  private static let workspacesSegment: StaticString = "workspaces"
  private static let workspaceCapture = "workspaceId"

  /// Gives another answer than the usual text to a path (its parts behind the prefix) or a method that there is not; nil: the
  /// usual one.
  package var answersUnknown: (@Sendable (_ path: [Substring], _ status: Int, _ text: String) -> Response?)?

  private var nodes = [Node()]
  package private(set) var routes: [Route] = []
  /// The prefix of every path, segment by segment.
  private let prefix: [[UInt8]]

  /// `prefix` is a path such as `/prometheus`; the root is sent there.
  package init(prefix: String = "/") { self.prefix = prefix.split(separator: "/").map { Array($0.utf8) } }

  private var prefixPath: String { "/" + prefix.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/") }

  /// Adds a route. HEAD is answered wherever GET is. `inWorkspaces` is so for patterns below `/api/`, unless said.
  /// `readsForm: false` is for routes whose body is data: clients call that a form when they do not think about it.
  /// `isForOperators` is for what must be answered when there are too many connections.
  /// A pattern that is malformed, or taken for one of the methods, is a mistake of the program and traps.
  package mutating func add(
    _ methods: HTTPMethods, _ pattern: String, run: RouteRun = .inline, limits: RouteLimits = RouteLimits(),
    inWorkspaces: Bool? = nil, readsForm: Bool = true, isForOperators: Bool = false, action: RouteAction? = nil,
    _ handler: @escaping Handler
  ) {
    precondition(pattern.hasPrefix("/"), "a pattern begins with a slash")
    var node = 0
    var names: [String] = []
    var capturesRest = false
    for segment in pattern.split(separator: "/") {
      precondition(!capturesRest, "nothing follows {name...}")
      if segment.hasPrefix("{"), segment.hasSuffix("}") {
        capturesRest = segment.hasSuffix("...}")
        names.append(String(segment.dropFirst().dropLast(capturesRest ? 4 : 1)))
        node = capturesRest ? restChild(of: node) : captureChild(of: node)
      } else {
        node = literalChild(of: node, Array(segment.utf8))
      }
    }
    let methods = methods.contains(.get) ? methods.union(.head) : methods
    precondition(nodes[node].routes.allSatisfy { $0.methods.isDisjoint(with: methods) }, "\(pattern) is taken")
    let route = Route(
      pattern: pattern, methods: methods, run: run, limits: limits,
      inWorkspaces: inWorkspaces ?? pattern.hasPrefix("/api/"), readsForm: readsForm,
      isForOperators: isForOperators, action: action, captureNames: names,
      capturesRest: capturesRest, index: routes.count, handler: handler)
    nodes[node].routes.append(route)
    routes.append(route)
  }

  private mutating func literalChild(of node: Int, _ text: [UInt8]) -> Int {
    if let child = nodes[node].literals.first(where: { $0.text == text }) { return child.node }
    nodes.append(Node())
    nodes[node].literals.append((text, nodes.count - 1))
    return nodes.count - 1
  }

  private mutating func captureChild(of node: Int) -> Int {
    if let child = nodes[node].capture { return child }
    nodes.append(Node())
    nodes[node].capture = nodes.count - 1
    return nodes.count - 1
  }

  private mutating func restChild(of node: Int) -> Int {
    if let child = nodes[node].rest { return child }
    nodes.append(Node())
    nodes[node].rest = nodes.count - 1
    return nodes.count - 1
  }

  // MARK: Resolving

  /// Finds the route and notes captures and workspace in the request.
  func resolve(_ request: Request) -> Resolution {
    let first = prefix.count
    guard hasPrefix(request) else {
      if !request.head.segments.isEmpty { return .refused(notFound(request)) }
      return .refused(Response.redirect(to: prefixPath))
    }
    var found = match(request, from: first)
    if found == nil, request.head.segments.count > first + 2,
      request.head[request.head.segments[first]].equals(Self.workspacesSegment.rawBytes),
      let node = match(request, from: first + 2), nodes[node].routes.contains(where: { $0.inWorkspaces })
    {
      request.workspaceSegment = first + 1
      found = node
    }
    guard let found else { return .refused(notFound(request)) }
    for route in nodes[found].routes where !route.methods.isDisjoint(with: request.method) {
      if request.workspaceSegment == nil || route.inWorkspaces {
        noteWorkspace(of: route, request)
        return .route(route)
      }
    }
    let allowed = nodes[found].routes.reduce(HTTPMethods.options) { $0.union($1.methods) }
    if request.method == .options { return .refused(Response.noContent.with(header: "Allow", allowed.description)) }
    let response = unknown(405, "method not allowed, use \(allowed.subtracting(.options).description)", request.path)
    return .refused(response.with(header: "Allow", allowed.description))
  }

  /// A route may name the workspace itself, as `{workspaceId}`.
  private func noteWorkspace(of route: Route, _ request: Request) {
    guard let place = route.captureNames.firstIndex(of: Router.workspaceCapture) else { return }
    request.workspaceSegment = request.captures[place]
  }

  private func hasPrefix(_ request: Request) -> Bool {
    guard request.head.segments.count >= prefix.count else { return false }
    return zip(prefix, request.head.segments).allSatisfy { text, segment in
      text.equals(request.head[segment])
    }
  }

  private func match(_ request: Request, from first: Int) -> Int? {
    request.captures.removeAll(keepingCapacity: true)
    if request.head.segments.count > RequestHead.segmentsMax { return nil }
    return match(request, node: 0, segment: first)
  }

  private func match(_ request: Request, node: Int, segment: Int) -> Int? {
    if segment == request.head.segments.count { return nodes[node].routes.isEmpty ? nil : node }
    let text = request.head[request.head.segments[segment]]
    for literal in nodes[node].literals where literal.text.count == text.count {
      let isSame = literal.text.equals(text)
      if isSame, let found = match(request, node: literal.node, segment: segment + 1) { return found }
    }
    if let capture = nodes[node].capture {
      request.captures.append(segment)
      if let found = match(request, node: capture, segment: segment + 1) { return found }
      request.captures.removeLast()
    }
    if let rest = nodes[node].rest {
      request.captures.append(segment)
      return rest
    }
    return nil
  }

  private func notFound(_ request: Request) -> Response {
    let path = request.path
    let hint = RouteHint.nearest(to: path, among: routes).map { prefix.isEmpty ? $0 : prefixPath + $0 }
    return unknown(404, "no such path: \(path)" + (hint.map { ", did you mean \($0)?" } ?? ""), path)
  }

  private func unknown(_ status: Int, _ text: String, _ path: String) -> Response {
    let parts = Array(path.split(separator: "/").dropFirst(prefix.count))
    return answersUnknown?(parts, status, text) ?? .text(status, text)
  }
}

import Format
import Model

/// Reads the section `route`: a tree, whose lower routes inherit from those above. A value while it reads.
struct RouteReader {
  /// Routes of one definition.
  private static let routesMax = 1_000

  private static let keys: Set<String> = [
    "receiver", "group_by", "continue", "matchers", "match", "match_re", "group_wait", "group_interval",
    "repeat_interval", "mute_time_intervals", "active_time_intervals", "routes",
  ]

  private let receivers: Set<String>
  private let times: Set<String>
  private var routes: [RouteTree.Route] = []
  /// Parts that only an Alertmanager carries out, with their places.
  private(set) var beyond: [String] = []

  init(receivers: Set<String>, times: Set<String>) {
    self.receivers = receivers
    self.times = times
  }

  mutating func read(_ root: YAMLNode) throws(DefinitionError) -> [RouteTree.Route] {
    _ = try add(root, under: nil)
    return routes
  }

  private func mistake(_ node: YAMLNode, _ what: String) -> DefinitionError {
    DefinitionError(node.position, of: AlertmanagerConfig.name, what)
  }

  /// Adds a route with those below it; gives its place.
  private mutating func add(_ node: YAMLNode, under parent: RouteTree.Route?) throws(DefinitionError) -> Int {
    guard case .mapping(let entries) = node.content else { throw mistake(node, "a route is no section") }
    for entry in entries where !Self.keys.contains(entry.key) {
      throw DefinitionError(
        entry.keyPosition, of: AlertmanagerConfig.name, "field \(entry.key) not found in type config.plain (route)")
    }
    if routes.count >= Self.routesMax { throw mistake(node, "\(Self.routesMax) routes are the most") }
    var route = parent ?? RouteTree.Route()
    route.matchers = try matchers(of: node)
    route.continues = try flag(node, "continue")
    route.children = []
    if let receiver = node["receiver"]?.scalar?.text, !receiver.isEmpty { route.receiver = receiver }
    if parent == nil {
      if route.receiver.isEmpty { throw mistake(node, "root route must specify a default receiver") }
      if !route.matchers.isEmpty { throw mistake(node, "root route must not have any matchers") }
    }
    guard receivers.contains(route.receiver) else {
      throw mistake(node, "undefined receiver \(quoted(route.receiver)) used in route")
    }
    if let labels = node["group_by"] {
      route.groupBy = try names(labels, "group_by")
      if route.groupBy.count > 1, route.groupBy.contains(ReceiverOptions.groupByAll) {
        throw mistake(labels, "cannot have wildcard group_by (`...`) and other labels at the same time")
      }
    }
    route.groupWaitMilliseconds = try duration(node, "group_wait", least: 0) ?? route.groupWaitMilliseconds
    route.groupIntervalMilliseconds = try duration(node, "group_interval", least: 1) ?? route.groupIntervalMilliseconds
    route.repeatMilliseconds = try duration(node, "repeat_interval", least: 1) ?? route.repeatMilliseconds
    for key in ["mute_time_intervals", "active_time_intervals"] {
      guard let list = node[key], !list.isNull else { continue }
      for name in try names(list, key) where !times.contains(name) {
        throw mistake(list, "undefined time interval \(quoted(name)) used in route")
      }
      beyond.append("\(key) (line \(list.position.line))")
    }
    let place = routes.count
    routes.append(route)
    if let below = node["routes"], !below.isNull {
      guard case .sequence(let list) = below.content else { throw mistake(below, "routes is no list") }
      for child in list { routes[place].children.append(try add(child, under: route)) }
    }
    return place
  }

  private func matchers(of node: YAMLNode) throws(DefinitionError) -> [Matcher] {
    var all: [Matcher] = []
    for (key, kind) in [("match", MatchKind.equal), ("match_re", .regex)] {
      guard let section = node[key], !section.isNull else { continue }
      guard case .mapping(let entries) = section.content else { throw mistake(section, "\(key) is no section") }
      for entry in entries {
        guard let value = entry.value.scalar else { throw mistake(entry.value, "the value of \(entry.key) is no text") }
        all.append(Matcher(kind, entry.key, value.text))
      }
    }
    if let list = node["matchers"], !list.isNull {
      guard case .sequence(let texts) = list.content else { throw mistake(list, "matchers is no list") }
      for text in texts {
        guard let parsed = MatcherText.parse(text.scalar?.text ?? "") else {
          throw mistake(text, "bad matcher format: \(text.scalar?.text ?? "")")
        }
        all += parsed
      }
    }
    for matcher in all {
      do throws(RegexError) { _ = try CompiledMatcher(matcher) } catch { throw mistake(node, "\(error)") }
    }
    return all
  }

  private func flag(_ node: YAMLNode, _ key: String) throws(DefinitionError) -> Bool {
    guard let value = node[key], !value.isNull else { return false }
    guard let flag = value.scalar?.boolean else { throw mistake(value, "\(key) is neither true nor false") }
    return flag
  }

  private func names(_ node: YAMLNode, _ key: String) throws(DefinitionError) -> [String] {
    if node.isNull { return [] }
    guard case .sequence(let list) = node.content else { throw mistake(node, "\(key) is no list") }
    var names: [String] = []
    for element in list {
      guard let name = element.scalar?.text, !name.isEmpty else { throw mistake(element, "\(key) has an empty name") }
      if names.contains(name) { throw mistake(element, "duplicated label \(quoted(name)) in \(key)") }
      names.append(name)
    }
    return names
  }

  private func duration(_ node: YAMLNode, _ key: String, least: Int64) throws(DefinitionError) -> Int64? {
    guard let value = node[key], !value.isNull else { return nil }
    guard let text = value.scalar?.text, let milliseconds = DurationText.parse(text) else {
      throw mistake(value, "\(key): not a valid duration string: \(quoted(value.scalar?.text ?? ""))")
    }
    if milliseconds < least { throw mistake(value, "\(key) cannot be zero") }
    return milliseconds
  }
}

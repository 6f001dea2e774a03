import Model

/// The routes of an Alertmanager's configuration: which alerts go where. A value.
package struct RouteTree: Sendable, Equatable {
  package struct Route: Sendable, Equatable {
    package var receiver = ""
    /// Alerts that match all go this way.
    package var matchers: [Matcher] = []
    /// True if alerts that match are shown to the routes behind this one, too.
    package var continues = false
    package var groupBy: [String] = []
    package var groupWaitMilliseconds: Int64 = 30_000
    package var groupIntervalMilliseconds: Int64 = 300_000
    package var repeatMilliseconds: Int64 = 14_400_000
    /// Places of the routes below it.
    package var children: [Int] = []

    package init() {}
  }

  /// The first is the root, which takes every alert.
  package var routes: [Route]

  package init(_ routes: [Route]) { self.routes = routes }
}

/// A `RouteTree` with its expressions compiled. Immutable.
package struct CompiledRoutes: Sendable {
  private let tree: RouteTree
  private let matchers: [[CompiledMatcher]]

  package init(_ tree: RouteTree) throws(RegexError) {
    self.tree = tree
    var all: [[CompiledMatcher]] = []
    for route in tree.routes {
      var matchers: [CompiledMatcher] = []
      for matcher in route.matchers { matchers.append(try CompiledMatcher(matcher)) }
      all.append(matchers)
    }
    matchers = all
  }

  /// Places of the routes that an alert takes; none of them twice.
  package func places(of labels: Labels) -> [Int] { places(of: labels, from: 0) }

  private func places(of labels: Labels, from place: Int) -> [Int] {
    guard matchers[place].allSatisfy({ $0.matches(labels) }) else { return [] }
    var all: [Int] = []
    for child in tree.routes[place].children {
      let found = places(of: labels, from: child)
      all += found
      if !found.isEmpty && !tree.routes[child].continues { break }
    }
    return all.isEmpty ? [place] : all
  }
}

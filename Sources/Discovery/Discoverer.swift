import Model

/// A source of targets that runs by itself: it tells its groups whenever they change. Any thread.
package protocol Discoverer: AnyObject, Sendable {
  /// Begins. Called once.
  func start(_ sink: DiscoverySink)
  /// Nothing is told after this.
  func stop()
}

/// A source of targets that is asked again and again. A failed refresh keeps the groups of the last one.
package protocol Refreshable: Sendable {
  /// The name in metrics: `http`, `dns`, `ec2`.
  var mechanism: String { get }
  var intervalMilliseconds: Int64 { get }
  /// All groups there are now. It gives up soon after `isCancelled` says so.
  func refresh(isCancelled: @escaping @Sendable () -> Bool) throws(DiscoveryError) -> [TargetGroup]
}

/// Why a source could not say what its targets are.
package struct DiscoveryError: Error, Sendable, Equatable, CustomStringConvertible {
  package var description: String
  /// All groups there are, where only some of them could not be read anew: they replace those of the last refresh, which has
  /// failed nevertheless.
  package var groups: [TargetGroup]?

  package init(_ description: String, groups: [TargetGroup]? = nil) {
    self.description = description
    self.groups = groups
  }
}

/// The ear that a discoverer tells its groups. Any thread.
package final class DiscoverySink: Sendable {
  private let take: @Sendable (Change) -> Void

  package enum Change: Sendable {
    /// These are all groups there are.
    case all([TargetGroup])
    /// This one replaces that of its source; without targets it removes it.
    case one(TargetGroup)
  }

  package init(_ take: @escaping @Sendable (Change) -> Void) { self.take = take }

  package func replaceAll(by groups: [TargetGroup]) { take(.all(groups)) }
  package func update(_ group: TargetGroup) { take(.one(group)) }
}

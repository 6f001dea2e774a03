import Platform

/// The surroundings of discoveries.
package struct DiscoverySurroundings: Sendable {
  package var clock: any Clock
  package var log: Log
  package var registry: MetricsRegistry
  /// `Prometheus/<version>`: what servers are told who asks.
  package var userAgent: String
  /// Environment of the process: credentials of clouds.
  package var environment: [String: String]
  /// Shared by all discoveries of these surroundings and their copies.
  package let clusters: KubernetesClusters

  let shared = DiscoveryShared()
  /// The threads of the set that the discoveries belong to.
  var schedule: RefreshSchedule?

  package init(
    clock: any Clock, log: Log, registry: MetricsRegistry, userAgent: String, environment: [String: String] = [:]
  ) {
    self.clock = clock
    self.log = log
    self.registry = registry
    self.userAgent = userAgent
    self.environment = environment
    clusters = KubernetesClusters(log: log)
  }
}

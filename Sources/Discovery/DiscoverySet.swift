import Model
import Platform
import Synchronization

/// The surroundings of discoveries.
package struct DiscoverySurroundings: Sendable {
  package var clock: any Clock
  package var log: Log
  package var registry: MetricsRegistry
  /// `Prometheus/<version>`: what servers are told who asks.
  package var userAgent: String
  /// Environment of the process: credentials of clouds.
  package var environment: [String: String]

  package init(
    clock: any Clock, log: Log, registry: MetricsRegistry, userAgent: String, environment: [String: String] = [:]
  ) {
    self.clock = clock
    self.log = log
    self.registry = registry
    self.userAgent = userAgent
    self.environment = environment
  }
}

/// Runs the discoveries of all jobs, each different one once, and tells the groups of each job whenever they have
/// changed, bundled. Any thread.
package final class DiscoverySet: Sendable {
  /// `name`: `scrape` or `notify`, in metrics. `onChange` gets the groups of the jobs that have changed; one call at a time.
  package init(
    name: String, _ surroundings: DiscoverySurroundings, onChange: @escaping @Sendable ([String: [TargetGroup]]) -> Void
  ) {}

  /// Takes over the discoveries of all jobs. Equal ones run on with their targets.
  package func apply(_ jobs: [(name: String, discoveries: [DiscoveryOptions])]) {}

  package func stop() {}
}

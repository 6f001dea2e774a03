import Discovery
import Ingest
import Model
import Platform

/// Scrapes the targets of all jobs into one workspace. Any thread.
package final class ScrapeManager: Sendable {
  private let intake: Intake

  package init(_ surroundings: DiscoverySurroundings, into intake: Intake) throws(ThreadError) {
    self.intake = intake
  }

  /// Takes over the jobs of a configuration: what has not changed runs on.
  package func reconfigure(_ jobs: [ScrapeOptions], externalLabels: Labels) {}

  /// Waits for the scrapes that run, no longer than their timeouts.
  package func stop() {}

  // MARK: For the API

  /// The names of the jobs, sorted.
  package var pools: [String] { [] }

  package func options(of pool: String) -> ScrapeOptions? { nil }

  /// The targets of a pool, or of all.
  package func activeTargets(of pool: String? = nil) -> [TargetState] { [] }

  /// The dropped targets that are kept for show.
  package func droppedTargets(of pool: String? = nil) -> [DroppedTarget] { [] }

  /// By pool, how many targets were dropped.
  package func droppedCounts() -> [String: Int] { [:] }

  /// What the active targets say of their metrics.
  package func metadata() -> [(target: TargetState, metadata: [TargetMetadata])] { [] }
}

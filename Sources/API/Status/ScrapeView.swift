import Scrape

/// The scraped targets as endpoints see them: functions of the server's `ScrapeManager`, or of a test. Any thread.
package struct ScrapeView: Sendable {
  /// The names of the jobs, sorted.
  package var pools: @Sendable () -> [String]
  package var options: @Sendable (_ pool: String) -> ScrapeOptions?
  /// The targets of a pool; nil: of all.
  package var activeTargets: @Sendable (_ pool: String?) -> [TargetState]
  package var droppedTargets: @Sendable (_ pool: String?) -> [DroppedTarget]
  /// By pool, the number of dropped targets.
  package var droppedCounts: @Sendable () -> [String: Int]
  package var metadata: @Sendable () -> [(target: TargetState, metadata: [TargetMetadata])]

  /// No jobs.
  package static let none = ScrapeView(
    pools: { [] }, options: { _ in nil }, activeTargets: { _ in [] }, droppedTargets: { _ in [] },
    droppedCounts: { [:] }, metadata: { [] })

  package init(
    pools: @escaping @Sendable () -> [String], options: @escaping @Sendable (String) -> ScrapeOptions?,
    activeTargets: @escaping @Sendable (String?) -> [TargetState],
    droppedTargets: @escaping @Sendable (String?) -> [DroppedTarget],
    droppedCounts: @escaping @Sendable () -> [String: Int],
    metadata: @escaping @Sendable () -> [(target: TargetState, metadata: [TargetMetadata])]
  ) {
    self.pools = pools
    self.options = options
    self.activeTargets = activeTargets
    self.droppedTargets = droppedTargets
    self.droppedCounts = droppedCounts
    self.metadata = metadata
  }

  package init(_ manager: ScrapeManager) {
    self.init(
      pools: { manager.pools }, options: { manager.options(of: $0) },
      activeTargets: { manager.activeTargets(of: $0) }, droppedTargets: { manager.droppedTargets(of: $0) },
      droppedCounts: { manager.droppedCounts() }, metadata: { manager.metadata() })
  }
}

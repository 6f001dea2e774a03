import Ingest
import Model
import Platform
import Scrape
import Workspaces

/// The targets of the default workspace: those of the jobs, and this server itself, which stores its own metrics there.
/// Other workspaces have none.
struct ScrapedTargets: Sendable {
  let own: OwnTarget
  let scrape: ScrapeView
  let registry: MetricsRegistry
  let links: WebLinks

  /// The targets of a pool, or of all, by pool.
  func active(_ workspace: Workspace, pool: String?) -> [TargetState] {
    guard isDefault(workspace) else { return [] }
    var all = scrape.activeTargets(pool)
    if pool ?? OwnTarget.pool == OwnTarget.pool, let own = ownState { all.append(own) }
    let pools = Dictionary(grouping: all, by: \.pool)
    return pools.keys.sorted().flatMap { pools[$0] ?? [] }
  }

  func dropped(_ workspace: Workspace, pool: String?) -> [DroppedTarget] {
    guard isDefault(workspace) else { return [] }
    let pools = Dictionary(grouping: scrape.droppedTargets(pool), by: \.pool)
    return pools.keys.sorted().flatMap { pools[$0] ?? [] }
  }

  /// By pool, the number of dropped targets, 0 among them.
  func droppedCounts(_ workspace: Workspace) -> [(pool: String, count: Int)] {
    guard isDefault(workspace) else { return [] }
    let counts = scrape.droppedCounts()
    return pools(workspace).map { ($0, counts[$0] ?? 0) }
  }

  /// The names of the pools, sorted.
  func pools(_ workspace: Workspace) -> [String] {
    guard isDefault(workspace) else { return [] }
    let own = self.own.current == nil ? [] : [OwnTarget.pool]
    return Set(scrape.pools() + own).sorted()
  }

  func metadata(_ workspace: Workspace) -> [(target: TargetState, metadata: [TargetMetadata])] {
    guard isDefault(workspace) else { return [] }
    var all = scrape.metadata()
    if let own = ownState {
      all.append((own, registry.families().map { TargetMetadata(metric: $0.name, metadata: $0.metadata) }))
    }
    let pools = Dictionary(grouping: all, by: \.target.pool)
    return pools.keys.sorted().flatMap { pools[$0] ?? [] }
  }

  func options(_ workspace: Workspace, of pool: String) -> ScrapeOptions? {
    isDefault(workspace) ? scrape.options(pool) : nil
  }

  private func isDefault(_ workspace: Workspace) -> Bool { workspace.id == WorkspaceSettings.defaultID }

  /// This server as a target; nil until its metrics have been stored once.
  private var ownState: TargetState? {
    guard let facts = own.current else { return nil }
    let interval = DurationText.format(facts.intervalMilliseconds)
    let discovered = Labels([
      ("__address__", facts.instance), ("__metrics_path__", links.routePrefix + "metrics"), ("__scheme__", "http"),
      ("__scrape_interval__", interval), ("__scrape_timeout__", interval), ("job", OwnTarget.pool),
    ])
    var state = TargetState(
      pool: OwnTarget.pool, discoveredLabels: discovered, labels: Labels(facts.labels),
      url: "http://\(facts.instance)\(links.routePrefix)metrics", intervalMilliseconds: facts.intervalMilliseconds,
      timeoutMilliseconds: facts.intervalMilliseconds)
    state.health = facts.lastError.isEmpty ? .up : .down
    state.lastError = facts.lastError
    state.lastMilliseconds = facts.lastMilliseconds
    state.lastSeconds = facts.lastSeconds
    return state
  }
}

import Platform

/// The metrics of all workspaces together. Any thread.
struct WorkspaceMetrics: Sendable {
  /// The reason why a write did not make its workspace.
  enum Refusal: String, CaseIterable {
    case limit, failed, busy
  }

  let unknownRequests: Counter
  private let refused: [Refusal: Counter]

  init(_ registry: MetricsRegistry) {
    unknownRequests = registry.counter(
      "apus_unknown_workspace_requests_total", "Requests that named a workspace which is not configured.")
    refused = Dictionary(
      uniqueKeysWithValues: Refusal.allCases.map {
        (
          $0,
          registry.counter(
            "apus_workspace_creations_refused_total",
            "Writes that did not make their workspace and were answered with 503.",
            labels: [("reason", $0.rawValue)])
        )
      })
  }

  func count(_ reason: Refusal) { refused[reason]?.add() }

  func collect(from set: WorkspaceSet, _ registry: MetricsRegistry) {
    registry.collect("apus_workspaces", "Workspaces that are served.", .gauge) { [weak set] in
      set.map { [(labels: [], value: Double($0.count))] } ?? []
    }
    let work = set.work
    registry.collect(
      "apus_total_retention_limit_bytes", "Bytes that all workspaces may take together; 0: any number.", .gauge
    ) { [weak work] in (work?.totalRetention.bytesMax).map { [(labels: [], value: Double($0))] } ?? [] }
    registry.collect(
      "apus_total_stored_bytes", "Bytes that blocks, logs and head chunks of all workspaces take together.", .gauge
    ) { [weak work] in (work?.totalRetention.bytes).map { [(labels: [], value: Double($0))] } ?? [] }
    registry.collect("apus_workspace_failed", "Workspaces that could not be opened: 1 for each.", .gauge) {
      [weak set] in
      (set?.failures.keys.sorted() ?? []).map { (labels: [("workspace", $0)], value: 1) }
    }
  }
}

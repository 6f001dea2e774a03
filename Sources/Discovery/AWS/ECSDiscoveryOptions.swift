import Outbound

/// `ecs_sd_configs`.
package struct ECSDiscoveryOptions: Sendable, Equatable {
  package var access = AWSSettings()
  /// An address instead of AWS's own, for ECS alone.
  package var endpoint = ""
  package var port = 80
  package var refreshMilliseconds: Int64 = 60_000
  /// Names or ARNs; empty: all clusters of the region.
  package var clusters: [String] = []
  package var requestConcurrency = 20
  /// Leaves out tasks that do not run yet, or not any more.
  package var isRunningOnly = false
  package var client = ClientSettings()

  package init() {}
}

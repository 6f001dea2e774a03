import Outbound

/// One entry of `consul_sd_configs`.
package struct ConsulDiscoveryOptions: Sendable, Equatable {
  /// `host:port`, or a URL.
  package var server = "localhost:8500"
  package var scheme = "http"
  package var pathPrefix = ""
  package var token = ""
  /// Empty: that of the agent.
  package var datacenter = ""
  package var namespace = ""
  package var partition = ""
  package var tagSeparator = ","
  package var username = ""
  package var password = ""
  /// Any server of Consul may answer, not only the leader.
  package var allowsStale = true
  /// At most one query for a service in this time.
  package var refreshMilliseconds: Int64 = 30_000
  /// None: all services.
  package var services: [String] = []
  /// Tags that an instance must have, all of them.
  package var tags: [String] = []
  package var nodeMetadata: [String: String] = [:]
  /// Expressions of Consul, of the catalog and of the instances.
  package var filter = ""
  package var healthFilter = ""
  package var client = ClientSettings()

  package init() {}
}

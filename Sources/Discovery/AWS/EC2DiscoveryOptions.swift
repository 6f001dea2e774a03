import Outbound

/// `ec2_sd_configs`.
package struct EC2DiscoveryOptions: Sendable, Equatable {
  package struct Filter: Sendable, Equatable {
    package var name = ""
    package var values: [String] = []

    package init() {}
  }

  package var access = AWSSettings()
  /// An address instead of AWS's own, for EC2 alone.
  package var endpoint = ""
  package var port = 80
  package var refreshMilliseconds: Int64 = 60_000
  package var filters: [Filter] = []
  package var client = ClientSettings()

  package init() {}
}

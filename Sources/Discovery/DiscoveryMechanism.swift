import Model
import Platform

/// The finder of the targets of one discovery.
package enum DiscoveryMechanism: Sendable {
  /// The configuration says them itself.
  case fixed([TargetGroup])
  /// It runs by itself.
  case discoverer(any Discoverer)
  /// It is asked once per interval, on the threads that all such share.
  case refreshable(any Refreshable)
}

// The table of the mechanisms: one line for each in either function.
extension DiscoveryOptions {
  /// The name in metrics and logs.
  package var name: String {
    switch self {
    case .fixed: "static"
    case .file: "file"
    case .http: "http"
    case .dns: "dns"
    case .ec2: "ec2"
    case .ecs: "ecs"
    case .kubernetes: "kubernetes"
    case .consul: "consul"
    }
  }

  /// Makes what finds the targets; nothing runs yet. The log in `surroundings` names the discovery and its job.
  package func makeMechanism(_ surroundings: DiscoverySurroundings) throws(DiscoveryError) -> DiscoveryMechanism {
    switch self {
    case .fixed(let groups): .fixed(groups)
    case .file(let options): .discoverer(FileDiscovery(options, surroundings))
    case .http(let options): .refreshable(HTTPDiscovery(options, surroundings))
    case .dns(let options): .refreshable(DNSDiscovery(options, surroundings))
    case .ec2(let options): .refreshable(EC2Discovery(options, surroundings))
    case .ecs(let options): .refreshable(ECSDiscovery(options, surroundings))
    case .kubernetes(let options): .discoverer(try surroundings.clusters.discoverer(options, surroundings))
    case .consul(let options): .discoverer(ConsulDiscovery(options, surroundings))
    }
  }
}

import Model
import Outbound

/// One discovery of a job as the configuration has it. Equal ones, of several jobs, run once.
package enum DiscoveryOptions: Sendable, Equatable {
  case fixed([TargetGroup])
  case file(FileDiscoveryOptions)
  case http(HTTPDiscoveryOptions)
  case dns(DNSDiscoveryOptions)
  case ec2(EC2DiscoveryOptions)
  case ecs(ECSDiscoveryOptions)
  case kubernetes(KubernetesDiscoveryOptions)
  case consul(ConsulDiscoveryOptions)
}

extension DiscoveryOptions {
  /// The same, with the files it names as the main configuration file means them: relative to its directory.
  package func relative(to directory: String) -> DiscoveryOptions {
    guard case .file(var options) = self else { return self }
    options.files = options.files.map { $0.isEmpty || $0.hasPrefix("/") ? $0 : PathPattern.join(directory, $0) }
    return .file(options)
  }
}

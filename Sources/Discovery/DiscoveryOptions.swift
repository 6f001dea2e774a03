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

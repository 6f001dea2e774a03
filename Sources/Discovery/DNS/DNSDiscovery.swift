import Model
import Platform
import Synchronization

/// Targets in the records of the domain name system. A name that cannot be looked up keeps its targets; one that does not
/// exist has none.
final class DNSDiscovery: Refreshable {
  static let nameLabel = "__meta_dns_name"

  private let options: DNSDiscoveryOptions
  private let resolver: DNSResolver
  private let log: Log
  private let metrics: DNSDiscoveryMetrics
  private let last = Mutex<[String: TargetGroup]>([:])

  init(_ options: DNSDiscoveryOptions, _ surroundings: DiscoverySurroundings, resolver: DNSResolver = DNSResolver()) {
    self.options = options
    self.resolver = resolver
    log = surroundings.log
    metrics = DNSDiscoveryMetrics(surroundings.registry)
  }

  var mechanism: String { "dns" }
  var intervalMilliseconds: Int64 { options.refreshMilliseconds }

  func refresh(isCancelled: @escaping @Sendable () -> Bool) throws(DiscoveryError) -> [TargetGroup] {
    let outcomes = resolver.lookUp(options.names, options.type, log: log, isCancelled: isCancelled)
    var groups = last.withLock { $0 }
    for (name, outcome) in zip(options.names, outcomes) {
      switch outcome {
      case .records(let records):
        metrics.lookups.add()
        groups[name] = group(name, records)
      case .failed(let error):
        metrics.lookups.add()
        metrics.failures.add()
        log.error("Error refreshing DNS targets", ["err": "\(error)"])
      case nil: break
      }
    }
    last.withLock { $0 = groups }
    return options.names.compactMap { groups[$0] }
  }

  private func group(_ name: String, _ records: [DNSMessage.Record]) -> TargetGroup {
    TargetGroup(source: name, targets: records.compactMap { target(name, $0.content) })
  }

  private func target(_ name: String, _ content: DNSMessage.Record.Content) -> Labels? {
    func labels(_ host: String, _ port: Int, _ more: [(name: String, value: String)] = []) -> Labels? {
      // The names in records end with a dot, addresses mostly do not. A name that is the dot alone means: no such service.
      var host = host[...]
      while host.hasSuffix(".") { host.removeLast() }
      if host.isEmpty { return nil }
      return Labels(
        [(TargetGroup.addressLabel, IPText.join(String(host), port)), (DNSDiscovery.nameLabel, name)] + more)
    }
    switch content {
    case .address(let address): return labels(address, options.port)
    case .srv(let target, let port):
      return labels(
        target, port,
        [("__meta_dns_srv_record_target", target), ("__meta_dns_srv_record_port", String(port))])
    case .mx(let target): return labels(target, options.port, [("__meta_dns_mx_record_target", target)])
    case .ns(let target): return labels(target, options.port, [("__meta_dns_ns_record_target", target)])
    case .cname: return nil
    case .other(let type):
      log.warn("Invalid record", ["name": name, "type": String(type)])
      return nil
    }
  }
}

/// `prometheus_sd_dns_*`.
struct DNSDiscoveryMetrics: Sendable {
  let lookups: Counter
  let failures: Counter

  init(_ registry: MetricsRegistry) {
    lookups = registry.counter("prometheus_sd_dns_lookups_total", "The number of DNS-SD lookups.")
    failures = registry.counter("prometheus_sd_dns_lookup_failures_total", "The number of DNS-SD lookup failures.")
  }
}

import Format
import Model

/// Reads what Consul answers. Pure.
enum ConsulAnswer {
  /// The datacenter of the agent.
  static func datacenter(_ body: [UInt8]) -> String? {
    body.lend { JSONDocument($0) }?["Config"]?["Datacenter"]?.text
  }

  /// The names of all services with the tags of each; nil where the body is none.
  static func services(_ body: [UInt8]) -> [(name: String, tags: [String])]? {
    guard case .object(let members)? = body.lend({ JSONDocument($0) }) else { return nil }
    return members.map { ($0.name, $0.value.elements.compactMap(\.text)) }
  }

  /// The group of a service; nil where the body is none.
  static func group(
    _ body: [UInt8], service: String, datacenter: String, tagSeparator: String
  ) -> TargetGroup? {
    guard let document = body.lend({ JSONDocument($0) }) else { return nil }
    let instances: [JSONDocument]
    switch document {
    case .array(let elements): instances = elements
    case .null: instances = []
    default: return nil
    }
    return TargetGroup(
      source: service,
      labels: Labels([("__meta_consul_service", service), ("__meta_consul_dc", datacenter)]),
      targets: instances.map { target($0, tagSeparator) })
  }

  private static func target(_ instance: JSONDocument, _ separator: String) -> Labels {
    let node = instance["Node"] ?? .null
    let service = instance["Service"] ?? .null
    let port = String(service.number("Port"))
    let own = service.string("Address")
    // A service may be registered through a node that it does not run on.
    var pairs: [(name: String, value: String)] = [
      ("__address__", MetaLabelName.address(own.isEmpty ? node.string("Address") : own, port: port))
    ]
    func set(_ name: String, _ value: String) { pairs.append(("__meta_consul_" + name, value)) }
    set("address", node.string("Address"))
    set("node", node.string("Node"))
    set("namespace", service.string("Namespace"))
    set("partition", service.string("Partition"))
    // Separators at both ends: a rule need not know where in the list a tag stands.
    set("tags", separator + service.strings("Tags").joined(separator: separator) + separator)
    set("service_address", own)
    set("service_port", port)
    set("service_id", service.string("ID"))
    set("health", health(instance.list("Checks")))
    for (prefix, maps) in [
      ("metadata_", node.pairs("Meta")), ("service_metadata_", service.pairs("Meta")),
      ("tagged_address_", node.pairs("TaggedAddresses")),
    ] {
      for pair in maps { set(prefix + MetaLabelName.sanitized(pair.name), pair.value) }
    }
    return Labels(pairs)
  }

  /// The worst of the checks; empty where one has a status that nobody knows.
  static func health(_ checks: [JSONDocument]) -> String {
    var seen: Set<String> = []
    for check in checks {
      let id = check.string("CheckID")
      if id == "_node_maintenance" || id.hasPrefix("_service_maintenance:") {
        seen.insert("maintenance")
        continue
      }
      let status = check.string("Status")
      guard ["passing", "warning", "critical"].contains(status) else { return "" }
      seen.insert(status)
    }
    return ["maintenance", "critical", "warning"].first { seen.contains($0) } ?? "passing"
  }
}

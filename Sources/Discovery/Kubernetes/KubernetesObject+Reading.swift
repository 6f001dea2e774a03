import Format
import Model

// Objects from the JSON that the API sends. A field that is missing, or of another type than the API says, is empty.

extension KubernetesObject {
  /// Nil where the bytes are no JSON object with a name.
  init?(_ bytes: [UInt8], _ kind: KubernetesKind) {
    guard let document = bytes.lend({ JSONDocument($0) }) else { return nil }
    self.init(document, kind)
  }

  init?(_ document: JSONDocument, _ kind: KubernetesKind) {
    guard let metadata = document["metadata"].flatMap({ KubernetesMetadata($0) }) else { return nil }
    self.metadata = metadata
    switch kind {
    case .pod: content = .pod(KubernetesPod(document))
    case .service: content = .service(KubernetesService(document))
    case .endpoints: content = .endpoints(KubernetesEndpoints(document))
    case .endpointslice: content = .slice(KubernetesSlice(document))
    case .ingress: content = .ingress(KubernetesIngress(document))
    case .node: content = .node(KubernetesNode(document))
    case .namespace: content = .none
    case .replicaset, .job:
      content = .none
      // Only their owner is of use.
      self.metadata.labels = []
      self.metadata.annotations = []
    }
  }
}

extension JSONDocument {
  /// The text of a member; empty where there is none.
  func string(_ name: String) -> String { self[name]?.text ?? "" }

  func number(_ name: String) -> Int64 { self[name]?.integer ?? 0 }

  func boolean(_ name: String) -> Bool? { if case .bool(let value)? = self[name] { value } else { nil } }

  func list(_ name: String) -> [JSONDocument] { self[name]?.elements ?? [] }

  func strings(_ name: String) -> [String] { list(name).compactMap(\.text) }

  func pairs(_ name: String) -> [KubernetesPair] {
    guard case .object(let members)? = self[name] else { return [] }
    return members.compactMap { member in member.value.text.map { KubernetesPair(name: member.name, value: $0) } }
  }

  /// The members of a list of objects that name each of them and say something of it.
  func pairs(_ list: String, _ name: String, _ value: String) -> [KubernetesPair] {
    self.list(list).map { KubernetesPair(name: $0.string(name), value: $0.string(value)) }
  }
}

extension KubernetesMetadata {
  init?(_ metadata: JSONDocument) {
    guard let name = metadata["name"]?.text, !name.isEmpty else { return nil }
    self.name = name
    namespace = metadata.string("namespace")
    uid = metadata.string("uid")
    labels = metadata.pairs("labels")
    annotations = metadata.pairs("annotations")
    controller = metadata.list("ownerReferences").first { $0.boolean("controller") == true }.map {
      KubernetesReference(kind: $0.string("kind"), name: $0.string("name"))
    }
  }
}

extension KubernetesPod {
  init(_ document: JSONDocument) {
    let spec = document["spec"] ?? .null
    let status = document["status"] ?? .null
    ip = status.string("podIP")
    hostIP = status.string("hostIP")
    nodeName = spec.string("nodeName")
    phase = status.string("phase")
    let condition = status.list("conditions").first { $0.string("type") == "Ready" }
    ready = (condition?.string("status") ?? "Unknown").lowercased()
    containers =
      Self.containers(spec.list("containers"), status.list("containerStatuses"), isInit: false)
      + Self.containers(spec.list("initContainers"), status.list("initContainerStatuses"), isInit: true)
  }

  private static func containers(
    _ containers: [JSONDocument], _ states: [JSONDocument], isInit: Bool
  ) -> [Container] {
    containers.map { container in
      let name = container.string("name")
      let ports = container.list("ports").map {
        Port(name: $0.string("name"), number: $0.number("containerPort"), protocolName: $0.string("protocol"))
      }
      let state = states.first { $0.string("name") == name }
      return Container(
        name: name, image: container.string("image"), id: state?.string("containerID") ?? "", isInit: isInit,
        ports: ports)
    }
  }
}

extension KubernetesService {
  init(_ document: JSONDocument) {
    let spec = document["spec"] ?? .null
    type = spec.string("type")
    clusterIP = spec.string("clusterIP")
    externalName = spec.string("externalName")
    let balancers = document["status"]?["loadBalancer"]?.list("ingress").map { $0.string("ip") } ?? []
    let addresses = balancers.filter { !$0.isEmpty }.joined(separator: ",")
    loadBalancerIPs = addresses.isEmpty ? spec.string("loadBalancerIP") : addresses
    let policy = spec.string("ipFamilyPolicy")
    let isDual = policy == "PreferDualStack" || policy == "RequireDualStack"
    primaryFamily = isDual ? spec.strings("ipFamilies").first : nil
    ports = spec.list("ports").map {
      Port(name: $0.string("name"), number: $0.number("port"), protocolName: $0.string("protocol"))
    }
  }
}

extension KubernetesTargetReference {
  init?(_ document: JSONDocument?) {
    guard let document, document != .null else { return nil }
    kind = document.string("kind")
    name = document.string("name")
    namespace = document.string("namespace")
  }
}

extension KubernetesEndpoints {
  init(_ document: JSONDocument) {
    subsets = document.list("subsets").map { subset in
      Subset(
        addresses: Self.addresses(subset.list("addresses"), isReady: true)
          + Self.addresses(subset.list("notReadyAddresses"), isReady: false),
        ports: subset.list("ports").map {
          Port(name: $0.string("name"), number: $0.number("port"), protocolName: $0.string("protocol"))
        })
    }
  }

  private static func addresses(_ addresses: [JSONDocument], isReady: Bool) -> [Address] {
    addresses.map {
      Address(
        ip: $0.string("ip"), hostname: $0.string("hostname"), nodeName: $0["nodeName"]?.text,
        target: KubernetesTargetReference($0["targetRef"]), isReady: isReady)
    }
  }
}

extension KubernetesSlice {
  init(_ document: JSONDocument) {
    addressType = document.string("addressType")
    endpoints = document.list("endpoints").map { endpoint in
      let conditions = endpoint["conditions"] ?? .null
      return Endpoint(
        addresses: endpoint.strings("addresses"), ready: conditions.boolean("ready"),
        serving: conditions.boolean("serving"), terminating: conditions.boolean("terminating"),
        hostname: endpoint["hostname"]?.text, nodeName: endpoint["nodeName"]?.text, zone: endpoint["zone"]?.text,
        target: KubernetesTargetReference(endpoint["targetRef"]), topology: endpoint.pairs("deprecatedTopology"))
    }
    ports = document.list("ports").map {
      Port(
        name: $0["name"]?.text, number: $0["port"]?.integer, protocolName: $0["protocol"]?.text,
        appProtocol: $0["appProtocol"]?.text)
    }
  }
}

extension KubernetesIngress {
  init(_ document: JSONDocument) {
    let spec = document["spec"] ?? .null
    className = spec["ingressClassName"]?.text
    tlsHosts = spec.list("tls").flatMap { $0.strings("hosts") }
    rules = spec.list("rules").map { rule in
      let paths = rule["http"].flatMap { $0 == .null ? nil : $0.list("paths").map { $0.string("path") } }
      return Rule(host: rule.string("host"), paths: paths)
    }
  }
}

extension KubernetesNode {
  init(_ document: JSONDocument) {
    providerID = document["spec"]?.string("providerID") ?? ""
    let status = document["status"] ?? .null
    addresses = status.pairs("addresses", "type", "address")
    conditions = status.pairs("conditions", "type", "status")
    kubeletPort = status["daemonEndpoints"]?["kubeletEndpoint"]?.number("Port") ?? 0
  }
}

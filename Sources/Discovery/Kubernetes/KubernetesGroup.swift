import Model

// Groups of targets from objects: a group for each pod, service, endpoints, slice, ingress or node. Pure; the labels are
// Prometheus's.

/// The objects that the ones of a group refer to.
protocol KubernetesLookup {
  func object(_ kind: KubernetesKind, _ key: String) -> KubernetesObject?
}

/// Labels under way: pairs in the order they were set, of doubled names the last one counts.
struct KubernetesLabels {
  static let prefix = "__meta_kubernetes_"
  private(set) var pairs: [(name: String, value: String)] = []

  /// Sets `__meta_kubernetes_<name>`.
  mutating func set(_ name: String, _ value: String) { pairs.append((Self.prefix + name, value)) }
  mutating func set(_ name: String, _ value: String?) { if let value { set(name, value) } }
  mutating func set(_ name: String, _ value: Bool?) { if let value { set(name, value ? "true" : "false") } }

  /// Sets a label outside the prefix.
  mutating func setPlain(_ name: String, _ value: String) { pairs.append((name, value)) }

  mutating func setAddress(_ host: String, port: Int64) {
    setPlain("__address__", MetaLabelName.address(host, port: String(port)))
  }

  mutating func add(_ other: KubernetesLabels) { pairs += other.pairs }

  /// Sets the labels and annotations of an object.
  mutating func addMaps(_ metadata: KubernetesMetadata, _ resource: String) {
    for pair in metadata.labels {
      let name = MetaLabelName.sanitized(pair.name)
      set("\(resource)_label_\(name)", pair.value)
      set("\(resource)_labelpresent_\(name)", "true")
    }
    for pair in metadata.annotations {
      let name = MetaLabelName.sanitized(pair.name)
      set("\(resource)_annotation_\(name)", pair.value)
      set("\(resource)_annotationpresent_\(name)", "true")
    }
  }

  /// Sets the name, labels and annotations of an object.
  mutating func addMetadata(_ metadata: KubernetesMetadata, _ resource: String) {
    set("\(resource)_name", metadata.name)
    addMaps(metadata, resource)
  }

  var labels: Labels { Labels(pairs) }
}

/// Makes the groups of one discovery.
struct KubernetesGroup {
  let role: KubernetesDiscoveryOptions.Role
  let attached: KubernetesDiscoveryOptions.Attached
  let others: any KubernetesLookup

  /// The source of the object with this key.
  static func source(_ role: KubernetesDiscoveryOptions.Role, _ key: String) -> String {
    role == .service ? "svc/\(key)" : "\(role.rawValue)/\(key)"
  }

  /// The group of an object; nil for a node without an address, whose last group stays.
  func group(_ object: KubernetesObject) -> TargetGroup? {
    let source = Self.source(role, object.metadata.key)
    switch object.content {
    case .pod(let pod): return podGroup(object, pod, source)
    case .service(let service): return serviceGroup(object, service, source)
    case .endpoints(let endpoints): return endpointsGroup(object, endpoints, source)
    case .slice(let slice): return sliceGroup(object, slice, source)
    case .ingress(let ingress): return ingressGroup(object, ingress, source)
    case .node(let node): return nodeGroup(object, node, source)
    case .none: return TargetGroup(source: source, targets: [])
    }
  }

  // MARK: Parts that several roles share

  func serviceLabels(_ service: KubernetesObject) -> KubernetesLabels {
    var labels = KubernetesLabels()
    labels.set("namespace", service.metadata.namespace)
    labels.addMetadata(service.metadata, "service")
    return labels
  }

  /// Adds the labels and annotations of the object's namespace, where they are asked for.
  func addNamespace(_ name: String, to labels: inout KubernetesLabels) {
    guard attached.namespace, let namespace = others.object(.namespace, name) else { return }
    labels.addMaps(namespace.metadata, "namespace")
  }

  func addNode(_ name: String?, to labels: inout KubernetesLabels) {
    guard attached.node, let name, let node = others.object(.node, name) else { return }
    labels.addMetadata(node.metadata, "node")
  }

  func podLabels(_ object: KubernetesObject, _ pod: KubernetesPod) -> KubernetesLabels {
    var labels = KubernetesLabels()
    labels.set("pod_ip", pod.ip)
    labels.set("pod_ready", pod.ready)
    labels.set("pod_phase", pod.phase)
    labels.set("pod_node_name", pod.nodeName)
    labels.set("pod_host_ip", pod.hostIP)
    labels.set("pod_uid", object.metadata.uid)
    labels.addMetadata(object.metadata, "pod")
    guard let controller = object.metadata.controller else { return labels }
    labels.set("pod_controller_kind", controller.kind)
    labels.set("pod_controller_name", controller.name)
    let key = KubernetesMetadata.key(object.metadata.namespace, controller.name)
    if controller.kind == "ReplicaSet", attached.deployment {
      labels.set("pod_deployment_name", owner(of: .replicaset, key, kind: "Deployment"))
    } else if controller.kind == "Job" {
      if attached.job { labels.set("pod_job_name", controller.name) }
      if attached.cronjob { labels.set("pod_cronjob_name", owner(of: .job, key, kind: "CronJob")) }
    }
    return labels
  }

  private func owner(of kind: KubernetesKind, _ key: String, kind owner: String) -> String? {
    guard let controller = others.object(kind, key)?.metadata.controller, controller.kind == owner else { return nil }
    return controller.name
  }

  func containerLabels(
    _ container: KubernetesPod.Container, _ port: KubernetesPod.Port, protocolName: String
  ) -> KubernetesLabels {
    var labels = KubernetesLabels()
    labels.set("pod_container_name", container.name)
    labels.set("pod_container_image", container.image)
    labels.set("pod_container_port_name", port.name)
    labels.set("pod_container_port_number", String(port.number))
    labels.set("pod_container_port_protocol", protocolName)
    labels.set("pod_container_init", container.isInit)
    return labels
  }
}

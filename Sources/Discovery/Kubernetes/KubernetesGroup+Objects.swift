import Model

// Groups of the roles whose objects stand for themselves: pod, service, ingress, node.

extension KubernetesGroup {
  func podGroup(_ object: KubernetesObject, _ pod: KubernetesPod, _ source: String) -> TargetGroup {
    let none = TargetGroup(source: source, targets: [])
    if pod.ip.isEmpty { return none }
    // Pods on nodes that the selector of nodes leaves out.
    if attached.node, others.object(.node, pod.nodeName) == nil { return none }
    var labels = podLabels(object, pod)
    labels.set("namespace", object.metadata.namespace)
    addNode(pod.nodeName, to: &labels)
    addNamespace(object.metadata.namespace, to: &labels)
    let targets = pod.containers.flatMap { containerTargets($0, ip: pod.ip) }
    return TargetGroup(source: source, labels: labels.labels, targets: targets)
  }

  private func containerTargets(_ container: KubernetesPod.Container, ip: String) -> [Labels] {
    if container.ports.isEmpty {
      var target = KubernetesLabels()
      target.setPlain("__address__", ip)
      target.set("pod_container_name", container.name)
      target.set("pod_container_id", container.id)
      target.set("pod_container_image", container.image)
      target.set("pod_container_init", container.isInit)
      return [target.labels]
    }
    return container.ports.map { port in
      var target = containerLabels(container, port, protocolName: port.protocolName)
      target.setAddress(ip, port: port.number)
      target.set("pod_container_id", container.id)
      return target.labels
    }
  }

  func serviceGroup(_ object: KubernetesObject, _ service: KubernetesService, _ source: String) -> TargetGroup {
    var labels = serviceLabels(object)
    addNamespace(object.metadata.namespace, to: &labels)
    let host = "\(object.metadata.name).\(object.metadata.namespace).svc"
    let targets = service.ports.map { port in
      var target = KubernetesLabels()
      target.setAddress(host, port: port.number)
      target.set("service_port_name", port.name)
      target.set("service_port_number", String(port.number))
      target.set("service_port_protocol", port.protocolName)
      target.set("service_type", service.type)
      if service.type == "ExternalName" {
        target.set("service_external_name", service.externalName)
      } else {
        target.set("service_cluster_ip", service.clusterIP)
      }
      if service.type == "LoadBalancer" { target.set("service_loadbalancer_ip", service.loadBalancerIPs) }
      return target.labels
    }
    return TargetGroup(source: source, labels: labels.labels, targets: targets)
  }

  func ingressGroup(_ object: KubernetesObject, _ ingress: KubernetesIngress, _ source: String) -> TargetGroup {
    var labels = KubernetesLabels()
    labels.set("namespace", object.metadata.namespace)
    labels.set("ingress_class_name", ingress.className)
    labels.addMetadata(object.metadata, "ingress")
    addNamespace(object.metadata.namespace, to: &labels)
    let targets = ingress.rules.flatMap { rule in
      let isSecure = ingress.tlsHosts.contains { Self.isMatch($0, rule.host) }
      return (rule.paths ?? ["/"]).map { path in
        var target = KubernetesLabels()
        target.setPlain("__address__", rule.host)
        target.set("ingress_scheme", isSecure ? "https" : "http")
        target.set("ingress_host", rule.host)
        target.set("ingress_path", path.isEmpty ? "/" : path)
        return target.labels
      }
    }
    return TargetGroup(source: source, labels: labels.labels, targets: targets)
  }

  /// True if the pattern is the host, or has `*` for its first part.
  static func isMatch(_ pattern: String, _ host: String) -> Bool {
    if pattern == host { return true }
    let parts = pattern.split(separator: ".", omittingEmptySubsequences: false)
    let hostParts = host.split(separator: ".", omittingEmptySubsequences: false)
    return parts.first == "*" && parts.count == hostParts.count && parts.dropFirst() == hostParts.dropFirst()
  }

  private static let addressTypes = [
    "InternalIP", "InternalDNS", "ExternalIP", "ExternalDNS", "LegacyHostIP", "Hostname",
  ]

  func nodeGroup(_ object: KubernetesObject, _ node: KubernetesNode, _ source: String) -> TargetGroup? {
    let first = Self.addressTypes.lazy.compactMap { type in node.addresses.first { $0.name == type } }.first
    guard let first else { return nil }
    var labels = KubernetesLabels()
    labels.set("node_provider_id", node.providerID)
    for condition in node.conditions {
      labels.set(
        "node_condition_" + MetaLabelName.sanitized(condition.name.lowercased()), condition.value.lowercased())
    }
    labels.addMetadata(object.metadata, "node")
    var target = KubernetesLabels()
    target.setAddress(first.value, port: node.kubeletPort)
    target.setPlain(LabelName.instance, object.metadata.name)
    // Of several of one type the first: the later one set is the one that counts.
    for address in node.addresses.reversed() {
      target.set("node_address_" + MetaLabelName.sanitized(address.name), address.value)
    }
    return TargetGroup(source: source, labels: labels.labels, targets: [target.labels])
  }
}

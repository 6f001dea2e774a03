import Model

// Groups of the roles that name addresses of a service: endpoints and endpointslice. Each address and port is a target; so
// are the ports of the pods behind them that the service does not name.

extension KubernetesGroup {
  /// The pods behind a group's addresses, in the order they were met, with the ports that the service names.
  private struct PodsSeen {
    var keys: [String] = []
    var ports: [String: Set<Int64>] = [:]

    mutating func add(_ key: String, _ port: Int64?) {
      if ports[key] == nil {
        keys.append(key)
        ports[key] = []
      }
      if let port { ports[key]?.insert(port) }
    }
  }

  func endpointsGroup(_ object: KubernetesObject, _ endpoints: KubernetesEndpoints, _ source: String) -> TargetGroup {
    var labels = KubernetesLabels()
    labels.set("namespace", object.metadata.namespace)
    if let service = others.object(.service, object.metadata.key) { labels.add(serviceLabels(service)) }
    labels.addMetadata(object.metadata, "endpoints")
    addNamespace(object.metadata.namespace, to: &labels)
    var targets: [Labels] = []
    var seen = PodsSeen()
    for subset in endpoints.subsets {
      for port in subset.ports {
        for address in subset.addresses { targets.append(target(address, port, &seen)) }
      }
    }
    return TargetGroup(source: source, labels: labels.labels, targets: targets + otherPorts(seen))
  }

  private func target(
    _ address: KubernetesEndpoints.Address, _ port: KubernetesEndpoints.Port, _ seen: inout PodsSeen
  ) -> Labels {
    var target = KubernetesLabels()
    target.setAddress(address.ip, port: port.number)
    target.set("endpoint_port_name", port.name)
    target.set("endpoint_port_protocol", port.protocolName)
    target.set("endpoint_ready", address.isReady)
    target.set("endpoint_address_target_kind", address.target?.kind)
    target.set("endpoint_address_target_name", address.target?.name)
    target.set("endpoint_node_name", address.nodeName)
    target.set("endpoint_hostname", address.hostname)
    let owner = address.target?.kind == "Node" ? address.target?.name : nil
    addNode(address.nodeName ?? owner, to: &target)
    addPod(address.target, port.number, protocolName: port.protocolName, to: &target, &seen)
    return target.labels
  }

  func sliceGroup(_ object: KubernetesObject, _ slice: KubernetesSlice, _ source: String) -> TargetGroup {
    var labels = KubernetesLabels()
    labels.set("namespace", object.metadata.namespace)
    labels.set("endpointslice_address_type", slice.addressType)
    labels.addMetadata(object.metadata, "endpointslice")
    let service = object.metadata.label("kubernetes.io/service-name").flatMap {
      others.object(.service, KubernetesMetadata.key(object.metadata.namespace, $0))
    }
    if let service { labels.add(serviceLabels(service)) }
    addNamespace(object.metadata.namespace, to: &labels)
    // The slice of the second family of a service names the same pods again.
    if let family = service?.service?.primaryFamily, family != slice.addressType {
      return TargetGroup(source: source, labels: labels.labels, targets: [])
    }
    var targets: [Labels] = []
    var seen = PodsSeen()
    for endpoint in slice.endpoints {
      for port in slice.ports {
        for address in endpoint.addresses { targets.append(target(address, endpoint, port, &seen)) }
      }
    }
    return TargetGroup(source: source, labels: labels.labels, targets: targets + otherPorts(seen))
  }

  private func target(
    _ address: String, _ endpoint: KubernetesSlice.Endpoint, _ port: KubernetesSlice.Port, _ seen: inout PodsSeen
  ) -> Labels {
    var target = KubernetesLabels()
    if let number = port.number {
      target.setAddress(address, port: number)
    } else {
      target.setPlain("__address__", address)
    }
    target.set("endpointslice_port_name", port.name)
    target.set("endpointslice_port_protocol", port.protocolName)
    target.set("endpointslice_port", port.number.map { String($0) })
    target.set("endpointslice_port_app_protocol", port.appProtocol)
    target.set("endpointslice_endpoint_conditions_ready", endpoint.ready)
    target.set("endpointslice_endpoint_conditions_serving", endpoint.serving)
    target.set("endpointslice_endpoint_conditions_terminating", endpoint.terminating)
    target.set("endpointslice_endpoint_hostname", endpoint.hostname)
    target.set("endpointslice_address_target_kind", endpoint.target?.kind)
    target.set("endpointslice_address_target_name", endpoint.target?.name)
    target.set("endpointslice_endpoint_node_name", endpoint.nodeName)
    target.set("endpointslice_endpoint_zone", endpoint.zone)
    for pair in endpoint.topology {
      let name = MetaLabelName.sanitized(pair.name)
      target.set("endpointslice_endpoint_topology_\(name)", pair.value)
      target.set("endpointslice_endpoint_topology_present_\(name)", "true")
    }
    addNode(endpoint.target?.kind == "Node" ? endpoint.target?.name : endpoint.nodeName, to: &target)
    addPod(endpoint.target, port.number, protocolName: nil, to: &target, &seen)
    return target.labels
  }

  /// Adds the labels of the pod that an address belongs to, and of the container that has the port. `protocolName`: instead
  /// of the container's.
  private func addPod(
    _ reference: KubernetesTargetReference?, _ port: Int64?, protocolName: String?,
    to target: inout KubernetesLabels, _ seen: inout PodsSeen
  ) {
    guard let key = reference?.podKey, let object = others.object(.pod, key), let pod = object.pod else { return }
    seen.add(key, port)
    target.add(podLabels(object, pod))
    for container in pod.containers {
      guard let named = container.ports.first(where: { $0.number == port }) else { continue }
      target.add(containerLabels(container, named, protocolName: protocolName ?? named.protocolName))
    }
  }

  /// A target for each port of the pods that their service does not name.
  private func otherPorts(_ seen: PodsSeen) -> [Labels] {
    seen.keys.flatMap { key -> [Labels] in
      guard let object = others.object(.pod, key), let pod = object.pod, !pod.ip.isEmpty else { return [] }
      let labels = podLabels(object, pod)
      return pod.containers.flatMap { container in
        container.ports.filter { seen.ports[key]?.contains($0.number) != true }.map { port in
          var target = containerLabels(container, port, protocolName: port.protocolName)
          target.setAddress(pod.ip, port: port.number)
          target.add(labels)
          return target.labels
        }
      }
    }
  }
}

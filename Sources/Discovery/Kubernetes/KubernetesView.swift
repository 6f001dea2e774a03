import Model

/// A discovery's part as the mirror serves it: what has changed since its groups were told last.
struct KubernetesView {
  let part: KubernetesPart
  let role: KubernetesDiscoveryOptions.Role
  let attached: KubernetesDiscoveryOptions.Attached

  /// Keys of objects of the primary resource that have changed or gone.
  private var changed: Set<String> = []
  /// Keys of other objects that have changed, by kind.
  private var changedOthers: [KubernetesKind: Set<String>] = [:]
  /// Keys of the groups that were told and not removed.
  private var told: Set<String> = []
  /// True until the first groups were told.
  private var isNew = true

  init(_ part: KubernetesPart, _ options: KubernetesDiscoveryOptions) {
    self.part = part
    role = options.role
    attached = options.attached
  }

  /// Resources that must have been listed before a group is told.
  var required: [KubernetesResource] { part.resources.filter { !part.optional.contains($0.kind) } }

  var hasChanges: Bool { isNew || !changed.isEmpty || !changedOthers.isEmpty }

  mutating func mark(_ resource: KubernetesResource, _ key: String) {
    // All are told at first.
    if isNew { return }
    if resource == part.primary {
      changed.insert(key)
    } else if part.others.contains(resource) {
      changedOthers[resource.kind, default: []].insert(key)
    }
  }

  /// The groups of what has changed; a group without targets is one that has gone.
  mutating func takeGroups(objects: [String: KubernetesObject], _ links: any KubernetesLookup) -> [TargetGroup] {
    let maker = KubernetesGroup(role: role, attached: attached, others: links)
    var keys = isNew ? Set(objects.keys) : changed
    if !changedOthers.isEmpty {
      for (key, object) in objects where !keys.contains(key) && refersToChanged(object) { keys.insert(key) }
    }
    isNew = false
    changed = []
    changedOthers = [:]
    return keys.sorted().compactMap { key in
      guard let object = objects[key] else {
        return told.remove(key) == nil ? nil : TargetGroup(source: KubernetesGroup.source(role, key), targets: [])
      }
      guard let group = maker.group(object) else { return nil }
      let isKnown = told.contains(key)
      if group.targets.isEmpty {
        told.remove(key)
        return isKnown ? group : nil
      }
      told.insert(key)
      return group
    }
  }

  /// True if labels of the object's group come from an object that has changed.
  private func refersToChanged(_ object: KubernetesObject) -> Bool {
    let metadata = object.metadata
    if hasChanged(.namespace, metadata.namespace) { return true }
    switch object.content {
    case .pod(let pod):
      return hasChanged(.node, pod.nodeName) || hasChangedOwner(metadata)
    case .endpoints(let endpoints):
      return hasChanged(.service, metadata.key)
        || endpoints.subsets.contains { subset in
          subset.addresses.contains { refersToChanged($0.target, node: $0.nodeName, in: metadata.namespace) }
        }
    case .slice(let slice):
      let service = metadata.label("kubernetes.io/service-name").map { KubernetesMetadata.key(metadata.namespace, $0) }
      return hasChanged(.service, service)
        || slice.endpoints.contains { refersToChanged($0.target, node: $0.nodeName, in: metadata.namespace) }
    case .service, .ingress, .node, .none: return false
    }
  }

  private func refersToChanged(_ target: KubernetesTargetReference?, node: String?, in namespace: String) -> Bool {
    if hasChanged(.node, node) || target?.kind == "Node" && hasChanged(.node, target?.name) { return true }
    if hasChanged(.pod, target?.podKey) { return true }
    // Which pods belong to a changed owner is not known here: all of the namespace may.
    return [KubernetesKind.replicaset, .job].contains { kind in
      changedOthers[kind]?.contains { $0.hasPrefix(namespace + "/") } == true
    }
  }

  private func hasChangedOwner(_ metadata: KubernetesMetadata) -> Bool {
    guard let controller = metadata.controller else { return false }
    let key = KubernetesMetadata.key(metadata.namespace, controller.name)
    switch controller.kind {
    case "ReplicaSet": return hasChanged(.replicaset, key)
    case "Job": return hasChanged(.job, key)
    default: return false
    }
  }

  private func hasChanged(_ kind: KubernetesKind, _ key: String?) -> Bool {
    guard let key, let keys = changedOthers[kind] else { return false }
    return keys.contains(key)
  }
}

/// The kinds of objects that discoveries look at.
enum KubernetesKind: String, CaseIterable, Sendable {
  case pod, service, endpoints, endpointslice, ingress, node, namespace, replicaset, job

  /// True if the objects lie in a namespace.
  var isNamespaced: Bool { self != .node && self != .namespace }

  private var group: String {
    switch self {
    case .pod, .service, .endpoints, .node, .namespace: "/api/v1"
    case .endpointslice: "/apis/discovery.k8s.io/v1"
    case .ingress: "/apis/networking.k8s.io/v1"
    case .replicaset: "/apis/apps/v1"
    case .job: "/apis/batch/v1"
    }
  }

  private var plural: String {
    switch self {
    case .endpoints: "endpoints"
    case .ingress: "ingresses"
    default: rawValue + "s"
    }
  }

  /// The path of all objects of the kind, or of those of one namespace.
  func path(namespace: String) -> String {
    namespace.isEmpty || !isNamespaced ? "\(group)/\(plural)" : "\(group)/namespaces/\(namespace)/\(plural)"
  }
}

/// The objects that one list and one watch give: a kind, a namespace, filters. Discoveries with equal ones share them.
struct KubernetesResource: Hashable, Sendable, CustomStringConvertible {
  var kind: KubernetesKind
  /// Empty: all namespaces.
  var namespace = ""
  var labelSelector = ""
  var fieldSelector = ""

  var path: String { kind.path(namespace: namespace) }

  var description: String { [path, labelSelector, fieldSelector].filter { !$0.isEmpty }.joined(separator: " ") }
}

/// The resources that one discovery needs in one namespace, or in all.
struct KubernetesPart: Equatable, Sendable {
  /// Each of its objects is a group of targets.
  var primary: KubernetesResource
  /// The others, by kind: at most one of each.
  var others: [KubernetesResource]
  /// Kinds among them without which groups are made, too.
  var optional: Set<KubernetesKind> = []

  var resources: [KubernetesResource] { [primary] + others }

  func resource(_ kind: KubernetesKind) -> KubernetesResource? {
    primary.kind == kind ? primary : others.first { $0.kind == kind }
  }
}

extension KubernetesDiscoveryOptions {
  /// A part for each namespace. `ownNamespace`: the name that the service account has, where it is asked for.
  func parts(ownNamespace name: String?) -> [KubernetesPart] {
    var names = namespaces
    if let name, ownNamespace, !name.isEmpty { names.append(name) }
    if role == .node || names.isEmpty { names = [""] }
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }.map(part)
  }

  private func part(namespace: String) -> KubernetesPart {
    var others: [KubernetesKind] = []
    let usesPods = role == .endpoints || role == .endpointslice
    if usesPods { others += [.service, .pod] }
    let hasPods = usesPods || role == .pod
    if attached.node && hasPods { others.append(.node) }
    if attached.namespace && role != .node { others.append(.namespace) }
    if attached.deployment && hasPods { others.append(.replicaset) }
    if (attached.job || attached.cronjob) && hasPods { others.append(.job) }
    return KubernetesPart(
      primary: resource(KubernetesKind(rawValue: role.rawValue) ?? .pod, namespace),
      others: others.map { resource($0, namespace) },
      optional: usesPods ? [.replicaset, .job] : [])
  }

  private func resource(_ kind: KubernetesKind, _ namespace: String) -> KubernetesResource {
    let selector = selectors.first { $0.role == kind.rawValue } ?? Selector()
    return KubernetesResource(
      kind: kind, namespace: kind.isNamespaced ? namespace : "", labelSelector: selector.label,
      fieldSelector: selector.field)
  }
}

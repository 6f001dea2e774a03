// The objects of a cluster as discoveries keep them: the fields that labels are made of, and no others.

/// One key of a map of an object, in the order that the API sends.
struct KubernetesPair: Equatable, Sendable {
  var name: String
  var value: String
}

/// The name of another object.
struct KubernetesReference: Equatable, Sendable {
  var kind: String
  var name: String
}

/// The metadata that all kinds have.
struct KubernetesMetadata: Equatable, Sendable {
  var name: String
  var namespace = ""
  var uid = ""
  var labels: [KubernetesPair] = []
  var annotations: [KubernetesPair] = []
  /// The owner that made it.
  var controller: KubernetesReference?

  /// Unique among the objects of a kind.
  var key: String { KubernetesMetadata.key(namespace, name) }

  static func key(_ namespace: String, _ name: String) -> String { namespace.isEmpty ? name : "\(namespace)/\(name)" }

  func label(_ name: String) -> String? { labels.first { $0.name == name }?.value }
}

struct KubernetesObject: Equatable, Sendable {
  var metadata: KubernetesMetadata
  var content: Content

  enum Content: Equatable, Sendable {
    case pod(KubernetesPod)
    case service(KubernetesService)
    case endpoints(KubernetesEndpoints)
    case slice(KubernetesSlice)
    case ingress(KubernetesIngress)
    case node(KubernetesNode)
    /// Namespaces, replica sets, jobs: their metadata alone are of use.
    case none
  }

  var pod: KubernetesPod? { if case .pod(let pod) = content { pod } else { nil } }
  var service: KubernetesService? { if case .service(let service) = content { service } else { nil } }
}

struct KubernetesPod: Equatable, Sendable {
  struct Port: Equatable, Sendable {
    var name: String
    var number: Int64
    var protocolName: String
  }

  struct Container: Equatable, Sendable {
    var name: String
    var image: String
    /// Empty until it runs.
    var id: String
    var isInit: Bool
    var ports: [Port]
  }

  /// Empty while the pod starts, and once it is evicted.
  var ip: String
  var hostIP: String
  var nodeName: String
  var phase: String
  /// `true`, `false` or `unknown`.
  var ready: String
  /// Init containers behind the others.
  var containers: [Container]
}

struct KubernetesService: Equatable, Sendable {
  struct Port: Equatable, Sendable {
    var name: String
    var number: Int64
    var protocolName: String
  }

  var type: String
  var clusterIP: String
  var externalName: String
  /// The addresses of the load balancer, separated by commas.
  var loadBalancerIPs: String
  /// The first IP family of a service with two; nil of others.
  var primaryFamily: String?
  var ports: [Port]
}

/// The object that an address belongs to.
struct KubernetesTargetReference: Equatable, Sendable {
  var kind: String
  var name: String
  var namespace: String

  /// The key of the pod it is; nil for others.
  var podKey: String? { kind == "Pod" ? KubernetesMetadata.key(namespace, name) : nil }
}

struct KubernetesEndpoints: Equatable, Sendable {
  struct Address: Equatable, Sendable {
    var ip: String
    var hostname: String
    var nodeName: String?
    var target: KubernetesTargetReference?
    var isReady: Bool
  }

  struct Port: Equatable, Sendable {
    var name: String
    var number: Int64
    var protocolName: String
  }

  struct Subset: Equatable, Sendable {
    /// The ready ones first.
    var addresses: [Address]
    var ports: [Port]
  }

  var subsets: [Subset]
}

struct KubernetesSlice: Equatable, Sendable {
  struct Endpoint: Equatable, Sendable {
    var addresses: [String]
    var ready: Bool?
    var serving: Bool?
    var terminating: Bool?
    var hostname: String?
    var nodeName: String?
    var zone: String?
    var target: KubernetesTargetReference?
    var topology: [KubernetesPair]
  }

  struct Port: Equatable, Sendable {
    var name: String?
    var number: Int64?
    var protocolName: String?
    var appProtocol: String?
  }

  var addressType: String
  var endpoints: [Endpoint]
  var ports: [Port]
}

struct KubernetesIngress: Equatable, Sendable {
  struct Rule: Equatable, Sendable {
    var host: String
    /// Nil where the rule has no paths of its own.
    var paths: [String]?
  }

  var className: String?
  var rules: [Rule]
  var tlsHosts: [String]
}

struct KubernetesNode: Equatable, Sendable {
  var providerID: String
  /// In the order of the object; several may have one type.
  var addresses: [KubernetesPair]
  /// Types and their status.
  var conditions: [KubernetesPair]
  var kubeletPort: Int64
}

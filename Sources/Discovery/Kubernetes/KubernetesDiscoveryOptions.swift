import Outbound

/// One entry of `kubernetes_sd_configs`.
package struct KubernetesDiscoveryOptions: Sendable, Equatable {
  package enum Role: String, Sendable, CaseIterable {
    case pod, service, endpoints, endpointslice, node, ingress
  }

  /// A filter that the API server applies to the objects of one kind.
  package struct Selector: Sendable, Equatable {
    package var role = ""
    package var label = ""
    package var field = ""

    package init() {}
  }

  /// Objects whose labels are added to the targets that belong to them.
  package struct Attached: Sendable, Equatable {
    package var node = false
    package var namespace = false
    package var deployment = false
    package var job = false
    package var cronjob = false

    package init() {}
  }

  package var role = Role.pod
  /// Empty: the cluster that the server runs in, or that of the kubeconfig.
  package var apiServer = ""
  package var kubeconfigFile = ""
  package var ownNamespace = false
  /// None: all namespaces.
  package var namespaces: [String] = []
  package var selectors: [Selector] = []
  package var attached = Attached()
  /// Only for `apiServer`.
  package var client = ClientSettings()

  package init() {}
}

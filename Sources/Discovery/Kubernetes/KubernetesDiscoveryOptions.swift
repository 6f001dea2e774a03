package struct KubernetesDiscoveryOptions: Sendable, Equatable {
  package init() {}
}

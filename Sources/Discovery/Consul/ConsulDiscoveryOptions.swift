package struct ConsulDiscoveryOptions: Sendable, Equatable {
  package init() {}
}

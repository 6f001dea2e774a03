package struct HTTPDiscoveryOptions: Sendable, Equatable {
  package init() {}
}

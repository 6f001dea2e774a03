package struct ECSDiscoveryOptions: Sendable, Equatable {
  package init() {}
}

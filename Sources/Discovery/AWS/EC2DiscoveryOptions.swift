package struct EC2DiscoveryOptions: Sendable, Equatable {
  package init() {}
}

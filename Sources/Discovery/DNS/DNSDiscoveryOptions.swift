package struct DNSDiscoveryOptions: Sendable, Equatable {
  package init() {}
}

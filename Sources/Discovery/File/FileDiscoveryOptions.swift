package struct FileDiscoveryOptions: Sendable, Equatable {
  package init() {}
}

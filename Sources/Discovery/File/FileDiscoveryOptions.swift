/// A `file_sd_configs` entry.
package struct FileDiscoveryOptions: Sendable, Equatable {
  /// Paths; a star may stand in the last part of each.
  package var files: [String] = []
  package var refreshMilliseconds: Int64 = 300_000

  package init() {}
}

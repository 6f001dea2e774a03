#if canImport(Glibc)
  import Glibc
#endif

/// What the machine runs threads on.
package enum Processors {
  /// Those that are on; at least one.
  package static let count = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}

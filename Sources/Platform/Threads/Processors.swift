import Glibc

/// The processors that this process may use.
package enum Processors {
  /// Number of processors that are online; at least one.
  package static let count = max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
}

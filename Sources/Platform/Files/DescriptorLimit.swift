import Glibc

/// How many files and sockets this process may hold open.
package enum DescriptorLimit {
  /// Raises the limit to what the system allows: every database, connection and block wants some. Where that is refused it stays
  /// as it is, and whoever meets it says so.
  package static func raise() {
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(kind, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(kind, &limit)
  }

  /// How many there may be now.
  package static var present: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    return Int(clamping: limit.rlim_cur)
  }
}

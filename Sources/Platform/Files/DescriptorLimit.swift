import Glibc

/// The limit of files and sockets that this process may hold open.
package enum DescriptorLimit {
  /// Raises the limit to what the system allows: every database, connection and block wants some. Where the system
  /// refuses, the limit stays as it is, and whoever meets it reports that.
  package static func raise() {
    let kind = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(kind, &limit) == 0, limit.rlim_cur < limit.rlim_max else { return }
    limit.rlim_cur = limit.rlim_max
    _ = setrlimit(kind, &limit)
  }

  /// The limit now; 1024 where the system does not tell it.
  package static var present: Int {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return 1024 }
    return Int(clamping: limit.rlim_cur)
  }
}

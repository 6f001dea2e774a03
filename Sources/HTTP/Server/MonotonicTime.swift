#if canImport(Glibc)
  import Glibc
#endif

/// Time that never goes back, read twice for each request.
enum MonotonicTime {
  @inline(__always) static func nanoseconds() -> Int64 {
    var now = timespec()
    clock_gettime(CLOCK_MONOTONIC, &now)
    return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
  }
}

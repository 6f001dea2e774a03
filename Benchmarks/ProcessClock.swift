import Glibc
import TestKit

/// The processor time of a server to the nanosecond, where the one of /proc counts in hundredths of a second. A plain value.
struct ProcessClock: Sendable {
  private let clock: clockid_t

  init(_ server: ServerProcess) throws {
    var clock = clockid_t()
    guard clock_getcpuclockid(server.child.processID, &clock) == 0 else {
      throw Trial.Failure(description: "no processor clock of \(server.child.program)")
    }
    self.clock = clock
  }

  var seconds: Double {
    var time = timespec()
    clock_gettime(clock, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }
}

import Glibc

/// Asks again and again until there is an answer; nil when there was none within `deadline`.
/// The deadline only bounds a failure: a test that passes does not wait for it.
package func eventually<Answer>(
  within deadline: Duration, every pause: Duration = .milliseconds(20), _ ask: () throws -> Answer?
) rethrows -> Answer? {
  let end = ContinuousClock.now + deadline
  while true {
    if let answer = try ask() { return answer }
    if ContinuousClock.now >= end { return nil }
    sleepThread(pause)
  }
}

/// Asks again and again until the answer is yes; false when it was not within `deadline`.
package func eventually(
  within deadline: Duration, every pause: Duration = .milliseconds(20), _ ask: () throws -> Bool
) rethrows -> Bool {
  try eventually(within: deadline, every: pause) { try ask() ? true : nil } ?? false
}

/// Blocks the calling thread.
package func sleepThread(_ duration: Duration) {
  let (seconds, attoseconds) = duration.components
  var request = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
  var rest = timespec()
  while nanosleep(&request, &rest) == -1 && errno == EINTR { request = rest }
}

/// The wall clock, as the samples of this world carry it.
package func nowMilliseconds() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_REALTIME, &time)
  return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
}

extension Duration {
  package var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) * 1e-18 }
}

import Synchronization

/// Decides which requests of a kind are worth a line in the log: the first in ten seconds. Any thread.
final class RareLines: Sendable {
  private static let windowMilliseconds: Int64 = 10_000
  private let next = Mutex<Int64>(.min)

  func isWorthALine(now: Int64) -> Bool {
    next.withLock { next in
      if now < next { return false }
      next = now + RareLines.windowMilliseconds
      return true
    }
  }
}

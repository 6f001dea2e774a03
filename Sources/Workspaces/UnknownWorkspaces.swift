import Synchronization

/// Decides which requests for unknown workspaces are worth a line in the log: the first in ten seconds. Any thread.
final class UnknownWorkspaces: Sendable {
  private static let windowMilliseconds: Int64 = 10_000
  private let next = Mutex<Int64>(.min)

  func isWorthALine(_ id: String, now: Int64) -> Bool {
    next.withLock { next in
      if now < next { return false }
      next = now + UnknownWorkspaces.windowMilliseconds
      return true
    }
  }
}

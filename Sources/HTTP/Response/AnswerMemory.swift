import Platform
import Synchronization

/// The memory that answers may hold while they wait for their clients, shared by all of a server. Any thread.
///
/// An answer takes its share before its handler's thread is given back. Where there is none it waits, and the watch cuts
/// clients that do not read meanwhile. One answer alone may be larger than the whole.
final class AnswerMemory: Sendable {
  /// Answers up to this are not counted: there is one for each connection at most.
  static let freeBytes = 64 * 1024
  /// How often a waiting handler looks whether its client is still there.
  private static let lookMilliseconds: Int64 = 200

  private let held = Monitor(0)
  private let waiting = Atomic<Int>(0)
  private let bytesMax: Int
  private let freed: @Sendable () -> Void

  init(bytesMax: Int, freed: @escaping @Sendable () -> Void = {}) {
    self.bytesMax = bytesMax
    self.freed = freed
  }

  var heldBytes: Int { held.withLock { $0 } }

  /// True while an answer waits for memory.
  var isPressed: Bool { waiting.load(ordering: .relaxed) > 0 }

  /// Takes a share, waiting for it; nil when `isGivenUp` says so first.
  func take(_ bytes: Int, unless isGivenUp: () -> Bool) -> AnswerLease? {
    if bytes <= Self.freeBytes { return AnswerLease(of: self, bytes: 0) }
    let attempt: (inout Int) -> AnswerLease? = { [self] held in
      guard held == 0 || held + bytes <= bytesMax else { return nil }
      held += bytes
      return AnswerLease(of: self, bytes: bytes)
    }
    if let lease = held.withLock(attempt) { return lease }
    waiting.add(1, ordering: .relaxed)
    defer { waiting.subtract(1, ordering: .relaxed) }
    while !isGivenUp() {
      let look = Deadline(milliseconds: Self.lookMilliseconds, of: SystemClock())
      if let lease = held.wait(until: look, attempt) { return lease }
    }
    return nil
  }

  fileprivate func giveBack(_ bytes: Int) {
    if bytes == 0 { return }
    held.withLock { $0 -= bytes }
    held.wakeAll()
    freed()
  }
}

/// A share of the memory for answers, given back with its owner.
final class AnswerLease: Sendable {
  private let memory: AnswerMemory
  private let bytes: Int

  fileprivate init(of memory: AnswerMemory, bytes: Int) {
    self.memory = memory
    self.bytes = bytes
  }

  deinit { memory.giveBack(bytes) }
}

import Synchronization

/// A few unpackers that wait for the next packed body: each has a hundred kilobytes, which are dear to make anew. Any thread.
final class IdleUnpackers: Sendable {
  static let shared = IdleUnpackers()

  private static let countMax = 4

  private let idle = Mutex<[Lent]>([])

  /// Touched by its borrower alone.
  private struct Lent: @unchecked Sendable {
    let gunzip: Gunzip
  }

  /// An unpacker as new; nil when the system has no memory.
  func lend() -> Gunzip? {
    if let lent = idle.withLock({ $0.popLast() }), lent.gunzip.reset() { return lent.gunzip }
    return Gunzip()
  }

  func take(_ gunzip: Gunzip) {
    let lent = Lent(gunzip: gunzip)
    idle.withLock { idle in
      if idle.count < IdleUnpackers.countMax { idle.append(lent) }
    }
  }
}

import Synchronization

/// A head index behind one lock. Any thread may use it; `HeadIndex` says how readers and writers share it.
package final class SharedHeadIndex: HeadIndexLender, Sendable {
  private let index: Mutex<HeadIndex>

  /// `key` is random for each process.
  package init(key: (UInt64, UInt64)) { index = Mutex(HeadIndex(key: key)) }

  package func withIndex<Result>(_ body: (borrowing HeadIndex) -> Result) -> Result {
    // What `body` returns is its own: plain values and immutable snapshots.
    nonisolated(unsafe) var result: Result?
    index.withLock { result = body($0) }
    return result.unsafelyUnwrapped
  }

  /// Changes the index under the lock.
  package func update<Result>(_ body: (inout HeadIndex) -> Result) -> Result {
    nonisolated(unsafe) var result: Result?
    index.withLock { result = body(&$0) }
    return result.unsafelyUnwrapped
  }
}

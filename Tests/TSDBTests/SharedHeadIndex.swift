import Synchronization

@testable import TSDB

/// A head index behind one lock. Any thread may use it; `HeadIndex` says how readers and writers share it.
final class SharedHeadIndex: HeadIndexLender, Sendable {
  private let index: Mutex<HeadIndex>

  /// `key` is random for each process.
  init(key: (UInt64, UInt64)) { index = Mutex(HeadIndex(key: key)) }

  func withIndex<Result>(_ body: (borrowing HeadIndex) -> Result) -> Result {
    // What `body` returns is its own: plain values and immutable snapshots.
    nonisolated(unsafe) var result: Result?
    index.withLock { result = body($0) }
    return result.unsafelyUnwrapped
  }

  /// Changes the index under the lock.
  func update<Result>(_ body: (inout HeadIndex) -> Result) -> Result {
    nonisolated(unsafe) var result: Result?
    index.withLock { result = body(&$0) }
    return result.unsafelyUnwrapped
  }

  func sweepSymbols() {
    var sweep = index.withLock { SymbolSweep(&$0) }
    while !index.withLock({ sweep.step(&$0) }) {}
    sweep.copy()
    index.withLock { sweep.finish(&$0) }
    withIndex { $0.symbols.checkInvariants() }
  }
}

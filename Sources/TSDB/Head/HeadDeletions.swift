import Format
import Synchronization

/// What has been deleted of the series that the head still holds, by their log references. Applied wherever samples of the
/// head are read or flushed; what was deleted and flushed is forgotten. Any thread.
final class HeadDeletions: Sendable {
  private let state = Mutex<[UInt64: DeletedTimes]>([:])
  /// Spares readers the lock where nothing was deleted, which is nearly always.
  private let isInUse = Atomic<Bool>(false)

  func times(of reference: UInt64) -> DeletedTimes? {
    isInUse.load(ordering: .acquiring) ? state.withLock { $0[reference] } : nil
  }

  func replace(_ all: Tombstones) {
    state.withLock { state in
      state = all.series.mapValues { DeletedTimes($0) }
      isInUse.store(!state.isEmpty, ordering: .releasing)
    }
  }

  var all: Tombstones {
    var all = Tombstones()
    for (reference, times) in state.withLock({ $0 }) {
      for interval in times.intervals { all.add(interval, to: reference) }
    }
    return all
  }
}

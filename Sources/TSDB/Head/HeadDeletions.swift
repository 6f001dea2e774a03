import Format
import Synchronization

/// The deleted times of series in the head, by their log references. Reads and flushes leave out the samples in these
/// times. Once a flush has taken the samples out, and no file can bring them back, the database forgets the deletion.
/// Any thread.
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

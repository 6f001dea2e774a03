import Format
import Model
import Platform
import Synchronization

/// The part of a workspace's database that lives in memory: every active series with its open chunk, the index over
/// them, and the log that brings them back. Any thread may append and read.
///
/// Locks: sixteen shards, the index and the exemplars, each a mutex of its own; none is taken while another is held, and no file is
/// touched under them. A sample is in memory before it is in the log, and acknowledged only after (`commit`).
package final class Head: Sendable {
  final class Shard: Sendable {
    let state: Mutex<HeadShard>
    init(_ number: Int) { state = Mutex(HeadShard(number: number)) }
  }

  let shards: [Shard]
  let index: SeriesIndex
  /// The hash of raw label bytes; its key is this process's own.
  package let hash: KeyedHash
  let files: HeadFiles
  let clock: any Clock
  let log: Log
  package let metrics: HeadMetrics

  let nextReference = Atomic<UInt64>(1)
  /// How often the head has let new series use the slots of ended ones.
  let slotsRecycled = Atomic<Int>(0)
  /// The number of series that have ended; raised once they are out of the head.
  let seriesEnded = Atomic<Int>(0)
  /// The series that ended while somebody held the log.
  let endedSeries = Mutex(EndedSeries())
  let newestTime = Atomic<Int64>(.min)
  let oldestTime = Atomic<Int64>(.max)
  /// The oldest time that the retention keeps: with an unlimited late window, older samples are refused. The database
  /// sets it from its retention; no sample moves it.
  let keptFrom = Atomic<Int64>(.min)
  /// `HeadOptions.lateWindowMilliseconds`; `Int64.max` stands for nil.
  let lateWindow: Atomic<Int64>
  let futureTolerance: Int64
  let limits: Mutex<SeriesLimits>
  let deletions = HeadDeletions()
  let exemplars: Mutex<ExemplarRing>
  /// Held by whoever takes series out of the head: by age, or because they are in blocks.
  let removals = Mutex<Void>(())
  /// References under which the log names a series that already had one; found at a start, kept by checkpoints.
  let secondReferences = Mutex<[UInt64: UInt64]>([:])

  init(_ options: HeadOptions, files: HeadFiles, key: (UInt64, UInt64), clock: any Clock, log: Log) {
    shards = (0..<SeriesLocation.shardCount).map(Shard.init)
    hash = KeyedHash(key: key)
    index = SeriesIndex(key: key)
    self.files = files
    self.clock = clock
    self.log = log
    metrics = HeadMetrics()
    lateWindow = Atomic(options.lateWindowMilliseconds ?? .max)
    futureTolerance = options.futureToleranceMilliseconds
    limits = Mutex(options.limits)
    var ring = ExemplarRing()
    ring.resize(to: options.exemplarsMax)
    exemplars = Mutex(ring)
    index.limit(options.limits.labelSets)
  }

  /// Takes over the settings that a reload may change.
  package func reconfigure(_ options: HeadOptions) {
    lateWindow.store(options.lateWindowMilliseconds ?? .max, ordering: .relaxed)
    limits.withLock { $0 = options.limits }
    resizeExemplars(to: options.exemplarsMax)
    index.limit(options.limits.labelSets)
  }

  /// The times between which the head accepts samples now. They follow from the clock and the settings alone: what one
  /// sender sends, however wrong its time is, takes nothing from another.
  func appendBounds(now: Int64) -> AppendBounds {
    let window = lateWindow.load(ordering: .relaxed)
    let kept = max(keptFrom.load(ordering: .relaxed), AppendBounds.timeMin)
    let now = max(AppendBounds.timeMin, min(now, AppendBounds.timeMax))
    // As in Prometheus, samples in order may be an hour old whatever the window.
    let halfRange = HeadShard.chunkRangeMilliseconds / 2
    return AppendBounds(
      inOrderOldest: window == .max ? kept : now - min(max(window, halfRange), AppendBounds.timeMax),
      lateOldest: window == .max ? kept : now - min(window, AppendBounds.timeMax),
      newest: now + futureTolerance, takesLate: window > 0)
  }

  /// The time before which the head accepts no sample, in order or late.
  package func oldestTaken(now: Int64) -> Int64 {
    let bounds = appendBounds(now: now)
    return bounds.takesLate ? min(bounds.inOrderOldest, bounds.lateOldest) : bounds.inOrderOldest
  }

  /// The time after which samples are too far in the future.
  package func newestTaken(now: Int64) -> Int64 { appendBounds(now: now).newest }

  func noteTimes(_ tally: AppendTally) {
    if tally.newest != .min { raise(newestTime, to: tally.newest) }
    if tally.oldest != .max { lower(oldestTime, to: tally.oldest) }
  }

  private func raise(_ bound: borrowing Atomic<Int64>, to value: Int64) {
    if bound.load(ordering: .relaxed) < value { bound.max(value, ordering: .relaxed) }
  }

  private func lower(_ bound: borrowing Atomic<Int64>, to value: Int64) {
    if bound.load(ordering: .relaxed) > value { bound.min(value, ordering: .relaxed) }
  }

  package var seriesCount: Int { index.liveCount }
  /// The first and last time of any sample; nil in an empty head.
  package var timeRange: ClosedRange<Int64>? {
    let oldest = oldestTime.load(ordering: .relaxed)
    let newest = newestTime.load(ordering: .relaxed)
    return oldest <= newest ? oldest...newest : nil
  }
}

extension Head {
  /// Open and complete chunks, late ones included.
  package var chunkCount: Int { shards.reduce(0) { $0 + $1.state.withLock { $0.chunkCount } } }
  package var chunksCreated: Int { shards.reduce(0) { $0 + $1.state.withLock { $0.chunksCreated } } }

  /// Number of spellings in the cache, identities included, and of those that are known to be dropped.
  package var spellingCounts: (all: Int, dropped: Int) {
    shards.reduce((0, 0)) { sum, shard in
      shard.state.withLock { (sum.0 + $0.spellings.count, sum.1 + $0.spellings.droppedCount) }
    }
  }
}

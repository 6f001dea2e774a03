import Format
import Model
import Platform
import Synchronization

/// A workspace's database: the head, its files, and what keeps them in order. Any thread may use it once it is ready.
///
/// `open` does what can fail; `restore` reads the log back, which may take a while; then `start` begins the maintenance
/// and samples may come.
package final class Database: Sendable {
  package let head: Head
  package let blocks: BlockSet
  let compactor: Compactor
  package let layout: DatabaseLayout
  package let metrics: DatabaseMetrics
  let disk: any Disk
  let clock: any Clock
  let log: Log
  let random: RandomNumbers
  let options: Mutex<DatabaseOptions>
  /// The first segments of this run in each log: a start replays the segments before them.
  let replayLimits: (wal: Int, wbl: Int)
  let foundChunks: Mutex<[UInt64: [SeriesChunk]]>
  /// The chunks and the damage that `open` found in the head-chunk files.
  let chunkReport: HeadChunkReport
  package let damaged: DamagedFiles
  let progress = Mutex<ReplayProgress?>(nil)
  /// Work of other parts of the server, run once a second on the maintenance thread (`everySecond`).
  let upkeep = Mutex<[@Sendable () -> Void]>([])
  let isDiskFull = Atomic<Bool>(false)
  /// True while so little is free that nothing is kept of the logs for those who only read them.
  let isSpaceScarce = Atomic<Bool>(false)
  /// Bytes of logs and head chunks at the last round of the compaction.
  let filesBytesKnown = Atomic<Int>(0)
  /// The blocks that the retention over all databases takes from this one.
  let doomed = Mutex<Set<ULID>>([])
  private let ready = Atomic<Bool>(false)
  /// The threads that run the upkeep; `isOwn` is true if they serve this database alone. Nil before `start` and after
  /// `close`.
  private let work = Mutex<(shared: SharedWork, isOwn: Bool)?>(nil)
  /// Set when the server ends: work that can be done later breaks off.
  let stopping: CancelFlag
  /// The time up to which the head has been flushed; also on disk (`FlushMark`).
  let flushMark: Mutex<Int64>
  /// The wall time as far as the database believes it.
  let steadyTime: Mutex<SteadyTime>
  /// The time at which the last flush began, or this run, in milliseconds of monotonic time.
  let lastFlush: Atomic<Int64>
  /// The files that may hold deleted samples; nil: no flush of this run has come since the last deletion.
  let deletionReach = Mutex<DeletionReach?>(nil)
  /// The present epoch: readers hold it, and each flush replaces it (`ReadEpoch`).
  let epoch = Mutex(ReadEpoch())
  /// The damaged blocks that this run has tried to repair.
  let repairsTried = Mutex<Set<ULID>>([])
  /// True if the logs can be shortened: a flush has taken data out of the head.
  let wantsTruncation = Atomic<Bool>(false)
  /// True if the start replayed records from the log. After a failed fsync the system takes what it has for written,
  /// and an fsync by the next process says nothing: a snapshot in the first second does not rely on it.
  let hasReplayed = Atomic<Bool>(false)
  /// The number of series that had ended (`Head.seriesEnded`) when this process began the head snapshot on disk; -1: an
  /// earlier process wrote it.
  let endedAtSnapshot = Atomic<Int>(0)
  /// Held while a snapshot of the head is written.
  let snapshotTurn = Mutex<Void>(())
  /// The unreadable segment because of which the last checkpoint was not written; nil if there was none.
  let refusedSegment = Mutex<String?>(nil)

  /// Opens the directory's files; on an error nothing has been changed.
  package static func open(
    _ options: DatabaseOptions, disk: any Disk, clock: any Clock, log: Log, registry: MetricsRegistry
  ) throws(DatabaseError) -> Database {
    let layout = DatabaseLayout(root: options.directory)
    let damaged = DamagedFiles(
      Quarantine(disk, layout.quarantine, log: log), names: DatabaseLayout.damagedNames, log: log, registry: registry)
    let blocks = BlockSet(layout.root, quarantine: layout.quarantine, disk: disk, log: log, registry: registry)
    do throws(DiskError) {
      try disk.makeDirectories(layout.root)
    } catch {
      throw .notWritable(path: layout.root, error)
    }
    try DataVersion.check(layout, disk, damaged, log)
    do throws(DiskError) {
      try blocks.load(damaged)
    } catch {
      throw .notReadable(path: layout.root, error)
    }
    blocks.mendDescriptions(damaged)
    blocks.mendDeletions(damaged)
    let flushed = findFlushMark(
      options, layout, blocks.current, disk, now: clock.nowMilliseconds(), damaged)
    var found: [UInt64: [SeriesChunk]] = [:]
    let chunks: (chunks: HeadChunks, report: HeadChunkReport)
    do throws(HeadChunksError) {
      // A chunk that a power loss left in pieces must be found now, while the log still has its samples.
      chunks = try HeadChunks.open(disk, path: layout.headChunks, damaged: damaged, log: log) { chunk in
        if let known = SeriesChunk(chunk) { found[chunk.series, default: []].append(known) }
      }
    } catch {
      throw .headChunks(error)
    }
    let metrics = DatabaseMetrics(registry)
    let wal: WriteAheadLog
    let wbl: WriteAheadLog
    do throws(WALError) {
      var walOptions = WALOptions(directory: layout.wal)
      walOptions.sync = options.walSync
      let known = snapshotPositions(layout.snapshot, disk)
      walOptions.firstSegmentMin = known?.wal.nextSegmentMin ?? 0
      wal = try WriteAheadLog(disk, walOptions, clock: clock, log: log, metrics: metrics.wal)
      walOptions.directory = layout.wbl
      walOptions.firstSegmentMin = known?.wbl.nextSegmentMin ?? 0
      wbl = try WriteAheadLog(disk, walOptions, clock: clock, log: log, metrics: metrics.wbl)
    } catch {
      throw .log(error)
    }
    let files = HeadFiles(wal: wal, wbl: wbl, chunks: chunks.chunks, log: log)
    let database = Database(options, layout, files, blocks, found, chunks.report, damaged, disk, clock, log, metrics)
    database.flushMark.withLock { $0 = flushed }
    database.head.skipInOrder(before: flushed)
    metrics.register(database, in: registry)
    return database
  }

  private init(
    _ options: DatabaseOptions, _ layout: DatabaseLayout, _ files: HeadFiles, _ blocks: BlockSet,
    _ found: [UInt64: [SeriesChunk]],
    _ report: HeadChunkReport, _ damaged: DamagedFiles, _ disk: any Disk, _ clock: any Clock, _ log: Log,
    _ metrics: DatabaseMetrics
  ) {
    random = options.random
    let key = (random.next(), random.next())
    head = Head(options.head, files: files, key: key, clock: clock, log: log)
    self.layout = layout
    self.blocks = blocks
    stopping = CancelFlag()
    compactor = Compactor(blocks, clock: clock, stop: stopping, random: random)
    flushMark = Mutex(.min)
    let monotonic = clock.monotonicNanoseconds() / 1_000_000
    steadyTime = Mutex(SteadyTime(wall: clock.nowMilliseconds(), monotonic: monotonic))
    lastFlush = Atomic(monotonic)
    self.metrics = metrics
    self.disk = disk
    self.clock = clock
    self.log = log
    self.options = Mutex(options)
    replayLimits = (files.wal.firstSegment, files.wbl.firstSegment)
    foundChunks = Mutex(found)
    chunkReport = report
    self.damaged = damaged
  }

  /// Adds `body` to the work that the maintenance does every second on its thread; it must be short. Called before
  /// `start`.
  package func everySecond(_ body: @escaping @Sendable () -> Void) { upkeep.withLock { $0.append(body) } }

  /// The positions of the logs in the snapshot's header; nil if there is no snapshot, or none that a start would use.
  private static func snapshotPositions(_ path: String, _ disk: any Disk) -> (wal: WALPosition, wbl: WALPosition)? {
    do {
      return try HeadSnapshotReader.positions(try disk.map(path))
    } catch {
      // The start says why when it reads the snapshot.
      return nil
    }
  }

  /// True if the database may be written to; false while its disk is nearly full.
  package var isWritable: Bool { !isDiskFull.load(ordering: .relaxed) }

  /// True from `start` to `close`: samples can be written and read.
  package var isReady: Bool { ready.load(ordering: .acquiring) }

  /// The log, for those who follow it. Whoever has a stored position holds its segment between `restore` and `start`.
  package var writeAheadLog: WriteAheadLog { head.files.wal }

  /// The log of late samples, whose series are named in the other one.
  package var lateLog: WriteAheadLog { head.files.wbl }

  /// The number of damaged places found in the logs.
  package var corruptions: Int { metrics.wal.corruptions.value + metrics.wbl.corruptions.value }

  /// The administration of this database: it deletes, cleans and copies.
  package var administration: BlockAdministration {
    BlockAdministration(
      blocks, compactor: compactor, head: self, directory: layout.snapshots, clock: clock, random: random)
  }

  /// The progress of the replay, for `/api/v1/status/walreplay`.
  package var replayed: (first: Int, last: Int, current: Int) {
    let numbers = progress.withLock { $0 }?.snapshot
    return (numbers?.first ?? 0, numbers?.last ?? 0, numbers?.current ?? 0)
  }

  /// Begins the maintenance, on threads that databases share; nil: on its own. From here on the database is ready.
  package func start(on shared: SharedWork? = nil) throws(DatabaseError) {
    do throws(ThreadError) {
      let own = shared == nil ? try SharedWork(clock: clock) : nil
      guard let threads = shared ?? own else { return }
      work.withLock { $0 = (threads, own != nil) }
      threads.add(self)
    } catch {
      throw .thread(error)
    }
    beginAnswering()
  }

  /// Makes the database ready.
  func beginAnswering() { ready.store(true, ordering: .releasing) }

  /// Takes over the settings that a reload may change.
  package func reconfigure(_ change: (inout DatabaseOptions) -> Void) {
    let changed = options.withLock { options in
      change(&options)
      return options
    }
    head.reconfigure(changed.head)
    _ = steadyNow()
  }

  /// Ends cleanly: writes chunks to their files, writes a snapshot, syncs and closes the log. Nobody may append any
  /// more.
  package func close() {
    guard ready.exchange(false, ordering: .acquiringAndReleasing) else { return }
    stopping.cancel()
    if let (shared, isOwn) = work.withLock({ $0.take() }) {
      shared.remove(self)
      if isOwn { shared.stop() }
    }
    writeCompletedChunks()
    do throws(WALError) {
      try head.files.wal.sync()
      try head.files.wbl.sync()
    } catch {
      log.error("The write-ahead log could not be synced at the end", ["err": "\(error)"])
    }
    let isSnapshotWritten = writeSnapshot() > 0
    do throws(WALError) {
      try head.files.wal.close()
      try head.files.wbl.close()
    } catch {
      log.error("The write-ahead log could not be closed", ["err": "\(error)"])
    }
    do throws(HeadChunksError) {
      try head.files.chunks.close()
    } catch {
      log.error("The head chunk files could not be closed", ["err": "\(error)"])
    }
    // What was in their damaged places is in the snapshot, as far as it was anywhere.
    if isSnapshotWritten { head.files.chunks.mendDamaged() }
  }
}

extension SeriesChunk {
  /// A chunk found in a file; nil for encodings this version does not read, and times and spans a head does not have.
  init?(_ info: HeadChunkInfo) {
    guard info.encoding == XORChunk.encoding, info.maxTime >= info.minTime,
      AppendBounds.times.contains(info.minTime), AppendBounds.times.contains(info.maxTime),
      let span = UInt32(exactly: info.maxTime.subtractingReportingOverflow(info.minTime).partialValue)
    else { return nil }
    self.init(
      start: info.minTime, span: span, file: UInt32(truncatingIfNeeded: info.ref.file),
      offset: UInt32(truncatingIfNeeded: info.ref.offset), byteCount: 0, sizeClass: 0,
      flags: info.isOutOfOrder ? SeriesChunk.isLate : 0)
  }
}

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
  let options: Mutex<DatabaseOptions>
  /// The log as it was before this run: what is to be replayed.
  let replayLimits: (wal: Int, wbl: Int)
  let foundChunks: Mutex<[UInt64: [SeriesChunk]]>
  /// Whether all chunks that were once written have been found.
  let chunksAreWhole: Bool
  let progress = Mutex<ReplayProgress?>(nil)
  let isDiskFull = Atomic<Bool>(false)
  private let ready = Atomic<Bool>(false)
  private let maintenance = Mutex<Maintenance?>(nil)
  private let compaction = Mutex<CompactionTask?>(nil)
  /// Set when the server ends: what can be done later is broken off.
  let stopping: CancelFlag
  /// Up to when the head has been flushed; lies on disk too (`FlushMark`).
  let flushMark: Mutex<Int64>
  /// The clock as far as it is believed.
  let steadyTime: Mutex<SteadyTime>
  /// When the head was last flushed, in milliseconds of monotonic time.
  let lastFlush: Atomic<Int64>
  /// What readers hold (`ReadEpoch`).
  let epoch = Mutex(ReadEpoch())
  /// The logs can be shortened: a flush has taken data out of the head.
  let wantsTruncation = Atomic<Bool>(false)

  /// Opens the directory's files; on an error nothing has been changed.
  package static func open(
    _ options: DatabaseOptions, disk: any Disk, clock: any Clock, log: Log, registry: MetricsRegistry
  ) throws(DatabaseError) -> Database {
    let layout = DatabaseLayout(root: options.directory)
    try checkVersion(layout, disk)
    let blocks = BlockSet(layout.root, quarantine: layout.quarantine, disk: disk, log: log, registry: registry)
    let mark: Int64?
    do throws(DiskError) {
      try blocks.load()
      mark = try FlushMark.read(layout.flushMark, on: disk)
    } catch {
      throw .notReadable(path: layout.root, error)
    }
    var found: [UInt64: [SeriesChunk]] = [:]
    let chunks: (chunks: HeadChunks, report: HeadChunkReport)
    do throws(HeadChunksError) {
      // A chunk that a power loss left in pieces must be found now, while the log still has its samples.
      chunks = try HeadChunks.open(
        disk, path: layout.headChunks, quarantine: layout.quarantine, log: log
      ) { chunk in
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
      wal = try WriteAheadLog(disk, walOptions, clock: clock, log: log, metrics: metrics.wal)
      walOptions.directory = layout.wbl
      wbl = try WriteAheadLog(disk, walOptions, clock: clock, log: log, metrics: metrics.wbl)
    } catch {
      throw .log(error)
    }
    let files = HeadFiles(wal: wal, wbl: wbl, chunks: chunks.chunks, log: log)
    let database = Database(options, layout, files, blocks, found, chunks.report, disk, clock, log, metrics)
    // A directory of Prometheus has no mark: there the blocks made of the head say how far it was written.
    let flushed = mark ?? blocks.current.blocks.filter { !$0.meta.isLate }.map(\.meta.maxTime).max() ?? .min
    database.flushMark.withLock { $0 = flushed }
    database.head.skipInOrder(before: flushed)
    metrics.register(database, in: registry)
    return database
  }

  private init(
    _ options: DatabaseOptions, _ layout: DatabaseLayout, _ files: HeadFiles, _ blocks: BlockSet,
    _ found: [UInt64: [SeriesChunk]],
    _ report: HeadChunkReport, _ disk: any Disk, _ clock: any Clock, _ log: Log, _ metrics: DatabaseMetrics
  ) {
    var random = SystemRandomNumberGenerator()
    head = Head(options.head, files: files, key: (random.next(), random.next()), clock: clock, log: log)
    self.layout = layout
    self.blocks = blocks
    stopping = CancelFlag()
    compactor = Compactor(blocks, clock: clock, stop: stopping)
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
    chunksAreWhole = report.isWhole
  }

  private static func checkVersion(_ layout: DatabaseLayout, _ disk: any Disk) throws(DatabaseError) {
    do throws(DiskError) {
      try disk.makeDirectories(layout.root)
      if let found = try readVersion(layout.version, disk) {
        if found == "\(DatabaseLayout.versionNumber)" { return }
        throw DiskError(operation: found, path: layout.version, code: 0)
      }
      try AtomicReplace.write(Array("\(DatabaseLayout.versionNumber)\n".utf8), to: layout.version, on: disk)
    } catch {
      if error.code == 0 { throw .otherVersion(path: error.path, found: error.operation) }
      throw .notWritable(path: layout.root, error)
    }
  }

  private static func readVersion(_ path: String, _ disk: any Disk) throws(DiskError) -> String? {
    do throws(DiskError) {
      let file = try disk.map(path)
      let text = String(decoding: file.bytes.prefix(20), as: UTF8.self)
      return String(text.prefix { !$0.isWhitespace })
    } catch {
      if error.isNotFound { return nil }
      throw error
    }
  }

  /// Whether the disk has room for more.
  package var isWritable: Bool { !isDiskFull.load(ordering: .relaxed) }

  /// Samples can be written and read.
  package var isReady: Bool { ready.load(ordering: .acquiring) }

  /// Deletes, cleans and copies.
  package var administration: BlockAdministration {
    BlockAdministration(blocks, compactor: compactor, head: self, directory: layout.snapshots, clock: clock)
  }

  /// How far the replay is, for `/api/v1/status/walreplay`.
  package var replayed: (first: Int, last: Int, current: Int) {
    let numbers = progress.withLock { $0 }?.snapshot
    return (numbers?.first ?? 0, numbers?.last ?? 0, numbers?.current ?? 0)
  }

  /// Begins the maintenance; from here on the database is ready.
  package func start() throws(DatabaseError) {
    do throws(ThreadError) {
      let maintenance = try Maintenance(self)
      self.maintenance.withLock { $0 = maintenance }
      let compaction = try CompactionTask(self)
      self.compaction.withLock { $0 = compaction }
    } catch {
      throw .thread(error)
    }
    ready.store(true, ordering: .releasing)
  }

  /// Takes over what a reload may change.
  package func reconfigure(_ change: (inout DatabaseOptions) -> Void) {
    let changed = options.withLock { options in
      change(&options)
      return options
    }
    head.reconfigure(changed.head)
    _ = steadyNow()
  }

  /// Ends cleanly: chunks to their files, a snapshot, the log synced and closed. No appends may come any more.
  package func close() {
    guard ready.exchange(false, ordering: .acquiringAndReleasing) else { return }
    stopping.cancel()
    let compaction = compaction.withLock { compaction in
      defer { compaction = nil }
      return compaction
    }
    compaction?.stop()
    let maintenance = maintenance.withLock { maintenance in
      defer { maintenance = nil }
      return maintenance
    }
    maintenance?.stop()
    writeCompletedChunks()
    do throws(WALError) {
      try head.files.wal.sync()
      try head.files.wbl.sync()
    } catch {
      log.error("The write-ahead log could not be synced at the end", ["err": "\(error)"])
    }
    writeSnapshot()
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
  }
}

extension SeriesChunk {
  /// A chunk found in a file; nil for encodings this version does not read, and spans a head does not have.
  init?(_ info: HeadChunkInfo) {
    guard info.encoding == XORChunk.encoding, info.maxTime >= info.minTime,
      let span = UInt32(exactly: info.maxTime.subtractingReportingOverflow(info.minTime).partialValue)
    else { return nil }
    self.init(
      start: info.minTime, span: span, file: UInt32(truncatingIfNeeded: info.ref.file),
      offset: UInt32(truncatingIfNeeded: info.ref.offset), byteCount: 0, sizeClass: 0,
      flags: info.isOutOfOrder ? SeriesChunk.isLate : 0)
  }
}

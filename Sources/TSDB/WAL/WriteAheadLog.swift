import Format
import Platform
import Synchronization

/// The log that makes a write survive a killed process (always) and a power loss (as `WALSync` says), in Prometheus's
/// format. Used for `wal/` and `wbl/`. Any thread may commit.
///
/// A commit is in the log wholly or not at all. A commit that throws is not acknowledged and nothing may build on it:
/// series records of a failed commit must be in a later one before samples of these series are.
///
/// Two locks that never nest: `tail` for writing (framing and one write(2)), the lock in `rounds` for waiting.
package final class WriteAheadLog: Sendable {
  package let directory: WALDirectory
  package let options: WALOptions
  package let metrics: WALMetrics
  /// The first segment this run writes. Everything before it is there to be replayed.
  package let firstSegment: Int
  /// The highest number that was taken when the log was opened, by a segment or a checkpoint; -1: none.
  let lastFound: Int

  /// Those who want segments kept (`hold`).
  let holders = LogHolders()

  let log: Log
  private let clock: any Clock
  private let tail: Mutex<SegmentTail>
  private let rounds = SyncRounds()
  private let lastSyncNanoseconds: Atomic<Int64>
  private let writtenBytesCount = Atomic<Int>(0)
  /// The segment that `metrics` name.
  private let toldSegment: Atomic<Int>

  /// Begins a new segment after those that are there (or goes on in the last one, if it is empty).
  package init(
    _ disk: any Disk, _ options: WALOptions, clock: any Clock, log: Log, metrics: WALMetrics
  ) throws(WALError) {
    self.options = options
    self.clock = clock
    self.log = log
    self.metrics = metrics
    directory = WALDirectory(disk, options.directory)
    if options.sync != .os { WriteAheadLog.syncInherited(directory, log) }
    var last = -1
    let tail = try WriteAheadLog.openTail(directory, options, log, &last)
    lastFound = last
    firstSegment = tail.segment
    self.tail = Mutex(tail)
    lastSyncNanoseconds = Atomic(clock.monotonicNanoseconds())
    toldSegment = Atomic(firstSegment)
    metrics.segmentCurrent.set(Double(firstSegment))
  }

  /// Syncs the log of an earlier process, which may have been killed between an acknowledgement and its sync.
  private static func syncInherited(_ directory: WALDirectory, _ log: Log) {
    do throws(DiskError) {
      for number in try directory.segments() {
        let file = try directory.disk.open(directory.segmentPath(number), .read)
        defer { try? file.close() }
        try file.sync()
      }
      try directory.disk.syncDirectory(directory.path)
    } catch {
      // The log is read back as far as it goes; until it has been written to a block a power loss may take it.
      if !error.isNotFound {
        log.error("What an earlier run left in the write-ahead log could not be synced", ["err": error.description])
      }
    }
  }

  private static func openTail(
    _ directory: WALDirectory, _ options: WALOptions, _ log: Log, _ last: inout Int
  ) throws(WALError) -> SegmentTail {
    do throws(DiskError) {
      try directory.prepare()
      last = try directory.lastNumber()
      // An empty segment is gone on in, never removed first: with it might go the highest number there is.
      let isReused = last >= max(options.firstSegmentMin, 0) ? try directory.isEmptySegment(last) : false
      var tail = SegmentTail(
        directory: directory, lastSegment: max(isReused ? last - 1 : last, options.firstSegmentMin - 1),
        options: options, log: log)
      try tail.begin(isReused ? .truncate : .create)
      return tail
    } catch {
      throw .disk(error)
    }
  }

  /// The position behind the last commit: where a replay begins that knows everything committed so far. Whoever writes
  /// a position down calls `sync` between taking it and writing it: after a power loss the log must reach at least as
  /// far, or the position would lie inside what is written later.
  package var position: WALPosition { tail.withLock { $0.position } }

  /// The position, and what is known of a segment, at one moment.
  func extent(of segment: Int) -> (position: WALPosition, committedEnd: Int?, repetitions: [Range<Int>]) {
    tail.withLock { ($0.position, $0.marks.committedEnd(of: segment), $0.marks.repetitions(in: segment)) }
  }

  /// Forgets what is known of the segments before `segment`.
  func forgetMarks(before segment: Int) { tail.withLock { $0.marks.forget(before: segment) } }

  /// Writes the records of `body`. When it returns they survive what `WALSync` promises.
  ///
  /// - Parameter isRepetition: true if the log said all of it before, under the same references. Those who follow the log are
  ///   given only the names in it; a process that was killed since gives it to them once more.
  @discardableResult
  package func commit(_ body: borrowing WALBody, isRepetition: Bool = false) throws(WALError) -> WALPosition {
    if body.isEmpty { return position }
    let written = try write(body, isRepetition)
    metrics.savedBytes.add(body.savedBytes)
    if options.sync == .always {
      try rounds.wait { () throws(WALError) in try syncOnce() }
    }
    return written
  }

  private func write(_ body: borrowing WALBody, _ isRepetition: Bool) throws(WALError) -> WALPosition {
    var outcome = CommitOutcome()
    tail.withLock { tail in outcome = CommitOutcome(&tail, body, isRepetition) }
    if let error = outcome.error {
      metrics.writesFailed.add()
      throw error
    }
    metrics.writtenBytes.add(outcome.writtenBytes)
    writtenBytesCount.add(outcome.writtenBytes, ordering: .relaxed)
    tell(segment: outcome.position.segment)
    return outcome.position
  }

  /// True if nothing waits for an fsync. What a failed fsync has lost waits no more.
  package var isSynced: Bool { tail.withLock { $0.isSynced } }

  /// Begins a new segment, so that all before it can be put into a checkpoint. Returns its number.
  @discardableResult
  package func cutSegment() throws(WALError) -> Int {
    let result = tail.withLock { tail -> Result<Int, WALError> in
      if tail.isClosed { return .failure(.closed) }
      do throws(DiskError) {
        try tail.cut()
        return .success(tail.segment)
      } catch {
        return .failure(.disk(error))
      }
    }
    let segment = try result.get()
    tell(segment: segment)
    return segment
  }

  private func tell(segment: Int) {
    if toldSegment.exchange(segment, ordering: .relaxed) != segment { metrics.segmentCurrent.set(Double(segment)) }
  }

  /// Bytes written by this process.
  var writtenBytes: Int { writtenBytesCount.load(ordering: .relaxed) }

  /// Puts everything committed so far on stable storage.
  package func sync() throws(WALError) {
    try rounds.wait { () throws(WALError) in try syncOnce() }
  }

  /// For the maintenance thread: syncs when the interval has passed. Does nothing under `always` and `os`.
  package func syncIfDue() throws(WALError) {
    guard options.sync == .interval else { return }
    let elapsed = clock.monotonicNanoseconds() - lastSyncNanoseconds.load(ordering: .relaxed)
    if elapsed >= options.syncIntervalMilliseconds * 1_000_000 { try sync() }
  }

  private func syncOnce() throws(WALError) {
    let started = clock.monotonicNanoseconds()
    lastSyncNanoseconds.store(started, ordering: .relaxed)
    guard let work = tail.withLock({ $0.takeSyncWork() }) else { return }
    let outcome = work.perform(in: directory)
    if let error = outcome.error {
      tail.withLock { $0.syncFailed(work, outcome) }
      log.error("Write log fsync failed", ["err": error.description])
      throw .disk(error)
    }
    metrics.fsyncDurationSeconds.observe(Double(clock.monotonicNanoseconds() - started) / 1e9)
  }

  /// Fills the last page, syncs and closes. Later commits are refused. Idempotent.
  package func close() throws(WALError) {
    let failure = tail.withLock { tail -> DiskError? in
      if tail.isClosed { return nil }
      tail.isClosed = true
      do throws(DiskError) {
        try tail.fillPage()
        return nil
      } catch {
        return error
      }
    }
    try sync()
    let files = tail.withLock { $0.takeFiles() }
    do throws(DiskError) {
      for file in files { try file.close() }
    } catch {
      throw .disk(error)
    }
    if let failure { throw .disk(failure) }
  }
}

/// The outcome of the part under the lock.
private struct CommitOutcome {
  var position = WALPosition(segment: 0, offset: 0)
  var writtenBytes = 0
  var error: WALError?

  init() {}

  init(_ tail: inout SegmentTail, _ body: borrowing WALBody, _ isRepetition: Bool) {
    if tail.isClosed {
      error = .closed
      return
    }
    do throws(DiskError) {
      writtenBytes = try tail.append(body, isRepetition: isRepetition)
      position = tail.position
    } catch {
      self.error = .disk(error)
    }
  }
}

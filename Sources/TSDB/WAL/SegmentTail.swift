import Format
import Platform

/// The segment that is being written, and those before it that are not on stable storage yet. State of
/// `WriteAheadLog`, behind its lock.
///
/// Invariant: the file has exactly `offset` valid bytes, all of whole records; where that cannot be restored after a
/// failed write, the segment is abandoned (`file` is nil) and the next write begins a new one.
struct SegmentTail: ~Copyable {
  /// Full segments that may wait for their fsync; one more and the cut itself does it.
  static let retiredMax = 4

  /// The work of one sync.
  struct SyncWork {
    var retired: [any DiskFile]
    var current: (any DiskFile)?
    var isDirectoryDirty: Bool

    /// Syncs everything and closes the segments that are finished; an error does not spare the others.
    func perform(in directory: WALDirectory) -> SyncOutcome {
      var outcome = SyncOutcome()
      for file in retired {
        outcome.note { () throws(DiskError) in try file.sync() }
        outcome.note { () throws(DiskError) in try file.close() }
      }
      if isDirectoryDirty {
        outcome.note { () throws(DiskError) in try directory.disk.syncDirectory(directory.path) }
      }
      if let current { outcome.isCurrentLost = !outcome.note { () throws(DiskError) in try current.sync() } }
      return outcome
    }
  }

  struct SyncOutcome {
    /// The first error.
    var error: DiskError?
    /// True if the system may have dropped bytes of the present segment.
    var isCurrentLost = false

    /// Runs `step` and keeps the first error; true if it succeeded.
    @discardableResult
    mutating func note(_ step: () throws(DiskError) -> Void) -> Bool {
      do throws(DiskError) {
        try step()
        return true
      } catch {
        self.error = self.error ?? error
        return false
      }
    }
  }

  let directory: WALDirectory
  let segmentBytes: Int
  let keepsRetired: Bool
  private let log: Log
  private(set) var segment: Int
  private(set) var offset = 0
  private(set) var isDirty = false
  var isClosed = false
  var marks = LogMarks()
  private var file: (any DiskFile)?
  private var framer = RecordFramer()
  private var framed = ByteBuffer(capacity: 128 * 1024)
  private var retired: [any DiskFile] = []
  private var isDirectoryDirty = false

  /// The first write begins the segment after `lastSegment`.
  init(directory: WALDirectory, lastSegment: Int, options: WALOptions, log: Log) {
    self.directory = directory
    self.log = log
    segment = lastSegment
    segmentBytes = options.segmentBytes
    keepsRetired = options.sync != .os
  }

  /// The position behind the last record.
  var position: WALPosition {
    file == nil ? WALPosition(segment: segment + 1, offset: 0) : WALPosition(segment: segment, offset: offset)
  }

  /// Writes all records of `body` with one write, or none of them. Returns the bytes written.
  mutating func append(_ body: borrowing WALBody, isRepetition: Bool = false) throws(DiskError) -> Int {
    if file == nil { try begin() }
    var next = frame(body)
    if offset > 0, offset + framed.count > segmentBytes {
      try cut()
      next = frame(body)
    }
    try write(then: next)
    if isRepetition { marks.noteRepetition(segment, (offset - framed.count)..<offset) }
    return framed.count
  }

  private mutating func frame(_ body: borrowing WALBody) -> RecordFramer {
    framed.removeAll()
    var next = framer
    body.frame(with: &next, into: &framed)
    return next
  }

  private mutating func write(then next: RecordFramer) throws(DiskError) {
    guard let file else { return }
    do throws(DiskError) {
      try file.write(framed.bytes, at: offset)
    } catch {
      restore(file)
      throw error
    }
    offset += framed.count
    framer = next
    isDirty = true
  }

  /// Takes away what a failed write may have left.
  private mutating func restore(_ file: any DiskFile) {
    do throws(DiskError) {
      try file.truncate(to: offset)
    } catch {
      abandon(because: error)
    }
  }

  private mutating func abandon(because error: DiskError) {
    log.error(
      "Write log segment abandoned, the next write begins a new one",
      ["segment": String(segment), "offset": String(offset), "err": error.description])
    guard let abandoned = file else { return }
    file = nil
    marks.noteAbandoned(segment, end: offset)
    // What was committed to it before may still wait for its fsync.
    do throws(DiskError) {
      try retire(abandoned)
    } catch {
      log.error("Write log segment not closed", ["segment": String(segment), "err": error.description])
    }
  }

  /// Fills the last page, as a finished segment has it, and begins the next segment.
  mutating func cut() throws(DiskError) {
    if file != nil { try fillPage() }
    let finished = file
    try begin()
    if let finished { try retire(finished) }
  }

  mutating func fillPage() throws(DiskError) {
    if framer.pageOffset == 0 || file == nil { return }
    framed.removeAll()
    var next = framer
    next.fillPage(in: &framed)
    try write(then: next)
  }

  /// Creates the next segment. On error nothing has changed, except that a number that is taken is passed over.
  mutating func begin(_ access: FileAccess = .create) throws(DiskError) {
    do throws(DiskError) {
      file = try directory.disk.open(directory.segmentPath(segment + 1), access)
    } catch {
      if error.code == SegmentTail.fileExists { segment += 1 }
      throw error
    }
    segment += 1
    offset = 0
    framer = RecordFramer()
    isDirectoryDirty = true
  }

  private static let fileExists: Int32 = 17

  private mutating func retire(_ finished: any DiskFile) throws(DiskError) {
    if !keepsRetired { return try finished.close() }
    retired.append(finished)
    if retired.count > SegmentTail.retiredMax {
      // Not closed here: a sync that takes as long as this may still be inside it. Its last owner closes it.
      try retired.removeFirst().sync()
    }
  }

  /// True if nothing waits for an fsync.
  var isSynced: Bool { !isDirty && !isDirectoryDirty && retired.isEmpty }

  /// Takes the work of a sync; nil if all is on stable storage. The caller must do it or report the failure.
  mutating func takeSyncWork() -> SyncWork? {
    if isSynced { return nil }
    let work = SyncWork(retired: retired, current: file, isDirectoryDirty: isDirectoryDirty)
    retired.removeAll(keepingCapacity: true)
    isDirty = false
    isDirectoryDirty = false
    return work
  }

  /// Abandons the segment whose fsync has failed: nothing more is written behind the bytes that may be lost, and no
  /// later success of the same file is believed.
  mutating func syncFailed(_ work: SyncWork, _ outcome: SyncOutcome) {
    isDirectoryDirty = isDirectoryDirty || work.isDirectoryDirty
    guard outcome.isCurrentLost, let current = work.current else { return }
    if let file, file === current {
      self.file = nil
    } else if let place = retired.firstIndex(where: { $0 === current }) {
      retired.remove(at: place)
    }
    log.error(
      "Write log segment abandoned after a failed fsync, the next write begins a new one",
      ["segment": current.path])
    do throws(DiskError) {
      try current.close()
    } catch {
      log.error("Write log segment not closed", ["segment": current.path, "err": error.description])
    }
  }

  /// The files to close at the end.
  mutating func takeFiles() -> [any DiskFile] {
    defer {
      retired.removeAll()
      file = nil
    }
    return retired + (file.map { [$0] } ?? [])
  }
}

import Format
import Platform

/// Reads a log that is being written, record by record, from a position on, and never past what is committed. Takes nothing of
/// the log but, now and then, its position: writers do not wait for it. One owner, one thread at a time.
///
/// Whoever stores `position` calls `sync` of the log before: after a power loss the log must reach at least as far.
/// Each record is given once. What the log repeats of itself (`WriteAheadLog.commit`) is given as names of series only, except
/// that a process that was killed no longer knows what was a repetition.
package struct LogFollower: ~Copyable {
  package enum Reading: Sendable, Equatable {
    /// The columns have records.
    case records
    /// The log has no more for now; the columns are empty.
    case atEnd
    /// Records before this position, from the last one that was given on, are damaged or gone, or the log ends before the
    /// position from which it was to be read. Reading goes on there; the columns are empty. Names of series may be among
    /// what is lost: `LogNames` has those that are still in use. After a power loss it may be something that was never
    /// acknowledged.
    case lost(through: WALPosition)
  }

  /// The position of the first record that has not been given.
  package private(set) var position: WALPosition

  private let log: WriteAheadLog
  private var reader = SegmentReader()
  private var unpacker = RecordUnpacker()
  /// The segment of `position`, if it is open.
  private var file: (any DiskFile)?
  /// True while the reader is inside of the segment, before `end`.
  private var isReading = false
  /// The end of what is committed, as far as this is known.
  private var end = WALPosition(segment: 0, offset: 0)
  private var repetitions: [Range<Int>] = []
  /// True from damage to the next whole record.
  private var isPassingDamage = false
  /// True if nothing but a cut record has been met since the last whole one.
  private var isCutOnly = true
  /// Set when it is known where reading goes on behind a loss that has not been told.
  private var lossEnd: WALPosition?
  /// The first record behind a loss. Valid until the reader is asked for the next one.
  private var pending: (bytes: UnsafeRawBufferPointer, compression: WALCompression)?

  package init(_ log: WriteAheadLog, from position: WALPosition) {
    self.log = log
    self.position = position
  }

  /// Fills `columns`, which it empties first, with whole records until they have `rowsMax` rows and records, or as many bytes as a
  /// `DecodedBatch`, or the log has no more. One record may go beyond.
  ///
  /// Throws where the system refuses to open or to list files; the next call tries again.
  package mutating func next(into columns: inout RecordColumns, rowsMax: Int) throws(WALError) -> Reading {
    columns.removeAll()
    while true {
      if let behind = lossEnd {
        if !columns.isEmpty { return .records }
        lossEnd = nil
        position = behind
        return .lost(through: behind)
      }
      if LogFollower.isFull(columns, rowsMax) { return .records }
      if !isReading {
        do throws(DiskError) {
          if try !begin() { return columns.isEmpty ? .atEnd : .records }
        } catch {
          // What was read is given first.
          if !columns.isEmpty { return .records }
          throw .disk(error)
        }
      }
      if isReading { step(into: &columns) }
    }
  }

  private static func isFull(_ columns: borrowing RecordColumns, _ rowsMax: Int) -> Bool {
    columns.rowAndRecordCount >= max(rowsMax, 1) || columns.keptBytes >= DecodedBatch.keptBytesMax
  }

  /// Puts the reader to the position, with all that is committed by now before it, or notes that there is a loss. False at the
  /// end of the log.
  private mutating func begin() throws(DiskError) -> Bool {
    let extent = log.extent(of: position.segment)
    end = extent.position
    if position == end { return false }
    if position > end {
      closeFile()
      lossEnd = end
      return true
    }
    if file == nil {
      do throws(DiskError) {
        file = try log.directory.disk.open(log.directory.segmentPath(position.segment), .read)
      } catch {
        if !error.isNotFound { throw error }
        lossEnd = try nextSegment()
        return true
      }
    }
    guard let file else { return true }
    repetitions = extent.repetitions
    try reader.begin(file, from: position.offset, until: isFinished ? extent.committedEnd ?? .max : end.offset)
    if position.offset > reader.fileBytes {
      noteLoss(through: segmentEnd)
    } else {
      isReading = true
    }
    return true
  }

  /// True if nothing more is written to the segment of the position.
  private var isFinished: Bool { position.segment < end.segment }

  /// The position behind all that is committed in this segment.
  private var segmentEnd: WALPosition {
    isFinished ? WALPosition(segment: position.segment + 1, offset: 0) : end
  }

  /// The position at which the log goes on behind a segment that is not there.
  private func nextSegment() throws(DiskError) -> WALPosition {
    if !isFinished { return end }
    let next = try log.directory.segments().first { $0 > position.segment } ?? end.segment
    return WALPosition(segment: min(next, end.segment), offset: 0)
  }

  private mutating func step(into columns: inout RecordColumns) {
    if let record = pending {
      pending = nil
      return take(record.bytes, record.compression, into: &columns)
    }
    switch reader.next() {
    case .record(let bytes, let compression):
      if isPassingDamage {
        isPassingDamage = false
        pending = (bytes, compression)
        lossEnd = WALPosition(segment: position.segment, offset: reader.scanner.recordStart)
      } else {
        take(bytes, compression, into: &columns)
      }
    case .damage(let damage):
      isCutOnly = (isCutOnly || !isPassingDamage) && damage.reason == .cut
      isPassingDamage = true
    case .end:
      finish()
    }
  }

  private mutating func take(
    _ bytes: UnsafeRawBufferPointer, _ compression: WALCompression, into columns: inout RecordColumns
  ) {
    let behind = WALPosition(segment: position.segment, offset: reader.scanner.intactEnd)
    // A kind of zero stands where a record was lost earlier.
    guard let record = unpacker.unpack(bytes, compression), !record.isEmpty, record[0] != 0 else {
      lossEnd = behind
      return
    }
    let kind = record[0]
    let isName = kind == RecordKind.series.rawValue || kind == RecordKind.metadata.rawValue
    if !isName && isRepetition(reader.scanner.recordStart) {
      position = behind
    } else if columns.append(record: record) == .malformed {
      lossEnd = behind
    } else {
      position = behind
    }
  }

  private func isRepetition(_ offset: Int) -> Bool {
    for range in repetitions where range.contains(offset) { return true }
    return false
  }

  /// The reader has come to what was the end of the segment.
  private mutating func finish() {
    isReading = false
    // A killed process left a record that nobody was told is stored.
    let isTorn = isPassingDamage && isCutOnly && position.segment < log.firstSegment
    let isShort = !isFinished && reader.fileBytes < end.offset
    if isPassingDamage && !isTorn || isShort { return noteLoss(through: segmentEnd) }
    isPassingDamage = false
    let behind = segmentEnd
    if isFinished { closeFile() }
    position = behind
  }

  private mutating func noteLoss(through behind: WALPosition) {
    isPassingDamage = false
    lossEnd = behind
    if behind.segment != position.segment { closeFile() }
  }

  private mutating func closeFile() {
    // Nothing was written to it.
    try? file?.close()
    file = nil
  }
}

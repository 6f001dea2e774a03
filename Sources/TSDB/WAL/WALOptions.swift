import Format
import Platform

/// The time at which a commit is on stable storage (`--storage.tsdb.wal-sync`). A killed process loses nothing under
/// any of them.
package enum WALSync: String, Sendable, CaseIterable {
  /// Before it is acknowledged; one fsync serves all that wait.
  case always
  /// Within `WALOptions.syncIntervalMilliseconds`.
  case interval
  /// When the operating system sees fit.
  case os
}

package struct WALOptions: Sendable {
  /// A segment is cut before a body that would make it larger; a larger body has a segment of its own.
  package static let segmentBytesDefault = 128 << 20
  /// No record is read or written that is larger than this before compression.
  package static let recordBytesMax = 1 << 30

  package var directory: String
  package var sync = WALSync.interval
  package var syncIntervalMilliseconds: Int64 = 1000
  package var segmentBytes = WALOptions.segmentBytesDefault
  /// The lowest number of a new segment: a snapshot may know the log up to there, although nothing of it is left.
  package var firstSegmentMin = 0

  package init(directory: String) { self.directory = directory }
}

/// A place in the log: a record's first byte, or the byte behind the last one.
package struct WALPosition: Sendable, Equatable, Comparable, CustomStringConvertible {
  package var segment: Int
  /// Bytes from the start of the segment.
  package var offset: Int

  package init(segment: Int, offset: Int) {
    self.segment = segment
    self.offset = offset
  }

  /// No segment that begins after the position was taken has a lower number.
  var nextSegmentMin: Int { offset > 0 ? segment + 1 : segment }

  package static func < (left: WALPosition, right: WALPosition) -> Bool {
    (left.segment, left.offset) < (right.segment, right.offset)
  }

  package var description: String { "\(segment):\(offset)" }
}

package enum WALError: Error, Equatable, Sendable, CustomStringConvertible {
  case disk(DiskError)
  case closed
  /// Records of a finished segment cannot be read.
  case damaged(path: String)

  package var description: String {
    switch self {
    case .disk(let error): error.description
    case .closed: "the write-ahead log is closed"
    case .damaged(let path):
      "records of the write-ahead log cannot be read in \(path); the log is not shortened over them"
    }
  }
}

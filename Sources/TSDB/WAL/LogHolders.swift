import Platform
import Synchronization

/// Those who still want to read segments of a log, and from which on. Any thread.
final class LogHolders: Sendable {
  private let held = Mutex<[String: Int]>([:])

  func hold(_ name: String, from segment: Int) { held.withLock { $0[name] = segment } }

  func release(_ name: String) { held.withLock { $0[name] = nil } }

  /// The oldest segment that somebody holds; nil: nobody holds any.
  var oldest: Int? { held.withLock { $0.values.min() } }

  /// Names of those who hold a segment before `segment`.
  func names(before segment: Int) -> [String] {
    held.withLock { $0.filter { $0.value < segment }.keys.sorted() }
  }
}

extension WriteAheadLog {
  /// Keeps the segments from `segment` on for `name`, who reads them, in place of what it held before. Checkpoints are written
  /// as ever, so that a start does not read what is only held; the segments, and what names their series, stay.
  ///
  /// Whoever stores its position holds the segment of the one that is stored, not of one that is read already. Late samples are
  /// named in the other log: who follows that of late samples reads the names first, and holds both.
  ///
  /// A hold is not kept over a restart: whoever has a stored position holds its segment again before the upkeep begins.
  package func hold(_ name: String, from segment: Int) { holders.hold(name, from: segment) }

  /// True if anybody holds segments.
  var isHeld: Bool { holders.oldest != nil }

  /// Ends the hold; the segments go when the log is shortened the next time.
  package func release(_ name: String) { holders.release(name) }
}

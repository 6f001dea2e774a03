import Format

/// A block that lies in the directory, or lay there at the start, and is not served since it cannot be opened. Immutable.
package struct MissingBlock: Sendable, Equatable {
  package var ulid: ULID
  /// The times that its description covers; nil if that cannot be read: it may have samples of any time.
  package var times: ClosedRange<Int64>?
  /// The reason why it cannot be opened.
  package var reason: String

  func overlaps(_ range: ClosedRange<Int64>) -> Bool { times?.overlaps(range) ?? true }
}

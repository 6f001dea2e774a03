import Format
import Model

/// What people may do to the blocks and the head through the API.
package protocol BlockAdmin: Sendable {
  /// Deletes the samples of the series that match all matchers in a closed range of times. Durable, and seen by every
  /// query that begins after it; the space comes back when their blocks are rewritten.
  func delete(_ matchers: [CompiledMatcher], in range: ClosedRange<Int64>) throws(BlockFault)

  /// Rewrites every block of which something is deleted.
  func cleanTombstones() throws(BlockFault)

  /// Makes a copy of the database that shares the files of its blocks, and gives its name in `snapshots`.
  func snapshot(skipsHead: Bool) throws(BlockFault) -> String

  var blockMetas: [BlockMeta] { get }
}

import Format
import Model

/// The actions on blocks and head that the API offers.
package protocol BlockAdmin: Sendable {
  /// Deletes the samples of the series that match all matchers in a closed range of times. Durable, and seen by every
  /// query that begins after it; the space comes back when their blocks are rewritten.
  func delete(_ matchers: [CompiledMatcher], in range: ClosedRange<Int64>) throws(BlockError)

  /// Rewrites every block of which something is deleted.
  func cleanTombstones() throws(BlockError)

  /// Makes a copy of the database that shares the files of its blocks.
  func snapshot(skipsHead: Bool) throws(BlockError) -> TakenSnapshot

  var blockMetas: [BlockMeta] { get }

  /// Blocks that are served and of which something could not be read.
  var damagedBlocks: [ULID] { get }

  /// Blocks that cannot be served.
  var missingBlocks: [MissingBlock] { get }
}

/// A complete and durable copy of a database.
package struct TakenSnapshot: Sendable, Equatable {
  /// Its folder's name in `snapshots`.
  package var name: String
  /// Its path on the server's machine.
  package var path: String
  package var blocks: [HeldBlock]
  /// The data that it should have held and does not, in sentences.
  package var warnings: [String]

  package init(name: String, path: String, blocks: [HeldBlock] = [], warnings: [String] = []) {
    self.name = name
    self.path = path
    self.blocks = blocks
    self.warnings = warnings
  }
}

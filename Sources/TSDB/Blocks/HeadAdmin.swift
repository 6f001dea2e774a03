import Format
import Model

/// The head as the administration of the blocks uses it. All calls are made under the `BlockChangeLock`.
package protocol HeadAdmin: Sendable {
  /// Deletes the samples of the series that match, at once and durably.
  func delete(_ matchers: [CompiledMatcher], in range: ClosedRange<Int64>) throws(BlockError)

  /// Writes a block of all samples that the head holds now, open chunks and late samples among them, into a folder that is
  /// there; nothing where the head is empty. The head stays as it is.
  func writeBlock(into directory: String) throws(BlockError) -> HeadCopy
}

/// The outcome of copying the head.
package struct HeadCopy: Sendable {
  /// The description of the block written; nil: there was nothing to write.
  package var meta: BlockMeta?
  /// Chunks of the head that could not be read, and so are not in the copy.
  package var unreadableChunks = 0

  package init(meta: BlockMeta? = nil, unreadableChunks: Int = 0) {
    self.meta = meta
    self.unreadableChunks = unreadableChunks
  }
}

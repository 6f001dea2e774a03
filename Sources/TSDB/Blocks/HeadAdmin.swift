import Model

/// What the administration of the blocks needs of the head. All are called within a turn of `BlockTurns`.
package protocol HeadAdmin: Sendable {
  /// Deletes the samples of the series that match, at once and durably.
  func delete(_ matchers: [CompiledMatcher], in range: ClosedRange<Int64>) throws(BlockFault)

  /// Writes a block of all that the head holds now into a folder that is there; nothing where the head is empty. The head
  /// stays as it is.
  func writeBlock(into directory: String) throws(BlockFault)

  /// The youngest sample; nil where there is none.
  var newestTime: Int64? { get }

  /// What the log and the head's chunk files take.
  var sizeBytes: Int { get }
}

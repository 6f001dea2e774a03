import Format
import Model
import Platform

/// Deletes, cleans and copies: the administration of a database's blocks and, through `HeadAdmin`, of its head. Any thread;
/// each action is a turn of its own and may wait for a compaction to make way.
package final class BlockAdministration: BlockAdmin {
  private let blocks: BlockSet
  private let compactor: Compactor
  private let head: any HeadAdmin
  private let clock: any Clock
  private let directory: String

  /// - Parameter directory: where snapshots go, `snapshots` in the data directory.
  package init(
    _ blocks: BlockSet, compactor: Compactor, head: any HeadAdmin, directory: String, clock: any Clock
  ) {
    self.blocks = blocks
    self.compactor = compactor
    self.head = head
    self.directory = directory
    self.clock = clock
  }

  package var blockMetas: [BlockMeta] { blocks.current.blocks.map(\.meta) }

  package func delete(_ matchers: [CompiledMatcher], in range: ClosedRange<Int64>) throws(BlockFault) {
    try blocks.turns.take { () throws(BlockFault) in
      try blocks.delete(matchers, in: range)
      try head.delete(matchers, in: range)
    }
  }

  package func cleanTombstones() throws(BlockFault) {
    let started = clock.monotonicNanoseconds()
    try blocks.turns.take { () throws(BlockFault) in
      for block in blocks.current.blocks where !block.tombstones.isEmpty { try compactor.rewrite(block) }
    }
    blocks.metrics.tombstoneCleanupSeconds.observe(Double(clock.monotonicNanoseconds() - started) / 1e9)
  }

  package func snapshot(skipsHead: Bool) throws(BlockFault) -> String {
    var random = SystemRandomNumberGenerator()
    let name = SnapshotName.make(milliseconds: clock.nowMilliseconds(), number: random.next())
    let path = DiskPath.join(directory, name)
    let disk = blocks.disk
    try blocks.turns.take { () throws(BlockFault) in
      do throws(BlockFault) {
        try BlockFault.wrap { () throws(DiskError) in try disk.makeDirectories(path) }
        for block in blocks.current.blocks { try blocks.link(block, into: path) }
        if !skipsHead { try head.writeBlock(into: path) }
        try BlockFault.wrap { () throws(DiskError) in try disk.syncDirectory(path) }
      } catch {
        // A part of a copy must not look like one. What cannot be removed either is said by the error that is thrown.
        try? disk.removeTree(path)
        throw error
      }
    }
    return name
  }
}

/// The name of a snapshot: its moment in UTC and a number, `20060102T150405Z-0123456789abcdef`.
enum SnapshotName {
  static func make(milliseconds: Int64, number: UInt64) -> String {
    let moment = TimeText.text(milliseconds: milliseconds).prefix { $0 != "." }.filter { $0 != "-" && $0 != ":" }
    let digits = String(number >> 1, radix: 16)
    return moment + "Z-" + String(repeating: "0", count: 16 - digits.count) + digits
  }
}

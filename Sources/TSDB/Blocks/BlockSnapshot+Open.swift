import Format
import Platform

extension BlockSnapshot {
  /// The blocks of a directory as they lie there: for tools. It changes nothing there, and leaves out blocks that a
  /// compaction has replaced but not removed yet. It returns the blocks that cannot be opened apart.
  package static func open(
    _ root: String, on disk: any Disk, report: BlockReport = BlockReport()
  ) throws(DiskError) -> (snapshot: BlockSnapshot, unopened: [(ulid: ULID, fault: BlockError)]) {
    let folder = BlockFolder(root: root, disk: disk)
    var blocks: [Block] = []
    var unopened: [(ulid: ULID, fault: BlockError)] = []
    for ulid in try folder.blocks() {
      do throws(BlockError) {
        blocks.append(try Block(folder.path(ulid), on: disk, report: report))
      } catch {
        unopened.append((ulid, error))
      }
    }
    let parents = Set(blocks.flatMap { block in block.meta.compaction.parents.map(\.ulid) })
    let present = blocks.filter { !parents.contains($0.meta.ulid) && !$0.meta.compaction.isDeletable }
    return (BlockSnapshot(present), unopened.filter { !parents.contains($0.ulid) })
  }
}

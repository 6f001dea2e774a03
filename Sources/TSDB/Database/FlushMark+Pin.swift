import Platform

extension FlushMark {
  /// Writes down what a start would conclude from the blocks, before blocks come from elsewhere: they say nothing of how far
  /// this directory's own head was flushed, and samples that only its log has would be taken for written. Nothing happens
  /// where there is no head, or a mark already.
  package static func pin(_ root: String, on disk: any Disk, now: Int64) throws(DiskError) {
    let layout = DatabaseLayout(root: root)
    if file(layout.flushMark, on: disk).read({ FlushMark($0.body) == nil ? "it holds no number" : nil }).contents != nil
    {
      return
    }
    let headBytes = try disk.treeBytes(layout.wal) + disk.treeBytes(layout.headChunks) + disk.treeBytes(layout.snapshot)
    if headBytes == 0 { return }
    let blocks = try BlockSnapshot.open(root, on: disk).snapshot
    let mark = Database.derivedMark(blocks, DatabaseOptions(directory: root), now: now)
    try write(mark, newestBlockEnd: blocks.newestEnd ?? mark, to: layout.flushMark, on: disk)
  }
}

import Format
import Platform

/// Mends a damaged segment so that it reads without damage, with every intact record at its old offset, after the
/// damaged original was set aside. Every step may be interrupted: the segment is the old one or the mended one.
struct SegmentRepair {
  let disk: any Disk
  let quarantine: Quarantine

  /// Cuts what a crash left behind the last whole record.
  func truncateTail(_ path: String, to size: Int) throws(DiskError) {
    let file = try disk.open(path, .readWrite)
    try file.truncate(to: size)
    try file.sync()
    try file.close()
  }

  /// Replaces the segment by a copy with `edits` done, cut to `size`.
  func mend(
    _ source: ReplayPlan.Source, _ edits: [SegmentEdit], size: Int
  ) throws(DiskError) {
    let original = try disk.open(source.path, .read)
    let temporary = source.directory.repairPath(source.number)
    let copy = try disk.open(temporary, .truncate)
    var byPage: [Int: [SegmentEdit]] = [:]
    for edit in edits where edit.offset < size {
      byPage[edit.offset / WALPage.pageBytes, default: []].append(edit)
    }
    var page = ByteBuffer(capacity: WALPage.pageBytes)
    var offset = 0
    while offset < size {
      let bytes = min(WALPage.pageBytes, size - offset)
      let pageEdits = byPage[offset / WALPage.pageBytes] ?? []
      try SegmentRepair.load(original, at: offset, bytes, isEdited: !pageEdits.isEmpty, into: &page) { loaded in
        for edit in pageEdits { edit.apply(to: loaded, pageOffset: offset) }
      }
      try copy.write(page.bytes, at: offset)
      offset += bytes
    }
    try copy.sync()
    try copy.close()
    try original.close()
    try disk.rename(temporary, to: source.path)
    try disk.syncDirectory(source.directory.path)
  }

  /// Loads one page of the original with its edits. A page that cannot be read is blank: its edits cover all of it.
  private static func load(
    _ file: any DiskFile, at offset: Int, _ bytes: Int, isEdited: Bool, into page: inout ByteBuffer,
    _ edit: (UnsafeMutableRawBufferPointer) -> Void
  ) throws(DiskError) {
    page.removeAll()
    var failure: DiskError?
    page.write(room: bytes) { room in
      room.initializeMemory(as: UInt8.self, repeating: 0)
      do throws(DiskError) {
        _ = try file.read(into: room, at: offset)
      } catch {
        failure = error
      }
      edit(room)
      return bytes
    }
    if let failure, !isEdited { throw failure }
  }
}

import Format
import Platform

/// What opening found damaged. Whoever has the chunks' samples elsewhere (the log) may want to restore them.
package struct HeadChunkReport: Sendable, Equatable {
  /// Chunks in the files that were opened.
  package var chunks = 0
  /// The first place of each file that was damaged: chunks at and behind it are gone from that file.
  package var lost: [HeadChunkRef] = []
  /// Whether files between the first and the last are missing.
  package var hasGap = false
  package var isWhole: Bool { lost.isEmpty && !hasGap }
}

/// Reads one file of head chunks at start. Chunks before the first damaged place stay, with their references; of the
/// last file the rest was being written and is cut off, of others the original is set aside first. All other files
/// are used.
struct HeadChunkRepair {
  let directory: HeadChunkDirectory
  let quarantine: String
  let log: Log

  /// Where the chunks end; nil where no file is left.
  func read(
    _ number: Int, isLast: Bool, checksums: Bool, reporting report: inout HeadChunkReport,
    _ body: (HeadChunkInfo) -> Void
  ) throws(DiskError) -> Int? {
    let path = directory.filePath(number)
    let mapping = try directory.disk.map(path)
    let file = mapping.bytes
    if !HeadChunkLayout.hasFileHeader(file) {
      let isBlank = file.count < HeadChunkLayout.fileHeaderBytes || file.allSatisfy { $0 == 0 }
      return try treatHeader(number, isLast: isLast, isBlank: isBlank, &report)
    }
    var count = 0
    let (intactEnd, isDamaged) = HeadChunkLayout.forEachChunk(of: file, number: number, checksums: checksums) {
      count += 1
      body($0)
    }
    report.chunks += count
    if isDamaged {
      report.lost.append(HeadChunkRef(file: number, offset: intactEnd))
      let fields: Log.Fields = [
        "file": path, "offset": String(intactEnd), "bytes": String(file.count - intactEnd), "kept": String(count),
      ]
      if isLast {
        log.warn("Head chunk file had a torn end, dropped it", fields)
      } else {
        log.error("Head chunk file is damaged, the chunks before the place are kept", fields)
      }
      try keepPrefix(number, mapping, intactEnd, setAside: !isLast)
    }
    return intactEnd
  }

  /// A file without its header: one that was just created when the power went, or damage.
  private func treatHeader(
    _ number: Int, isLast: Bool, isBlank: Bool, _ report: inout HeadChunkReport
  ) throws(DiskError) -> Int? {
    let path = directory.filePath(number)
    if isLast, isBlank {
      log.warn("Empty head chunk file removed", ["file": path])
      try directory.disk.removeFile(path)
      return nil
    }
    report.lost.append(HeadChunkRef(file: number, offset: HeadChunkLayout.fileHeaderBytes))
    log.error("Head chunk file has no valid header, its chunks are not used", ["file": path])
    var header = ByteBuffer(capacity: 16)
    HeadChunkLayout.appendFileHeader(to: &header)
    try replace(number, with: header.bytes, setAside: true)
    return HeadChunkLayout.fileHeaderBytes
  }

  private func keepPrefix(_ number: Int, _ mapping: MappedFile, _ end: Int, setAside: Bool) throws(DiskError) {
    try replace(number, with: UnsafeRawBufferPointer(rebasing: mapping.bytes[..<end]), setAside: setAside)
  }

  /// Atomically: the file is the old one or the new one.
  private func replace(
    _ number: Int, with bytes: UnsafeRawBufferPointer, setAside: Bool
  ) throws(DiskError) {
    let path = directory.filePath(number)
    if setAside {
      let name = path.split(separator: "/").suffix(2).joined(separator: "-")
      let repair = SegmentRepair(disk: directory.disk, quarantine: quarantine)
      let aside = try repair.setAside(path, name: name)
      log.warn("Head chunk file set aside", ["file": path, "original": aside ?? "not kept, too many set aside"])
    }
    let temporary = directory.repairPath(number)
    let copy = try directory.disk.open(temporary, .truncate)
    try copy.write(bytes, at: 0)
    try copy.sync()
    try copy.close()
    try directory.disk.rename(temporary, to: path)
    try directory.disk.syncDirectory(directory.path)
  }
}

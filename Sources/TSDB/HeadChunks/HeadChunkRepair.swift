import Format
import Model
import Platform

/// Reads one file of head chunks at a start. All its intact chunks are used, with their references, whatever lies between
/// them. A damaged file stays as it is, with a second name in the quarantine, until the server ends cleanly and what was
/// in the damaged places is durable elsewhere: whoever is killed before finds the same damage again, and reads the log
/// again (`mend`).
struct HeadChunkRepair {
  /// The name under which damage of these files is counted.
  static let damagedName = "chunks_head"
  private static let sectorBytes = 4096

  let directory: HeadChunkDirectory
  let damaged: DamagedFiles
  let log: Log

  /// Reads a file and returns where its chunks end; nil if there is no file that can be used.
  func read(
    _ number: Int, isLast: Bool, reporting report: inout HeadChunkReport, _ body: (HeadChunkInfo) -> Void
  ) -> Int? {
    let path = directory.filePath(number)
    do throws(DiskError) {
      try salvage(number)
      let mapping = try directory.disk.map(path)
      if mapping.bytes.allSatisfy({ $0 == 0 }) {
        try removeBlank(number, isLast: isLast, &report)
        return nil
      }
      let scan = HeadChunkScan(LentBytes(mapping.bytes), number: number, body)
      report.chunks += scan.chunkCount
      report.lost += scan.damages.map { HeadChunkRef(file: number, offset: $0.offset) }
      if !scan.hasHeader { report.headless.append(number) }
      if !scan.damages.isEmpty || !scan.hasHeader { tell(path, scan, isLast: isLast) }
      return scan.end
    } catch {
      report.lost.append(HeadChunkRef(file: number, offset: 0))
      damaged.report(
        path, as: HeadChunkRepair.damagedName, damage: "it cannot be read: \(error)",
        instead: "the snapshot and the write-ahead log", meaning: "samples that only this file has are missing",
        keepsOriginal: false)
      return nil
    }
  }

  private func tell(_ path: String, _ scan: HeadChunkScan, isLast: Bool) {
    let places = scan.damages.prefix(8).map { "\($0.bytes) bytes at \($0.offset)" }.joined(separator: ", ")
    let more = scan.damages.count > 8 ? " and \(scan.damages.count - 8) more places" : ""
    let what = isLast && scan.isTornOnly ? "a torn end: " : ""
    damaged.report(
      path, as: HeadChunkRepair.damagedName,
      damage: scan.damages.isEmpty ? "its header is not what was written" : what + places + more,
      instead: "its other chunks (\(scan.chunkCount)), the snapshot and the write-ahead log",
      meaning: scan.damages.isEmpty
        ? "nothing is lost" : "samples of the damaged places that the log no longer has are missing")
  }

  /// Removes a file without a byte in it: it was just created when the power went, or its bytes are gone.
  private func removeBlank(_ number: Int, isLast: Bool, _ report: inout HeadChunkReport) throws(DiskError) {
    let path = directory.filePath(number)
    if !isLast { report.missing.append(number) }
    try directory.disk.removeFile(path)
    log.warn("Empty head chunk file removed", ["file": path])
  }

  /// Replaces a file with a bad sector by a copy that has the other sectors at their offsets.
  private func salvage(_ number: Int) throws(DiskError) {
    let path = directory.filePath(number)
    do throws(DiskError) {
      try directory.disk.checkReadable(path)
    } catch {
      let file = try directory.disk.open(path, .read)
      log.error("A head chunk file cannot be read everywhere, its readable sectors are copied", ["err": "\(error)"])
      try copySectors(of: file, try file.size(), number)
      try file.close()
    }
  }

  private func copySectors(of file: any DiskFile, _ size: Int, _ number: Int) throws(DiskError) {
    let path = directory.filePath(number)
    _ = damaged.quarantine.keep(path, as: "\(HeadChunkRepair.damagedName)-\(DiskPath.name(path))")
    let copy = try AtomicReplace(path, on: directory.disk, bufferBytes: 0)
    var sector = ByteBuffer(capacity: HeadChunkRepair.sectorBytes)
    for offset in stride(from: 0, to: size, by: HeadChunkRepair.sectorBytes) {
      let wanted = min(HeadChunkRepair.sectorBytes, size - offset)
      sector.removeAll()
      // A sector that cannot be read is filled up below.
      _ = try? file.read(wanted, at: offset, into: &sector)
      // No chunk is read from such bytes, and they are no end of a file.
      while sector.count < wanted { sector.append(0xff as UInt8) }
      _ = try copy.file.append(sector.bytes)
    }
    try copy.commit()
  }

  /// Replaces a damaged file by its header and its intact chunks, so that Prometheus reads it too. Their references
  /// change: nobody may read any more.
  static func mend(_ number: Int, in directory: HeadChunkDirectory) throws(DiskError) {
    let path = directory.filePath(number)
    let mapping = try directory.disk.map(path)
    var whole = ByteBuffer(capacity: mapping.bytes.count)
    HeadChunkLayout.appendFileHeader(to: &whole)
    _ = HeadChunkScan(LentBytes(mapping.bytes), number: number) { chunk in
      let end = chunk.data.upperBound + HeadChunkLayout.checksumBytes
      whole.append(mapping.bytes.part(chunk.ref.offset..<end))
    }
    let replacement = try AtomicReplace(path, on: directory.disk, bufferBytes: 0)
    _ = try replacement.file.append(whole.bytes)
    try replacement.commit()
  }
}

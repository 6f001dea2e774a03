import Platform

/// The newest files of late samples when a flush took deleted samples out of the head. Chunk files and log segments up
/// to these may hold deleted samples, also if they were written after the deletion, and a start reads them whatever has
/// been flushed. The list of deletions stays until they are gone. A value.
struct DeletionReach: Sendable {
  /// The time up to which the head had been flushed then.
  let border: Int64
  private let chunkFile: Int
  private let lateSegment: Int

  init(of files: HeadFiles, before border: Int64) {
    self.border = border
    chunkFile = files.chunks.inventory.last?.number ?? 0
    // An empty segment holds nothing.
    let late = files.wbl.position
    lateSegment = late.offset > 0 ? late.segment : late.segment - 1
  }

  /// True once none of the files is there any more.
  func isPassed(by files: HeadFiles) -> Bool {
    if let oldest = files.chunks.inventory.first?.number, oldest <= chunkFile { return false }
    // A log that cannot be listed is there.
    guard let segments = try? files.wbl.directory.segments() else { return false }
    return segments.first.map { $0 > lateSegment } ?? true
  }
}

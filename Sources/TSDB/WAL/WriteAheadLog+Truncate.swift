import Platform

extension WriteAheadLog {
  /// Removes the segments before `segment`, which a checkpoint stands for or whose samples lie elsewhere, and the checkpoints
  /// that are not the last. May be interrupted: what is left is removed by the next call, and replays do not read it.
  ///
  /// Segments that somebody holds stay, with what names their series, as long as they take no more than `heldBytesMax`; past
  /// it the oldest go, and whose they were is logged.
  package func truncate(before segment: Int, heldBytesMax: Int = .max) throws(WALError) {
    precondition(segment <= position.segment, "the present segment cannot be removed")
    metrics.truncations.add()
    do throws(DiskError) {
      try Truncation(self, before: segment, heldBytesMax).perform(self)
    } catch {
      metrics.truncationsFailed.add()
      throw .disk(error)
    }
  }

  /// Removes the segments that stayed only because they were held, as far as nobody holds them now, or all hold more than
  /// `heldBytesMax`. Does nothing where there are none.
  package func truncateHeld(heldBytesMax: Int) throws(WALError) {
    do throws(DiskError) {
      guard let last = try directory.checkpoints().last, last < position.segment else { return }
      let truncation = try Truncation(self, before: last + 1, heldBytesMax)
      if truncation.segments.isEmpty { return }
      metrics.truncations.add()
      try truncation.perform(self)
    } catch {
      metrics.truncationsFailed.add()
      throw .disk(error)
    }
  }
}

/// The files to be removed from a log, where some stay for those who hold them.
private struct Truncation {
  private let limit: Int
  private let heldBytesMax: Int
  /// The segments to remove.
  private(set) var segments: [Int]
  /// The checkpoints to remove.
  private let checkpoints: [Int]
  /// True if segments stay behind which a start goes on.
  private let hasHeld: Bool

  init(_ log: WriteAheadLog, before limit: Int, _ heldBytesMax: Int) throws(DiskError) {
    self.limit = limit
    self.heldBytesMax = heldBytesMax
    segments = try log.directory.segments().filter { $0 < limit }
    let found = try log.directory.checkpoints()
    var held: [Int] = []
    var base: Int?
    if let oldest = log.holders.oldest, oldest < limit {
      // The series of the held segments are named by the checkpoint before them and the segments between.
      base = found.last { $0 < oldest }
      let first = log.metrics.hasCheckpoints ? base.map { $0 + 1 } ?? 0 : oldest
      held = segments.filter { $0 >= first }
      try Truncation.shorten(&held, log.directory, heldBytesMax)
      segments.removeAll { $0 >= held.first ?? .max }
    }
    hasHeld = !held.isEmpty
    let isLastKept = log.metrics.hasCheckpoints || hasHeld
    checkpoints = found.dropLast(isLastKept ? 1 : 0).filter { !isLastKept || held.isEmpty || $0 != base }
  }

  /// Takes the oldest out until the rest has no more bytes than `bytesMax`.
  private static func shorten(_ held: inout [Int], _ directory: WALDirectory, _ bytesMax: Int) throws(DiskError) {
    var bytes = 0
    for (place, number) in held.enumerated().reversed() {
      bytes += try directory.disk.status(directory.segmentPath(number)).size
      if bytes > bytesMax { return held.removeFirst(place + 1) }
    }
  }

  func perform(_ log: WriteAheadLog) throws(DiskError) {
    let directory = log.directory
    // The log of late samples has no checkpoints else.
    if hasHeld && !log.metrics.hasCheckpoints { try Checkpoint.writeEmpty(directory, through: limit - 1) }
    for number in segments { try directory.disk.removeFile(directory.segmentPath(number)) }
    // Before the checkpoint that stands for them.
    if !hasHeld && !log.metrics.hasCheckpoints { try directory.disk.syncDirectory(directory.path) }
    for number in checkpoints { try directory.disk.removeTree(directory.checkpointPath(number)) }
    try directory.disk.syncDirectory(directory.path)
    guard let last = segments.last else { return }
    log.forgetMarks(before: last + 1)
    let names = log.holders.names(before: last + 1)
    if names.isEmpty { return }
    log.log.error(
      "Write log segments were removed that were still to be read: what is held takes more room than it may, or the disk is nearly full. What was in them is not sent",
      [
        "directory": directory.path, "through": String(last), "held_by": names.joined(separator: ", "),
        "limit": String(heldBytesMax),
      ])
  }
}

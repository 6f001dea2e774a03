import Format
import Platform

/// The names in a log's folder: segments `00000007`, checkpoints `checkpoint.00000006` (folders with segments of
/// their own), and what is left of an interrupted checkpoint or repair. A value; stateless.
package struct WALDirectory: Sendable {
  private static let checkpointPrefix = "checkpoint."
  private static let temporarySuffix = ".tmp"
  private static let repairSuffix = ".repair"

  package let disk: any Disk
  package let path: String

  package init(_ disk: any Disk, _ path: String) {
    self.disk = disk
    self.path = path
  }

  package func segmentPath(_ number: Int) -> String { "\(path)/\(WALDirectory.padded(number))" }
  package func repairPath(_ number: Int) -> String { segmentPath(number) + WALDirectory.repairSuffix }
  package func checkpointPath(_ number: Int) -> String {
    "\(path)/\(WALDirectory.checkpointPrefix)\(WALDirectory.padded(number))"
  }
  package func temporaryCheckpointPath(_ number: Int) -> String {
    checkpointPath(number) + WALDirectory.temporarySuffix
  }

  /// Numbers of the segments, ascending; empty where the folder is missing.
  package func segments() throws(DiskError) -> [Int] {
    try names().compactMap(WALDirectory.number).sorted()
  }

  /// The highest number that is taken, by a segment or a checkpoint; -1 where there is none.
  package func lastNumber() throws(DiskError) -> Int {
    max(try segments().last ?? -1, try checkpoints().last ?? -1)
  }

  /// True if the segment exists and has no bytes.
  package func isEmptySegment(_ number: Int) throws(DiskError) -> Bool {
    do throws(DiskError) {
      return try disk.status(segmentPath(number)).size == 0
    } catch {
      if error.isNotFound { return false }
      throw error
    }
  }

  /// Numbers of the checkpoints, ascending. A checkpoint holds what matters of the segments up to its number.
  package func checkpoints() throws(DiskError) -> [Int] {
    try names().compactMap { name in
      name.hasPrefix(WALDirectory.checkpointPrefix)
        ? WALDirectory.number(String(name.dropFirst(WALDirectory.checkpointPrefix.count))) : nil
    }.sorted()
  }

  /// Creates the folder, and removes what an interrupted checkpoint or repair left in it.
  package func prepare() throws(DiskError) {
    try disk.makeDirectories(path)
    for name in try names() {
      // Nobody reads them, and the next checkpoint or repair clears its own name: no reason not to start.
      if name.hasPrefix(WALDirectory.checkpointPrefix), name.hasSuffix(WALDirectory.temporarySuffix) {
        try? disk.removeTree("\(path)/\(name)")
      } else if name.hasSuffix(WALDirectory.repairSuffix) {
        try? disk.removeFile("\(path)/\(name)")
      }
    }
  }

  /// Bytes of all segments and checkpoints.
  package func sizeBytes() throws(DiskError) -> Int {
    var total = 0
    for segment in try segments() { total += try disk.status(segmentPath(segment)).size }
    for checkpoint in try checkpoints() {
      let folder = WALDirectory(disk, checkpointPath(checkpoint))
      for segment in try folder.segments() { total += try disk.status(folder.segmentPath(segment)).size }
    }
    return total
  }

  private func names() throws(DiskError) -> [String] {
    do throws(DiskError) {
      return try disk.list(path)
    } catch {
      if error.isNotFound { return [] }
      throw error
    }
  }

  /// Digits only, as many as there are: logs of early versions have six.
  private static func number(_ name: String) -> Int? {
    guard !name.isEmpty, name.utf8.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
    return Int(name)
  }

  private static func padded(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 8 - digits.count)) + digits
  }
}

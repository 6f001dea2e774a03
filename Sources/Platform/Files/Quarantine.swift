/// The folder where damaged originals are kept for people, before anything mends or replaces them. Bounded by number and
/// bytes, since a dying disk must not be filled by its own evidence: where a new file does not fit, those that were
/// changed longest ago leave for it. Folders (blocks that were set aside) are somebody's only copy and never leave by
/// themselves; they do not count. Empty files are not kept: there is nothing to see in them. Any thread.
package struct Quarantine: Sendable {
  package static let filesMax = 32
  package static let bytesMax = 1 << 30

  package let disk: any Disk
  package let path: String
  private let log: Log
  private let filesMax: Int
  private let bytesMax: Int

  package init(
    _ disk: any Disk, _ path: String, log: Log, filesMax: Int = Quarantine.filesMax,
    bytesMax: Int = Quarantine.bytesMax
  ) {
    self.disk = disk
    self.path = path
    self.log = log
    self.filesMax = filesMax
    self.bytesMax = bytesMax
  }

  /// Gives the file a second name here, made from `name`. The original stays where it is; a rename that replaces it
  /// leaves this one alone. Nil, and a reason in the log, where the quarantine does not keep it.
  package func keep(_ original: String, as name: String) -> String? {
    do throws(DiskError) {
      let status = try disk.status(original)
      if status.size == 0 { return nil }
      if status.size > bytesMax {
        log.warn(
          "A damaged file is not kept in the quarantine: it is larger than all of that may be",
          ["file": original, "bytes": "\(status.size)", "bytes_max": "\(bytesMax)"])
        return nil
      }
      try disk.makeDirectories(path)
      let kept = try files()
      if let same = kept.first(where: { isSame($0, status, name) }) {
        return same.path
      }
      try makeRoom(for: status.size, among: kept)
      let target = try freeName(name)
      try link(original, to: target)
      try disk.syncDirectory(path)
      return target
    } catch {
      log.error("A damaged file could not be kept in the quarantine", ["file": original, "err": "\(error)"])
      return nil
    }
  }

  private struct Kept {
    var path: String
    var status: FileStatus
  }

  private func files() throws(DiskError) -> [Kept] {
    var kept: [Kept] = []
    for name in try disk.list(path) {
      let file = DiskPath.join(path, name)
      let status = try disk.status(file)
      if status.kind == .file { kept.append(Kept(path: file, status: status)) }
    }
    return kept
  }

  /// True if a file is here already, under this name or one made of it: each start finds the same damage again until it
  /// is mended.
  private func isSame(_ kept: Kept, _ status: FileStatus, _ name: String) -> Bool {
    guard kept.status.size == status.size, kept.status.modifiedMilliseconds == status.modifiedMilliseconds else {
      return false
    }
    let keptName = DiskPath.name(kept.path)
    return keptName == name || keptName.hasPrefix(name + ".")
  }

  private func makeRoom(for size: Int, among kept: [Kept]) throws(DiskError) {
    var bytes = kept.reduce(size) { $0 + $1.status.size }
    var count = kept.count + 1
    let oldestFirst = kept.sorted {
      ($0.status.modifiedMilliseconds, $0.path) < ($1.status.modifiedMilliseconds, $1.path)
    }
    for file in oldestFirst where count > filesMax || bytes > bytesMax {
      try disk.removeFile(file.path)
      count -= 1
      bytes -= file.status.size
      log.warn(
        "The quarantine is full: the file in it that was changed longest ago was removed",
        ["file": file.path, "bytes": "\(file.status.size)"])
    }
  }

  private func freeName(_ name: String) throws(DiskError) -> String {
    let taken = Set(try disk.list(path))
    var free = name
    var attempt = 1
    // Ends: `taken` is finite.
    while taken.contains(free) {
      free = "\(name).\(attempt)"
      attempt += 1
    }
    return DiskPath.join(path, free)
  }

  /// Some file systems know no second names: there the bytes are copied.
  private func link(_ original: String, to target: String) throws(DiskError) {
    do throws(DiskError) {
      try disk.link(original, to: target)
    } catch {
      if error.isNotFound || error.isDiskFull { throw error }
      let bytes = try disk.map(original)
      let copy = try AtomicReplace(target, on: disk, bufferBytes: 0)
      _ = try copy.file.append(bytes.bytes)
      try copy.commit()
    }
  }
}

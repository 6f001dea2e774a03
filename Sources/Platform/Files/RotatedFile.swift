import Synchronization

/// A file to which lines are written, one write each. At its limit it is renamed to `name.1`, which replaces the one before,
/// so that twice the limit is the most there is. Any thread.
///
/// A line that cannot be written is told in the server's own log, once for each change from good to bad.
package final class RotatedFile: Sendable {
  private struct State {
    var file: AppendFile?
    var isFailing = false
  }

  private let path: String
  private let bytesMax: Int
  /// The name in the server's log.
  private let name: String
  private let disk: any Disk
  private let log: Log
  private let state = Mutex(State())

  /// Opens nothing before the first line.
  package init(_ path: String, named name: String, bytesMax: Int, on disk: any Disk, log: Log) {
    self.path = path
    self.name = name
    self.bytesMax = bytesMax
    self.disk = disk
    self.log = log
  }

  /// Opens the file, or makes it where it is missing.
  package func open() throws(DiskError) {
    try state.withLock { (state) throws(DiskError) in
      if state.file == nil { state.file = try Self.open(path, disk) }
    }
  }

  private static func open(_ path: String, _ disk: any Disk) throws(DiskError) -> sending AppendFile {
    try disk.makeDirectories(DiskPath.parent(path))
    return try AppendFile(path, on: disk)
  }

  package func append(_ line: [UInt8]) {
    state.withLock { state in
      do throws(DiskError) {
        if let file = state.file, file.size + line.count > bytesMax {
          state.file = nil
          try file.close()
          try disk.rename(path, to: path + ".1")
        }
        if state.file == nil { state.file = try Self.open(path, disk) }
        try state.file?.append(line)
        state.isFailing = false
      } catch {
        if !state.isFailing { log.error("\(name) cannot be written", ["file": path, "err": "\(error)"]) }
        state.isFailing = true
      }
    }
  }
}

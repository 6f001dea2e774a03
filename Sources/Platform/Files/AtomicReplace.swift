/// A file that appears under its name whole and durable, or not at all: it is written under `<path>.tmp`, synced, renamed,
/// and its directory synced. Given up without `commit`, it removes the temporary file. Owned by one thread.
/// Invariant: the old file stays readable under the name until the new one is on stable storage.
package struct AtomicReplace: ~Copyable {
  package static let temporarySuffix = ".tmp"

  package let path: String
  /// The file that the new contents are written to.
  package let file: AppendFile
  private let disk: any Disk
  private var isCommitted = false

  /// A temporary file that a crash left behind is overwritten.
  package init(_ path: String, on disk: any Disk, bufferBytes: Int = 64 << 10) throws(DiskError) {
    self.path = path
    self.disk = disk
    self.file = try AppendFile(path + Self.temporarySuffix, on: disk, .truncate, bufferBytes: bufferBytes)
  }

  deinit {
    if isCommitted { return }
    // Only tidiness: nobody reads temporary names, and the next replacement overwrites this one.
    try? file.file.close()
    try? disk.removeFile(file.path)
  }

  /// Returns when the new file is durable under its name.
  package consuming func commit() throws(DiskError) {
    try file.sync()
    try file.close()
    try disk.rename(file.path, to: path)
    isCommitted = true
    try disk.syncDirectory(DiskPath.parent(path))
  }

  /// The whole of a small file at once.
  package static func write(_ bytes: [UInt8], to path: String, on disk: any Disk) throws(DiskError) {
    let replacement = try AtomicReplace(path, on: disk, bufferBytes: 0)
    try replacement.file.append(bytes)
    try replacement.commit()
  }
}

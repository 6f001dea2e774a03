import Glibc
import Synchronization

/// The machine's file systems. Stateless; any thread may call.
package struct LinuxDisk: Disk {
  package init() {}

  package func open(_ path: String, _ access: FileAccess) throws(DiskError) -> any DiskFile {
    let flags =
      switch access {
      case .read: O_RDONLY
      case .readWrite: O_RDWR | O_CREAT
      case .create: O_RDWR | O_CREAT | O_EXCL
      case .truncate: O_RDWR | O_CREAT | O_TRUNC
      }
    return LinuxFile(path: path, descriptor: try SystemCalls.open(path, flags))
  }

  package func map(_ path: String) throws(DiskError) -> MappedFile {
    let file = LinuxFile(path: path, descriptor: try SystemCalls.open(path, O_RDONLY))
    let size = try file.size()
    // The system maps no empty file, and an empty buffer needs no mapping.
    if size == 0 {
      return MappedFile(path: path, bytes: UnsafeRawBufferPointer(start: nil, count: 0)) { _ in }
    }
    return MappedFile(path: path, bytes: try file.map(size: size), release: SystemCalls.unmap)
  }

  package func status(_ path: String) throws(DiskError) -> FileStatus {
    let status = try SystemCalls.status(path)
    let kind: FileKind =
      switch status.st_mode & S_IFMT {
      case S_IFREG: .file
      case S_IFDIR: .directory
      default: .other
      }
    let milliseconds = Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000
    return FileStatus(size: Int(status.st_size), kind: kind, modifiedMilliseconds: milliseconds)
  }

  package func list(_ directory: String) throws(DiskError) -> [String] {
    try SystemCalls.list(directory).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  package func makeDirectory(_ path: String) throws(DiskError) { try SystemCalls.makeDirectory(path) }
  package func rename(_ from: String, to: String) throws(DiskError) { try SystemCalls.rename(from, to: to) }
  package func link(_ from: String, to: String) throws(DiskError) { try SystemCalls.link(from, to: to) }
  package func removeFile(_ path: String) throws(DiskError) { try SystemCalls.removeFile(path) }
  package func removeDirectory(_ path: String) throws(DiskError) { try SystemCalls.removeDirectory(path) }

  package func syncDirectory(_ path: String) throws(DiskError) {
    let descriptor = try SystemCalls.open(path, O_RDONLY | O_DIRECTORY)
    let directory = LinuxFile(path: path, descriptor: descriptor)
    try SystemCalls.sync(descriptor, path: path)
    try directory.close()
  }

  package func freeSpace(_ path: String) throws(DiskError) -> (freeBytes: Int, totalBytes: Int) {
    let space = try SystemCalls.space(path)
    // What root may use beyond that is not for us.
    let unit = Int(space.f_frsize)
    return (Int(clamping: space.f_bavail) * unit, Int(clamping: space.f_blocks) * unit)
  }
}

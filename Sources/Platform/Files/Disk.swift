// The disk as the database sees it: a handful of operations, each of which may fail, with a real and a simulated
// implementation (`LinuxDisk`, `SimulatedDisk`), so that crashes, full disks and torn writes are ordinary tests.

/// A failed operation on a file. The only error of this layer.
package struct DiskError: Error, Equatable, CustomStringConvertible {
  package var operation: String
  package var path: String
  /// The system's error number (`ENOSPC`, `ENOENT`, ...).
  package var code: Int32

  package init(operation: String, path: String, code: Int32) {
    self.operation = operation
    self.path = path
    self.code = code
  }

  package var isNotFound: Bool { code == 2 }
  package var isDiskFull: Bool { code == 28 || code == 122 }
  /// The error of a link or a rename from one file system to another (`EXDEV`).
  package static let otherFileSystemCode: Int32 = 18

  package var description: String { "\(operation) \(path): \(errorText(code))" }
}

/// The way a file is opened.
package enum FileAccess: Sendable {
  /// Only reads; the file must exist.
  case read
  /// Reads and writes; created when missing, never cut.
  case readWrite
  /// Reads and writes; the file must not exist yet.
  case create
  /// Reads and writes; an existing file is cut to nothing first.
  case truncate
}

package enum FileKind: Sendable { case file, directory, other }

package struct FileStatus: Sendable {
  package var size: Int
  package var kind: FileKind
  package var modifiedMilliseconds: Int64

  package init(size: Int, kind: FileKind, modifiedMilliseconds: Int64) {
    self.size = size
    self.kind = kind
    self.modifiedMilliseconds = modifiedMilliseconds
  }
}

/// An open file. Safe to read from several threads; writers exclude each other.
package protocol DiskFile: AnyObject, Sendable {
  var path: String { get }
  func size() throws(DiskError) -> Int
  /// Reads up to `buffer.count` bytes; fewer only at the end of the file.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int
  /// Writes all of `bytes` or throws; then the file may have a part of them.
  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError)
  func truncate(to size: Int) throws(DiskError)
  /// Returns when the bytes (and the size) are on stable storage.
  func sync() throws(DiskError)
  /// Idempotent. Errors of the system's close are thrown once.
  func close() throws(DiskError)
}

extension DiskFile {
  /// Reads up to `count` bytes; fewer only at the end of the file.
  package func bytes(_ count: Int, at offset: Int) throws(DiskError) -> [UInt8] {
    var failure: DiskError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { room, done in
      do throws(DiskError) {
        done = try read(into: UnsafeMutableRawBufferPointer(room), at: offset)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }
}

package protocol Disk: Sendable {
  func open(_ path: String, _ access: FileAccess) throws(DiskError) -> any DiskFile
  /// The whole file as read-only memory. Real: mapped, so that the bytes stay valid even when the file is removed.
  func map(_ path: String) throws(DiskError) -> MappedFile
  func status(_ path: String) throws(DiskError) -> FileStatus
  /// Names without `.` and `..`, sorted by bytes.
  func list(_ directory: String) throws(DiskError) -> [String]
  func makeDirectory(_ path: String) throws(DiskError)
  func rename(_ from: String, to: String) throws(DiskError)
  /// A second name for the same bytes.
  func link(_ from: String, to: String) throws(DiskError)
  func removeFile(_ path: String) throws(DiskError)
  /// An empty directory.
  func removeDirectory(_ path: String) throws(DiskError)
  /// Makes names created, renamed or removed in the directory durable.
  func syncDirectory(_ path: String) throws(DiskError)
  func freeSpace(_ path: String) throws(DiskError) -> (freeBytes: Int, totalBytes: Int)
}

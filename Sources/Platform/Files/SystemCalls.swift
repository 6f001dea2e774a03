// Every system call on files, in one place: interrupted calls are repeated, short reads and writes are completed, and an
// error of the system becomes a `DiskError` that names the file. Nothing here decides anything.

import CShims
import Glibc

/// A call's result together with its error number, read before anything else can change it.
private struct CallResult {
  var value: Int
  var code: Int32

  init(_ value: Int) {
    self.code = value == -1 ? errno : 0
    self.value = value
  }

  init(_ value: Int32) {
    self.code = value == -1 ? errno : 0
    self.value = Int(value)
  }
}

enum SystemCalls {
  // MARK: open files

  static func open(_ path: String, _ flags: Int32) throws(DiskError) -> Int32 {
    // The permissions are what the process's umask leaves of read and write for all, as Prometheus does it.
    Int32(try onPath("open", path) { CallResult(Glibc.open($0, flags | O_CLOEXEC, 0o666)) })
  }

  /// Linux gives the descriptor back even when close(2) was interrupted; a second close could hit another thread's file.
  static func close(_ descriptor: Int32, path: String) throws(DiskError) {
    let result = CallResult(Glibc.close(descriptor))
    if result.value == -1 && result.code != EINTR { throw DiskError(operation: "close", path: path, code: result.code) }
  }

  /// Reads until the buffer is full or the file ends.
  static func read(
    _ descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer, at offset: Int, path: String
  ) throws(DiskError) -> Int {
    var done = 0
    while done < buffer.count {
      let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
      let count = try retried("read", path) {
        CallResult(pread(descriptor, rest.baseAddress, rest.count, off_t(offset + done)))
      }
      if count == 0 { break }
      done += count
    }
    return done
  }

  /// Reads up to `count` bytes; fewer only at the end of the file.
  static func read(_ descriptor: Int32, _ count: Int, at offset: Int, path: String) throws(DiskError) -> [UInt8] {
    var failure: DiskError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { room, done in
      do throws(DiskError) {
        done = try read(descriptor, into: UnsafeMutableRawBufferPointer(room), at: offset, path: path)
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  static func write(_ descriptor: Int32, _ bytes: [UInt8], at offset: Int, path: String) throws(DiskError) {
    let result: Result<Void, DiskError> = bytes.withUnsafeBytes { bytes in
      do throws(DiskError) {
        return .success(try write(descriptor, bytes, at: offset, path: path))
      } catch {
        return .failure(error)
      }
    }
    try result.get()
  }

  static func write(
    _ descriptor: Int32, _ bytes: UnsafeRawBufferPointer, at offset: Int, path: String
  ) throws(DiskError) {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = try retried("write", path) {
        CallResult(pwrite(descriptor, rest.baseAddress, rest.count, off_t(offset + done)))
      }
      // A write of nothing would repeat for ever.
      if count == 0 { throw DiskError(operation: "write", path: path, code: EIO) }
      done += count
    }
  }

  /// Writes to a pipe or a terminal; true when all bytes went out.
  static func writeStream(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Bool {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let result = CallResult(Glibc.write(descriptor, rest.baseAddress, rest.count))
      if result.value == -1 && result.code == EINTR { continue }
      if result.value <= 0 { return false }
      done += result.value
    }
    return true
  }

  static func writeStream(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
    bytes.withUnsafeBytes { writeStream($0, to: descriptor) }
  }

  static func truncate(_ descriptor: Int32, to size: Int, path: String) throws(DiskError) {
    _ = try retried("truncate", path) { CallResult(ftruncate(descriptor, off_t(size))) }
  }

  /// The bytes and the size; other properties of the file (its times) need not be stable.
  static func syncData(_ descriptor: Int32, path: String) throws(DiskError) {
    _ = try retried("sync", path) { CallResult(fdatasync(descriptor)) }
  }

  static func sync(_ descriptor: Int32, path: String) throws(DiskError) {
    _ = try retried("sync", path) { CallResult(fsync(descriptor)) }
  }

  static func status(_ descriptor: Int32, path: String) throws(DiskError) -> stat {
    var status = stat()
    _ = try retried("stat", path) { CallResult(fstat(descriptor, &status)) }
    return status
  }

  static func mapReadOnly(_ descriptor: Int32, size: Int, path: String) throws(DiskError) -> UnsafeRawBufferPointer {
    let start = mmap(nil, size, PROT_READ, MAP_SHARED, descriptor, 0)
    let code = errno
    guard let start, start != MAP_FAILED else { throw DiskError(operation: "map", path: path, code: code) }
    return UnsafeRawBufferPointer(start: start, count: size)
  }

  static func unmap(_ bytes: UnsafeRawBufferPointer) {
    let result = munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    precondition(result == 0, "only what was mapped is unmapped")
  }

  /// Locks a file; false when somebody else has the lock. Throws where the file system knows no such locks.
  static func lockExclusively(_ descriptor: Int32, path: String) throws(DiskError) -> Bool {
    let result = CallResult(flock(descriptor, LOCK_EX | LOCK_NB))
    if result.value == 0 { return true }
    if result.code == EWOULDBLOCK { return false }
    throw DiskError(operation: "lock", path: path, code: result.code)
  }

  // MARK: names

  static func status(_ path: String) throws(DiskError) -> stat {
    var status = stat()
    _ = try onPath("stat", path) { CallResult(stat($0, &status)) }
    return status
  }

  static func space(_ path: String) throws(DiskError) -> statvfs {
    var space = statvfs()
    _ = try onPath("statvfs", path) { CallResult(statvfs($0, &space)) }
    return space
  }

  /// The magic number of the file system's kind.
  static func fileSystemType(_ path: String) throws(DiskError) -> Int {
    try onPath("statfs", path) { CallResult(apus_file_system_type($0)) }
  }

  static func makeDirectory(_ path: String) throws(DiskError) {
    _ = try onPath("mkdir", path) { CallResult(mkdir($0, 0o777)) }
  }

  static func rename(_ from: String, to: String) throws(DiskError) {
    _ = try onPath("rename", from) { from in to.withCString { CallResult(Glibc.rename(from, $0)) } }
  }

  static func link(_ from: String, to: String) throws(DiskError) {
    _ = try onPath("link", from) { from in to.withCString { CallResult(Glibc.link(from, $0)) } }
  }

  static func removeFile(_ path: String) throws(DiskError) {
    _ = try onPath("unlink", path) { CallResult(unlink($0)) }
  }

  static func removeDirectory(_ path: String) throws(DiskError) {
    _ = try onPath("rmdir", path) { CallResult(rmdir($0)) }
  }

  /// The names in a directory without `.` and `..`, in no order.
  static func list(_ path: String) throws(DiskError) -> [String] {
    guard let stream = opendir(path) else { throw DiskError(operation: "list", path: path, code: errno) }
    defer { closedir(stream) }
    var names: [String] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        let code = errno
        if code == 0 { return names }
        throw DiskError(operation: "list", path: path, code: code)
      }
      // The record is shorter than the declared type, so the name is read where it lies.
      let nameOffset = MemoryLayout<dirent>.offset(of: \.d_name) ?? 0
      let name = String(cString: UnsafeRawPointer(entry).advanced(by: nameOffset).assumingMemoryBound(to: CChar.self))
      if name != "." && name != ".." { names.append(name) }
    }
  }

  // MARK: the one loop

  private static func onPath(
    _ operation: String, _ path: String, _ call: (UnsafePointer<CChar>) -> CallResult
  ) throws(DiskError) -> Int {
    // A name with a NUL would silently name another file.
    if path.utf8.contains(0) { throw DiskError(operation: operation, path: path, code: EINVAL) }
    return try retried(operation, path) { path.withCString(call) }
  }

  private static func retried(
    _ operation: String, _ path: String, _ call: () -> CallResult
  ) throws(DiskError) -> Int {
    while true {
      let result = call()
      if result.value != -1 { return result.value }
      if result.code != EINTR { throw DiskError(operation: operation, path: path, code: result.code) }
    }
  }
}

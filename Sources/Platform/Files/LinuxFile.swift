import Glibc
import Synchronization

/// A file descriptor, owned. Reads and writes name their offset, so threads share no position. Whoever closes it makes
/// sure that nobody else is inside a call: the system may give the number to another file at once.
/// Invariant: after a failed sync every later one fails too. The kernel forgets what it could not write and would report
/// success, although bytes are lost.
final class LinuxFile: DiskFile {
  let path: String
  private let descriptor: Atomic<Int32>
  /// The error number of the sync that failed, 0 for none.
  private let syncFailure = Atomic<Int32>(0)

  init(path: String, descriptor: Int32) {
    self.path = path
    self.descriptor = Atomic(descriptor)
  }

  deinit {
    // Who gave the file up without closing it has no use for the error.
    try? close()
  }

  func size() throws(DiskError) -> Int {
    Int(try SystemCalls.status(descriptor.load(ordering: .relaxed), path: path).st_size)
  }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(DiskError) -> Int {
    try SystemCalls.read(descriptor.load(ordering: .relaxed), into: buffer, at: offset, path: path)
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
    try SystemCalls.write(descriptor.load(ordering: .relaxed), bytes, at: offset, path: path)
  }

  func truncate(to size: Int) throws(DiskError) {
    try SystemCalls.truncate(descriptor.load(ordering: .relaxed), to: size, path: path)
  }

  func sync() throws(DiskError) {
    let earlier = syncFailure.load(ordering: .relaxed)
    if earlier != 0 { throw DiskError(operation: "sync", path: path, code: earlier) }
    do {
      try SystemCalls.syncData(descriptor.load(ordering: .relaxed), path: path)
    } catch {
      syncFailure.store(error.code, ordering: .relaxed)
      throw error
    }
  }

  func close() throws(DiskError) {
    let open = descriptor.exchange(-1, ordering: .acquiringAndReleasing)
    if open >= 0 { try SystemCalls.close(open, path: path) }
  }

  func map(size: Int) throws(DiskError) -> UnsafeRawBufferPointer {
    try SystemCalls.mapReadOnly(descriptor.load(ordering: .relaxed), size: size, path: path)
  }
}

import Glibc
import Platform

// What an open file of a simulated disk asks of it.

extension SimulatedDisk {
  func size(of file: SimulatedFile) throws(DiskError) -> Int {
    try perform(.status, on: file) { _, node throws(ErrorNumber) in node.bytes.count }
  }

  func read(
    _ file: SimulatedFile, into buffer: UnsafeMutableRawBufferPointer, at offset: Int
  ) throws(DiskError) -> Int {
    try perform(.read, on: file) { _, node throws(ErrorNumber) in
      if offset < 0 { throw ErrorNumber(EINVAL) }
      let count = max(0, min(buffer.count, node.bytes.count - offset))
      if count > 0 { buffer.copyBytes(from: node.bytes[offset..<(offset + count)]) }
      return count
    }
  }

  /// On a full disk, and at a fault that says so, the first part of the bytes is written before the error.
  func write(_ file: SimulatedFile, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(DiskError) {
    let code: Int32 = state.withLock { state in
      let fault = state.begin(
        .write, file.path, detail: " at \(offset), \(bytes.count) bytes of \(SimulatedDisk.fingerprint(bytes))")
      if state.isDead { return EIO }
      guard file.isOpen, file.life == state.life, file.isWritable else { return EBADF }
      if offset < 0 { return EINVAL }
      let room = file.node.bytes.count + state.freeBytes - offset
      let fitting = max(0, min(bytes.count, room))
      let count = min(fitting, fault?.writtenBytes ?? bytes.count)
      if count > 0 {
        let written = Array(UnsafeRawBufferPointer(rebasing: bytes[..<count]))
        state.change(file.node, .write(offset: offset, bytes: written), at: clock)
      }
      if let fault { return fault.code }
      return fitting < bytes.count ? ENOSPC : 0
    }
    if code != 0 { throw DiskError(operation: DiskOperation.write.systemName, path: file.path, code: code) }
  }

  /// Tells bytes from others in a trace (FNV-1a).
  private static func fingerprint(_ bytes: UnsafeRawBufferPointer) -> String {
    String(bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }, radix: 16)
  }

  func truncate(_ file: SimulatedFile, to size: Int) throws(DiskError) {
    try perform(.truncate, on: file) { state, node throws(ErrorNumber) in
      if size < 0 || !file.isWritable { throw ErrorNumber(EINVAL) }
      if size - node.bytes.count > state.freeBytes { throw ErrorNumber(ENOSPC) }
      if size != node.bytes.count { state.change(node, .truncate(size: size), at: clock) }
    }
  }

  /// A failed sync forgets what it was to write: programs still see it, no later sync makes it durable, and the file's
  /// own later syncs fail.
  func sync(_ file: SimulatedFile) throws(DiskError) {
    let code: Int32 = state.withLock { state in
      let fault = state.begin(.sync, file.path)
      if state.isDead { return EIO }
      guard file.isOpen, file.life == state.life else { return EBADF }
      if file.syncFailure != 0 { return file.syncFailure }
      guard let fault else {
        file.node.sync()
        return 0
      }
      file.node.changes.removeAll()
      file.syncFailure = fault.code
      return fault.code
    }
    if code != 0 { throw DiskError(operation: DiskOperation.sync.systemName, path: file.path, code: code) }
  }

  func close(_ file: SimulatedFile) throws(DiskError) {
    let wasOpen = release(file)
    if wasOpen { try perform(.close, file.path) { _ throws(ErrorNumber) in } }
  }

  /// True the first time.
  @discardableResult
  func release(_ file: SimulatedFile) -> Bool {
    state.withLock { state in
      guard file.isOpen else { return false }
      file.isOpen = false
      // A crash has counted anew.
      if file.life == state.life {
        file.node.openCount -= 1
        state.free(file.node)
      }
      return true
    }
  }

  private func perform<Result>(
    _ operation: DiskOperation, on file: SimulatedFile,
    _ body: (inout State, SimulatedNode) throws(ErrorNumber) -> Result
  ) throws(DiskError) -> Result {
    try perform(operation, file.path) { state throws(ErrorNumber) in
      guard file.isOpen, file.life == state.life else { throw ErrorNumber(EBADF) }
      return try body(&state, file.node)
    }
  }
}

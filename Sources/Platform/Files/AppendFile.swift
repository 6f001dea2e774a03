/// A file that grows at its end. It gathers small appends in a buffer (of 0 bytes: none, each append is one write) and
/// knows the offset of every byte it took. Owned by one thread or one mutex.
/// Invariant: bytes 0..<writtenSize are in the file, the buffer follows them. A failed write moves neither, so it can be
/// repeated, and overwrites what the failed one left behind.
package final class AppendFile {
  /// The open file, for readers and for a sync from another thread.
  package let file: any DiskFile
  private let bufferBytes: Int
  private var buffer: [UInt8] = []
  private var writtenSize: Int

  /// Takes the file over, at its present end unless told another.
  package init(_ file: any DiskFile, at offset: Int? = nil, bufferBytes: Int = 0) throws(DiskError) {
    precondition(bufferBytes >= 0, "a buffer has a size")
    self.file = file
    self.bufferBytes = bufferBytes
    if let offset { self.writtenSize = offset } else { self.writtenSize = try file.size() }
    buffer.reserveCapacity(bufferBytes)
  }

  package convenience init(
    _ path: String, on disk: any Disk, _ access: FileAccess = .readWrite, bufferBytes: Int = 0
  ) throws(DiskError) {
    try self.init(disk.open(path, access), bufferBytes: bufferBytes)
  }

  package var path: String { file.path }

  /// Bytes appended in all, which is the offset of the next one.
  package var size: Int { writtenSize + buffer.count }

  /// Takes all of the bytes or, on an error, none, and gives the offset of the first.
  @discardableResult
  package func append(_ bytes: UnsafeRawBufferPointer) throws(DiskError) -> Int {
    if buffer.count + bytes.count > bufferBytes { try flush() }
    let offset = size
    if bytes.count > bufferBytes {
      try file.write(bytes, at: writtenSize)
      writtenSize += bytes.count
    } else {
      buffer.append(contentsOf: bytes)
    }
    return offset
  }

  @discardableResult
  package func append(_ bytes: [UInt8]) throws(DiskError) -> Int {
    // The standard library's closure cannot throw a typed error out.
    let result: Result<Int, DiskError> = bytes.withUnsafeBytes { bytes in
      do throws(DiskError) { return .success(try append(bytes)) } catch { return .failure(error) }
    }
    return try result.get()
  }

  /// Hands the buffer to the system.
  package func flush() throws(DiskError) {
    if buffer.isEmpty { return }
    let result: Result<Void, DiskError> = buffer.withUnsafeBytes { bytes in
      do throws(DiskError) { return .success(try file.write(bytes, at: writtenSize)) } catch { return .failure(error) }
    }
    try result.get()
    writtenSize += buffer.count
    buffer.removeAll(keepingCapacity: true)
  }

  /// Returns when everything appended is on stable storage.
  package func sync() throws(DiskError) {
    try flush()
    try file.sync()
  }

  /// Cuts the file; what lies in the buffer counts as its end.
  package func truncate(to newSize: Int) throws(DiskError) {
    precondition(newSize <= size, "a cut makes a file shorter")
    try flush()
    try file.truncate(to: newSize)
    writtenSize = newSize
  }

  /// Flushes and closes, without a sync.
  package func close() throws(DiskError) {
    try flush()
    try file.close()
  }
}

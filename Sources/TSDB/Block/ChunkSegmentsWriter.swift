import Format
import Model
import Platform

/// Writes the chunk files of a block, one after the other. Owned by one thread.
struct ChunkSegmentsWriter: ~Copyable {
  private let directory: String
  private let disk: any Disk
  private let bytesMax: Int
  private var file: AppendFile?
  private var pending = ByteBuffer(capacity: 512 << 10)
  private var segment = -1
  private(set) var byteCount = 0

  private static var flushBytes: Int { 256 << 10 }

  init(_ directory: String, on disk: any Disk, bytesMax: Int = ChunkSegment.bytesMax) {
    self.directory = directory
    self.disk = disk
    self.bytesMax = bytesMax
  }

  /// Appends a chunk and gives its reference.
  mutating func append(encoding: UInt8, _ data: LentBytes) throws(DiskError) -> UInt64 {
    // Length, encoding and checksum take up to 15 bytes more.
    if let file, file.size + pending.count + data.count + 15 > bytesMax { try finish() }
    if file == nil { try begin() }
    let offset = (file?.size ?? 0) + pending.count
    ChunkSegment.append(encoding: encoding, data.raw, to: &pending)
    if pending.count >= ChunkSegmentsWriter.flushBytes { try flush() }
    return ChunkSegment.reference(segment: segment, offset: offset)
  }

  private mutating func begin() throws(DiskError) {
    segment += 1
    file = try AppendFile(DiskPath.join(directory, ChunkSegment.fileName(segment)), on: disk, .create)
    ChunkSegment.appendHeader(to: &pending)
  }

  private mutating func flush() throws(DiskError) {
    guard let file else { return }
    try file.append(pending.bytes)
    byteCount += pending.count
    pending.removeAll()
  }

  /// Ends the present file, durably.
  mutating func finish() throws(DiskError) {
    guard let present = file else { return }
    try flush()
    try present.sync()
    try present.close()
    file = nil
  }

  mutating func abandon() {
    pending.removeAll()
    if let file { try? file.file.close() }
    file = nil
  }
}

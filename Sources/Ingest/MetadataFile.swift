import Format
import Platform
import Synchronization

// The file that lets metadata outlive the process:
//
//   "APUSMETA"  version u32
//   record*     length u32   crc32c u32 of the payload   payload: last seen varint (ms), the message as sent
//
// Integers are little-endian. New messages are appended as they come, before their body is acknowledged, so that a killed
// process loses none; the whole is written anew and synced now and then. A power loss may cost the records since: they
// are cut off at the first that is not whole, and senders repeat themselves within a minute.
//
// Why a file of its own and not the log's records of metadata: those belong to a series, and remote write 1.0 speaks of
// families, which have none of their name where they are histograms or summaries. A checkpoint would have to keep
// them for as long as any series of the family lives, and hundreds of thousands of series say the same. Prometheus, for
// its part, answers `/api/v1/metadata` from what it scrapes, never from its log.

/// The file of a `MetadataStore`. Any thread; no other lock is taken while one waits for it.
final class MetadataFile: Sendable {
  private static let magic = Array("APUSMETA".utf8)
  private static let version: UInt32 = 1
  private static let headerBytes = 12
  /// Beyond so many appended bytes the file is written anew at once.
  private static let appendedBytesMax = MetadataStore.bytesMax

  private struct State: ~Copyable {
    var disk: (any Disk)?
    var path = ""
    var log: Log?
    var file: AppendFile?
    var appendedBytes = 0
    /// What came while the file is being written anew; nil while it is not.
    var meanwhile: [UInt8]?
  }

  private let state = Mutex(State())

  /// What is in the file, as far as it is whole. From now on it may be written to.
  func read(_ path: String, on disk: any Disk, _ log: Log) -> [MetadataStore.Entry] {
    state.withLock { state in
      state.disk = disk
      state.path = path
      state.log = log
    }
    do throws(DiskError) {
      let bytes = try disk.readFile(path)
      let (entries, isWhole) = bytes.withUnsafeBytes { MetadataFile.decode($0) }
      if !isWhole {
        log.warn(
          "The file of metadata is damaged; what lies behind is repeated by its senders",
          ["file": path, "read": "\(entries.count)"])
      }
      return entries
    } catch {
      if !error.isNotFound { log.warn("The file of metadata cannot be read", ["err": "\(error)"]) }
      return []
    }
  }

  /// False where they are not in the file, or it has grown too long: it should be written anew.
  func append(_ entries: [MetadataStore.Entry]) -> Bool {
    let records = MetadataFile.encode(entries)
    return state.withLock { state in
      if state.disk == nil { return true }
      if state.meanwhile != nil {
        state.meanwhile? += records
        // Into the old file too: the new one may fail.
      }
      guard let file = state.file else { return state.meanwhile != nil }
      state.appendedBytes += records.count
      do throws(DiskError) {
        try file.append(records)
        return state.appendedBytes <= MetadataFile.appendedBytesMax
      } catch {
        state.log?.error("Metadata could not be written to its file", ["err": "\(error)"])
        return false
      }
    }
  }

  /// Writes the file anew from what `entries` gives; what is appended meanwhile is not lost. One at a time: who comes while
  /// another is at it, leaves it to that one.
  func replace(_ entries: () -> [MetadataStore.Entry]) {
    let place = state.withLock { state -> (disk: any Disk, path: String)? in
      guard let disk = state.disk, state.meanwhile == nil else { return nil }
      state.meanwhile = []
      return (disk, state.path)
    }
    guard let place else { return }
    var bytes = MetadataFile.magic
    withUnsafeBytes(of: MetadataFile.version.littleEndian) { bytes += $0 }
    bytes += MetadataFile.encode(entries())
    state.withLock { state in
      bytes += state.meanwhile ?? []
      state.meanwhile = nil
      do throws(DiskError) {
        try AtomicReplace.write(bytes, to: place.path, on: place.disk)
        if let old = state.file { try old.close() }
        state.file = try AppendFile(place.path, on: place.disk)
        state.appendedBytes = 0
      } catch {
        // The old one stays, and with it what was appended to it.
        state.log?.error("The file of metadata could not be written anew", ["err": "\(error)"])
      }
    }
  }

  func close() {
    state.withLock { state in
      do throws(DiskError) {
        try state.file?.close()
      } catch {
        state.log?.error("The file of metadata could not be closed", ["err": "\(error)"])
      }
      state.file = nil
      state.disk = nil
    }
  }

  // MARK: - Bytes

  private static func encode(_ entries: [MetadataStore.Entry]) -> [UInt8] {
    var bytes: [UInt8] = []
    var payload = ByteBuffer(capacity: 256)
    for entry in entries {
      payload.removeAll()
      payload.appendVarint(entry.seenMilliseconds)
      entry.message.withUnsafeBytes { payload.append($0) }
      withUnsafeBytes(of: UInt32(payload.count).littleEndian) { bytes += $0 }
      withUnsafeBytes(of: checksum(payload.bytes).littleEndian) { bytes += $0 }
      bytes += payload.bytes
    }
    return bytes
  }

  /// The records up to the first that is not whole, and whether that is all of them.
  static func decode(_ bytes: UnsafeRawBufferPointer) -> (entries: [MetadataStore.Entry], isWhole: Bool) {
    guard bytes.count >= headerBytes, bytes.starts(with: magic) else { return ([], false) }
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[magic.count...]))
    guard reader.littleEndian(UInt32.self) == version else { return ([], false) }
    var entries: [MetadataStore.Entry] = []
    while !reader.isAtEnd {
      guard let length = reader.littleEndian(UInt32.self), let stored = reader.littleEndian(UInt32.self),
        let payload = reader.take(Int(length)), checksum(payload) == stored,
        entries.count < 2 * MetadataStore.entriesMax
      else { return (entries, false) }
      var fields = ByteReader(payload)
      guard let seen = fields.varint(), let message = fields.take(fields.remaining) else { return (entries, false) }
      entries.append(MetadataStore.Entry(message: Array(message), seenMilliseconds: seen))
    }
    return (entries, true)
  }
}

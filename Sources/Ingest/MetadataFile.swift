import Format
import Model
import Platform
import Synchronization
import TSDB

// The file that lets metadata outlive the process:
//
//   "APUSMETA"  version u32
//   record*     length u32   crc32c u32 of the payload   payload: last seen varint (ms), the message as sent
//
// Integers are little-endian. New messages are appended as they come, before their body is acknowledged, and synced when
// the log is (`WALSync`); the whole is written anew now and then. A damaged record costs itself: behind it the next bytes
// that are a record with the right checksum are looked for.
//
// Why a file of its own and not the log's records of metadata: those belong to a series, and remote write 1.0 speaks of
// families, which have none of their name where they are histograms or summaries. A checkpoint would have to keep
// them for as long as any series of the family lives, and hundreds of thousands of series say the same. Prometheus, for
// its part, answers `/api/v1/metadata` from what it scrapes, never from its log.

/// The file of a `MetadataStore`. Any thread; callers hold no other lock while they wait for it.
final class MetadataFile: Sendable {
  static let magic = Array("APUSMETA".utf8)
  static let version: UInt32 = 1
  /// Beyond so many appended bytes the file is written anew at once.
  private static let appendedBytesMax = MetadataStore.bytesMax

  private struct State: ~Copyable {
    var disk: (any Disk)?
    var path = ""
    var log: Log?
    var sync = WALSync.interval
    var file: AppendFile?
    /// True if something was appended since the last sync.
    var isDirty = false
    var appendedBytes = 0
    /// Records appended while the file is being written anew; nil while it is not.
    var meanwhile: [UInt8]?
  }

  private let state = Mutex(State())

  /// Reads the undamaged records of the file at `path`. From now on the file may be written to.
  func read(_ path: String, on disk: any Disk, _ damaged: DamagedFiles, _ sync: WALSync) -> [MetadataStore.Entry] {
    state.withLock { state in
      state.disk = disk
      state.path = path
      state.log = damaged.log
      state.sync = sync
    }
    do throws(DiskError) {
      let found = try disk.readFile(path).lend { MetadataFileScan($0) }
      if !found.isWhole {
        damaged.report(
          path, as: "apus.metadata", damage: "\(found.damagedBytes) bytes of it are no record",
          instead: "its other records (\(found.entries.count))",
          meaning: "senders repeat what is missing, mostly within a minute")
      }
      return found.entries
    } catch {
      if !error.isNotFound {
        damaged.report(
          path, as: "apus.metadata", damage: "it cannot be read: \(error)", instead: "nothing",
          meaning: "senders repeat what is missing, mostly within a minute", keepsOriginal: false)
      }
      return []
    }
  }

  /// Appends entries. False if they are not in the file or the file has grown too long: the caller should write it
  /// anew.
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
        state.isDirty = true
        if state.sync == .always { try MetadataFile.sync(&state) }
        return state.appendedBytes <= MetadataFile.appendedBytesMax
      } catch {
        state.log?.error("Metadata could not be written to its file", ["err": "\(error)"])
        return false
      }
    }
  }

  /// Writes the file anew from what `entries` gives and what `append` brings meanwhile. Does nothing while another
  /// thread is rewriting the file.
  func replace(_ entries: () -> [MetadataStore.Entry]) {
    let place = state.withLock { state -> (disk: any Disk, path: String)? in
      guard let disk = state.disk, state.meanwhile == nil else { return nil }
      state.meanwhile = []
      return (disk, state.path)
    }
    guard let place else { return }
    var header = ByteBuffer(capacity: 16)
    header.append(MetadataFile.magic)
    header.appendLittleEndian(MetadataFile.version)
    var bytes = Array(header.bytes)
    bytes += MetadataFile.encode(entries())
    state.withLock { state in
      bytes += state.meanwhile ?? []
      state.meanwhile = nil
      do throws(DiskError) {
        try AtomicReplace.write(bytes, to: place.path, on: place.disk)
        if let old = state.file { try old.close() }
        state.file = try AppendFile(place.path, on: place.disk)
        state.appendedBytes = 0
        state.isDirty = false
      } catch {
        // The old one stays, and with it what was appended to it.
        state.log?.error("The file of metadata could not be written anew", ["err": "\(error)"])
      }
    }
  }

  /// Syncs the appended records, where the log is synced in intervals. False where that failed: the caller should write
  /// the file anew.
  func syncIfDue() -> Bool {
    state.withLock { state in
      guard state.sync == .interval, state.isDirty else { return true }
      do throws(DiskError) {
        try MetadataFile.sync(&state)
        return true
      } catch {
        state.log?.error("The file of metadata could not be synced", ["err": "\(error)"])
        return false
      }
    }
  }

  private static func sync(_ state: inout State) throws(DiskError) {
    try state.file?.sync()
    state.isDirty = false
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
    var bytes = ByteBuffer(capacity: 256)
    var payload = ByteBuffer(capacity: 256)
    for entry in entries {
      payload.removeAll()
      payload.appendVarint(entry.seenMilliseconds)
      payload.append(entry.message)
      bytes.appendLittleEndian(UInt32(payload.count))
      bytes.appendLittleEndian(checksum(payload.bytes))
      bytes.append(payload.bytes)
    }
    return Array(bytes.bytes)
  }
}

import Format
import Model
import Platform
import Synchronization
import TSDB

/// Type, help and unit of a metric, as a sender described it.
package struct MetricMetadata: Sendable, Hashable {
  package var kind: MetricMetadataKind
  package var help: String
  package var unit: String

  package init(kind: MetricMetadataKind, help: String, unit: String) {
    self.kind = kind
    self.help = help
    self.unit = unit
  }
}

/// The kinds of the protocol, by their numbers there.
package enum MetricMetadataKind: Int, Sendable {
  case unknown, counter, gauge, histogram, gaugehistogram, summary, info, stateset

  package var text: String { "\(self)" }
}

/// Type, help and unit of metrics, which senders repeat every minute or so. The store forgets an entry that nobody has
/// repeated for a day. It writes a new entry to the file (`MetadataFile`), where there is one, before it acknowledges
/// the body. Any thread.
package final class MetadataStore: Sendable {
  /// Most entries that the store keeps: different (metric, type, help, unit).
  package static let entriesMax = 100_000
  /// Most bytes of messages that the store keeps.
  package static let bytesMax = 32 << 20
  /// A longer message is not kept: help is a sentence.
  static let textBytesMax = 64 << 10
  static let lifetimeMilliseconds: Int64 = 86_400_000
  /// The store rewrites the file this often, so that the file knows when each entry was last repeated.
  static let saveMilliseconds: Int64 = 3_600_000

  struct Entry: Sendable {
    /// The message as sent: the store compares these bytes and writes them to the file.
    var message: [UInt8]
    var seenMilliseconds: Int64
  }

  private struct State: Sendable {
    /// Entries by the hash of their message, so that the store does not read a repeated message again.
    var entries: [KeyedHash128: Entry] = [:]
    var byteCount = 0
    /// No sweep comes before this time, so that a full store is not searched for every message it refuses.
    var nextSweepMilliseconds: Int64 = 0
    var nextSaveMilliseconds = Int64.max
  }

  private let hash: KeyedHash
  private let state = Mutex(State())
  private let file = MetadataFile()
  /// The time of the last body with metadata, in milliseconds.
  private let lastNote = Atomic<Int64>(0)

  package init(hash: KeyedHash) { self.hash = hash }

  /// Takes over what an earlier run left in the file at `path`, and keeps the file from now on. The time in which no
  /// server ran does not count: nobody could repeat anything.
  /// `sync` says when it is on stable storage, as for the log.
  package func open(_ path: String, on disk: any Disk, damaged: DamagedFiles, sync: WALSync, now: Int64) {
    let found = file.read(path, on: disk, damaged, sync)
    let newest = found.map(\.seenMilliseconds).max() ?? now
    // What has no room any more was found there by a store of the same bounds.
    var left = Refusals()
    state.withLock { state in
      for entry in found {
        let seen = max(0, now - max(0, newest - entry.seenMilliseconds))
        entry.message.lend { _ = note($0, seen, &state, &left) }
      }
    }
    save(now: now)
  }

  /// Syncs the file where that is due, and rewrites it where that fails. The maintenance calls it every second.
  package func syncIfDue() {
    // A file whose sync has failed is no place to append to any more.
    if !file.syncIfDue() { save(now: lastNote.load(ordering: .relaxed)) }
  }

  /// Writes down when everything was last repeated.
  package func close(now: Int64) {
    save(now: now)
    file.close()
  }

  /// Stores the metadata of a body; returns what the store refused.
  @discardableResult
  func note(_ parts: borrowing Column<WritePart>, in body: LentBytes, now: Int64) -> Refusals {
    var refused = Refusals()
    if parts.count == 0 { return refused }
    var news: [Entry] = []
    let isSaveDue = state.withLock { state in
      for index in 0..<parts.count {
        let start = Int(parts[index].offset)
        let message = body.part(start..<(start + Int(parts[index].length)))
        if let entry = note(message, now, &state, &refused) { news.append(entry) }
      }
      return now >= state.nextSaveMilliseconds
    }
    lastNote.max(now, ordering: .relaxed)
    let isWritten = news.isEmpty || file.append(news)
    if isSaveDue || !isWritten { save(now: now) }
    return refused
  }

  /// Stores one message; returns its entry where it is new, nil where it is known or refused.
  private func note(
    _ message: LentBytes, _ now: Int64, _ state: inout State, _ refusals: inout Refusals
  ) -> Entry? {
    let key = hash.hash128(message.raw)
    if let index = state.entries.index(forKey: key) {
      state.entries.values[index].seenMilliseconds = now
      return nil
    }
    guard message.count <= MetadataStore.textBytesMax else {
      refusals.add(reason: "metadata-too-long", samples: 1) {
        Offender(
          "metadata longer than \(MetadataStore.textBytesMax) bytes", actual: message.count,
          limit: MetadataStore.textBytesMax)
      }
      return nil
    }
    guard let read = MetadataMessage(message.raw), !read.name.isEmpty else {
      refusals.add(reason: "metadata-invalid", samples: 1) {
        Offender("metadata is not well-formed protobuf, or of no metric")
      }
      return nil
    }
    let isFull = { (state: borrowing State) in
      state.entries.count >= MetadataStore.entriesMax || state.byteCount + message.count > MetadataStore.bytesMax
    }
    if isFull(state), now >= state.nextSweepMilliseconds { sweep(now, &state) }
    if isFull(state) {
      refusals.add(reason: "metadata-full", samples: 1) {
        Offender(
          "no room for metadata of metric \(LabelRules.excerpt(of: read.name)): \(state.entries.count) entries, "
            + "\(state.byteCount) bytes", actual: state.entries.count, limit: MetadataStore.entriesMax)
      }
      return nil
    }
    let entry = Entry(message: Array(message), seenMilliseconds: now)
    state.entries[key] = entry
    state.byteCount += message.count
    return entry
  }

  private func sweep(_ now: Int64, _ state: inout State) {
    state.entries = state.entries.filter { $0.value.seenMilliseconds > now - MetadataStore.lifetimeMilliseconds }
    state.byteCount = state.entries.values.reduce(0) { $0 + $1.message.count }
    state.nextSweepMilliseconds = now + MetadataStore.lifetimeMilliseconds / 24
  }

  private func save(now: Int64) {
    file.replace {
      state.withLock { state in
        state.nextSaveMilliseconds = now + MetadataStore.saveMilliseconds
        sweep(now, &state)
        return Array(state.entries.values)
      }
    }
  }

  /// The metadata of all metrics, or of one: by name, each list in order of type, help and unit.
  package func metadata(of metric: String? = nil, now: Int64) -> [String: [MetricMetadata]] {
    let present = state.withLock { state in
      state.entries.values.filter { $0.seenMilliseconds > now - MetadataStore.lifetimeMilliseconds }
    }
    var found: [String: Set<MetricMetadata>] = [:]
    for entry in present {
      guard let read = entry.message.lend({ MetadataMessage($0.raw) }), metric == nil || metric == read.name
      else { continue }
      found[read.name, default: []].insert(
        MetricMetadata(kind: MetricMetadataKind(rawValue: read.kind) ?? .unknown, help: read.help, unit: read.unit))
    }
    return found.mapValues { entries in
      entries.sorted { ($0.kind.rawValue, $0.help, $0.unit) < ($1.kind.rawValue, $1.help, $1.unit) }
    }
  }
}

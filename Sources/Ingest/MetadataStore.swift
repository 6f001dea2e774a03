import Format
import Model
import Synchronization

/// What senders said of a metric.
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

/// Type, help and unit of metrics as senders repeat them every minute or so; in memory only, since a sender that lives
/// repeats them after a restart. What nobody has repeated for a day is forgotten. Any thread.
package final class MetadataStore: Sendable {
  /// Different (metric, type, help, unit) that are kept.
  package static let entriesMax = 100_000
  /// Bytes of their texts that are kept.
  package static let bytesMax = 32 << 20
  /// A longer text is not kept: help is a sentence.
  static let textBytesMax = 64 << 10
  static let lifetimeMilliseconds: Int64 = 86_400_000

  private struct Entry: Sendable {
    var name: String
    var metadata: MetricMetadata
    var seenMilliseconds: Int64
  }

  private struct State: Sendable {
    /// By the hash of the message as sent: what is repeated is not read again.
    var entries: [KeyedHash128: Entry] = [:]
    var byteCount = 0
    /// Nothing is forgotten before: a full store is not searched for every message it has to refuse.
    var nextSweepMilliseconds: Int64 = 0
  }

  private let hash: KeyedHash
  private let state = Mutex(State())

  package init(hash: KeyedHash) { self.hash = hash }

  /// Takes over the metadata of a body.
  func note(_ parts: borrowing Column<WritePart>, in body: UnsafeRawBufferPointer, now: Int64) {
    if parts.count == 0 { return }
    state.withLock { state in
      for index in 0..<parts.count {
        let start = Int(parts[index].offset)
        let message = UnsafeRawBufferPointer(rebasing: body[start..<(start + Int(parts[index].length))])
        note(message, now, &state)
      }
    }
  }

  private func note(_ message: UnsafeRawBufferPointer, _ now: Int64, _ state: inout State) {
    let key = hash.hash128(message)
    if state.entries[key] != nil {
      state.entries[key]?.seenMilliseconds = now
      return
    }
    guard message.count <= MetadataStore.textBytesMax, let read = MetadataMessage(message), !read.name.isEmpty else {
      return
    }
    let isFull = { (state: borrowing State) in
      state.entries.count >= MetadataStore.entriesMax || state.byteCount + message.count > MetadataStore.bytesMax
    }
    if isFull(state), now >= state.nextSweepMilliseconds { sweep(now, &state) }
    if isFull(state) { return }
    let metadata = MetricMetadata(
      kind: MetricMetadataKind(rawValue: read.kind) ?? .unknown, help: read.help, unit: read.unit)
    state.entries[key] = Entry(name: read.name, metadata: metadata, seenMilliseconds: now)
    state.byteCount += message.count
  }

  private func sweep(_ now: Int64, _ state: inout State) {
    state.entries = state.entries.filter { $0.value.seenMilliseconds > now - MetadataStore.lifetimeMilliseconds }
    state.byteCount = state.entries.values.reduce(0) { $0 + $1.name.utf8.count + $1.metadata.help.utf8.count + 16 }
    state.nextSweepMilliseconds = now + MetadataStore.lifetimeMilliseconds / 24
  }

  /// All that is known, or that of one metric: by name, each list in order of type, help and unit.
  package func metadata(of metric: String? = nil, now: Int64) -> [String: [MetricMetadata]] {
    var found: [String: Set<MetricMetadata>] = [:]
    state.withLock { state in
      for entry in state.entries.values
      where (metric == nil || metric == entry.name)
        && entry.seenMilliseconds > now - MetadataStore.lifetimeMilliseconds
      {
        found[entry.name, default: []].insert(entry.metadata)
      }
    }
    return found.mapValues { entries in
      entries.sorted { ($0.kind.rawValue, $0.help, $0.unit) < ($1.kind.rawValue, $1.help, $1.unit) }
    }
  }
}

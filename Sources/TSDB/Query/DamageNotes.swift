import Format
import Platform
import Synchronization

/// The damage in blocks that one query has met. Any thread; whoever asks makes one, hands it to what reads, and reports
/// its content beside the answer.
///
/// Memory: bounded by `partsMax` chunks and series of each damaged block; further ones are only told to be more.
package final class DamageNotes: Sendable {
  /// Chunks, and series, of a block that are counted one by one.
  private static let partsMax = 4096
  /// Blocks that are told one by one.
  private static let blocksMax = 10

  private struct Entry {
    var chunks: Set<UInt64> = []
    var seriesOfChunks: Set<UInt32> = []
    var times: ClosedRange<Int64>?
    var chunkReason = ""
    var series: Set<UInt32> = []
    var seriesReason = ""
    /// The reason why no list of series can be read.
    var indexReason: String?
    var missing: MissingBlock?
    var hasLostDeletions = false
  }

  private struct State {
    var entries: [ULID: Entry] = [:]
    /// The first damage of all, as an error that ends the query.
    var error: String?
  }

  private let isAny = Atomic<Bool>(false)
  private let state = Mutex(State())

  package init() {}

  package var isEmpty: Bool { !isAny.load(ordering: .acquiring) }

  /// The first damage, in Prometheus's words where it has some; nil if there is none.
  package var error: String? { state.withLock { $0.error } }

  private func change(_ block: ULID, _ error: @autoclosure () -> String, _ body: (inout Entry) -> Void) {
    state.withLock { state in
      body(&state.entries[block, default: Entry()])
      if state.error == nil { state.error = error() }
    }
    isAny.store(true, ordering: .releasing)
  }

  func note(chunk: ChunkMeta, of series: UInt32, in block: ULID, _ reason: String) {
    change(block, "cannot populate chunk \(chunk.reference) from block \(block): \(reason)") { entry in
      if entry.chunkReason.isEmpty { entry.chunkReason = reason }
      if entry.chunks.count < DamageNotes.partsMax {
        entry.chunks.insert(chunk.reference)
        entry.seriesOfChunks.insert(series)
      }
      let times = entry.times ?? chunk.minTime...chunk.maxTime
      entry.times = min(times.lowerBound, chunk.minTime)...max(times.upperBound, chunk.maxTime)
    }
  }

  func note(series: UInt32, in block: ULID, _ reason: String) {
    change(block, "cannot read series \(series) from block \(block): \(reason)") { entry in
      if entry.seriesReason.isEmpty { entry.seriesReason = reason }
      if entry.series.count < DamageNotes.partsMax { entry.series.insert(series) }
    }
  }

  func note(indexOf block: ULID, _ reason: String) {
    change(block, "cannot search the index of block \(block): \(reason)") { entry in
      if entry.indexReason == nil { entry.indexReason = reason }
    }
  }

  /// Notes that a block's deletions are lost. No samples are missing for that: it is no reason to refuse an answer.
  func note(deletionsOf block: ULID) {
    state.withLock { $0.entries[block, default: Entry()].hasLostDeletions = true }
    isAny.store(true, ordering: .releasing)
  }

  func note(_ missing: MissingBlock) {
    change(missing.ulid, "block \(missing.ulid) is not served: \(missing.reason)") { $0.missing = missing }
  }

  /// A sentence for each block: which it is, what is wrong, and what is missing from the answer.
  package var warnings: [String] {
    if isEmpty { return [] }
    let entries = state.withLock { $0.entries }
    var texts: [String] = []
    for (ulid, entry) in entries.sorted(by: { $0.key < $1.key }).prefix(DamageNotes.blocksMax) {
      texts.append("block \(ulid): " + DamageNotes.parts(of: entry).joined(separator: "; "))
    }
    if entries.count > DamageNotes.blocksMax {
      texts.append("\(entries.count - DamageNotes.blocksMax) more blocks are damaged where this answer reads them")
    }
    return texts
  }

  private static func parts(of entry: Entry) -> [String] {
    var parts: [String] = []
    if let missing = entry.missing {
      let times = missing.times.map { " " + text($0) } ?? " of a time that is not known"
      parts.append("it is not served since the start (\(missing.reason)), its samples\(times) are missing here")
    }
    if entry.hasLostDeletions {
      parts.append("its list of deletions was lost, samples that had been deleted may show here")
    }
    if let reason = entry.indexReason {
      parts.append("its index cannot be searched (\(reason)), its series are missing here")
    }
    if !entry.series.isEmpty {
      let series = count(entry.series.count, "series", "series")
      parts.append("\(series) cannot be read (\(entry.seriesReason)) and are missing here")
    }
    if !entry.chunks.isEmpty, let times = entry.times {
      let chunks = count(entry.chunks.count, "chunk", "chunks")
      let series = count(entry.seriesOfChunks.count, "series", "series")
      parts.append(
        "\(chunks) of \(series) cannot be read (\(entry.chunkReason)), samples of them \(text(times)) are missing here")
    }
    return parts
  }

  private static func count(_ count: Int, _ one: String, _ many: String) -> String {
    (count == partsMax ? "at least " : "") + "\(count) \(count == 1 ? one : many)"
  }

  private static func text(_ times: ClosedRange<Int64>) -> String {
    "from \(TimeText.text(milliseconds: times.lowerBound)) to \(TimeText.text(milliseconds: times.upperBound))"
  }
}

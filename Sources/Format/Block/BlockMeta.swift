import Model

/// The description of a block, its `meta.json`. `maxTime` is behind the last sample.
package struct BlockMeta: Equatable, Sendable {
  package static let version = 1
  /// Times of a block lie between its negative and itself, so that sums and differences of them are numbers too.
  package static let timeMax = Int64(1) << 61
  /// No block counts more of anything.
  package static let countMax = Int64(1) << 53
  /// The hint of a block of late samples.
  package static let lateHint = "from-out-of-order"

  package var ulid: ULID
  package var minTime: Int64
  package var maxTime: Int64
  package var stats = Stats()
  package var compaction = Compaction()

  package struct Stats: Equatable, Sendable {
    package var samples: Int64 = 0
    package var floatSamples: Int64 = 0
    package var histogramSamples: Int64 = 0
    package var series: Int64 = 0
    package var chunks: Int64 = 0
    package var tombstones: Int64 = 0
    package init() {}

    var isPossible: Bool {
      [samples, floatSamples, histogramSamples, series, chunks, tombstones].allSatisfy {
        $0 >= 0 && $0 <= BlockMeta.countMax
      }
    }
  }

  /// The origin of the block: its level, sources and parents.
  package struct Compaction: Equatable, Sendable {
    package var level = 1
    /// All blocks of the first level that went into it; of a first one itself.
    package var sources: [ULID] = []
    package var parents: [Parent] = []
    /// Nothing is left in it: it may go.
    package var isDeletable = false
    /// It could not be compacted, and should not be tried again.
    package var hasFailed = false
    package var hints: [String] = []
    package init() {}
  }

  package struct Parent: Equatable, Sendable {
    package var ulid: ULID
    package var minTime: Int64
    package var maxTime: Int64

    package init(ulid: ULID, minTime: Int64, maxTime: Int64) {
      self.ulid = ulid
      self.minTime = minTime
      self.maxTime = maxTime
    }
  }

  package init(ulid: ULID, minTime: Int64, maxTime: Int64) {
    self.ulid = ulid
    self.minTime = minTime
    self.maxTime = maxTime
  }

  package var isLate: Bool { compaction.hints.contains(BlockMeta.lateHint) }
}

extension BlockMeta {
  private static func isTime(_ time: Int64) -> Bool { -timeMax <= time && time <= timeMax }
}

// As JSON, with the names and the indentation of Prometheus.
extension BlockMeta {
  /// Nil where the bytes are not such a file, or of a version that is not known. Unknown members are passed over.
  package init?(json bytes: LentBytes) {
    guard let document = JSONDocument(bytes), document["version"]?.integer == Int64(BlockMeta.version),
      let ulid = document["ulid"]?.text.flatMap({ ULID($0) }), let minTime = document["minTime"]?.integer,
      let maxTime = document["maxTime"]?.integer, minTime <= maxTime, BlockMeta.isTime(minTime),
      BlockMeta.isTime(maxTime)
    else { return nil }
    self.init(ulid: ulid, minTime: minTime, maxTime: maxTime)
    if let numbers = document["stats"] {
      stats.samples = numbers["numSamples"]?.integer ?? 0
      stats.floatSamples = numbers["numFloatSamples"]?.integer ?? 0
      stats.histogramSamples = numbers["numHistogramSamples"]?.integer ?? 0
      stats.series = numbers["numSeries"]?.integer ?? 0
      stats.chunks = numbers["numChunks"]?.integer ?? 0
      stats.tombstones = numbers["numTombstones"]?.integer ?? 0
      guard stats.isPossible else { return nil }
    }
    guard let origin = document["compaction"] else { return }
    compaction.level = Int(clamping: origin["level"]?.integer ?? 1)
    compaction.sources = origin["sources"]?.elements.compactMap { $0.text.flatMap { ULID($0) } } ?? []
    compaction.parents =
      origin["parents"]?.elements.compactMap { parent in
        guard let ulid = parent["ulid"]?.text.flatMap({ ULID($0) }), let minTime = parent["minTime"]?.integer,
          let maxTime = parent["maxTime"]?.integer, BlockMeta.isTime(minTime), BlockMeta.isTime(maxTime)
        else { return nil }
        return Parent(ulid: ulid, minTime: minTime, maxTime: maxTime)
      } ?? []
    compaction.isDeletable = origin["deletable"]?.isTrue ?? false
    compaction.hasFailed = origin["failed"]?.isTrue ?? false
    compaction.hints = origin["hints"]?.elements.compactMap(\.text) ?? []
  }

  package var json: [UInt8] {
    var lines: [String] = ["{"]
    lines.append("\t\"ulid\": \"\(ulid)\",")
    lines.append("\t\"minTime\": \(minTime),")
    lines.append("\t\"maxTime\": \(maxTime),")
    lines.append(contentsOf: BlockMeta.object("stats", statsMembers, indent: "\t", isLast: false))
    lines.append(contentsOf: BlockMeta.object("compaction", compactionMembers, indent: "\t", isLast: false))
    lines.append(BlockMeta.openSeal)
    lines.append("\t\"version\": \(BlockMeta.version)")
    lines.append("}")
    return BlockMeta.sealed(Array(lines.joined(separator: "\n").utf8))
  }

  /// Numbers that are zero are left out, as Prometheus does.
  private var statsMembers: [(String, String)] {
    [
      ("numSamples", stats.samples), ("numFloatSamples", stats.floatSamples),
      ("numHistogramSamples", stats.histogramSamples), ("numSeries", stats.series), ("numChunks", stats.chunks),
      ("numTombstones", stats.tombstones),
    ].filter { $0.1 != 0 }.map { ($0.0, "\($0.1)") }
  }

  private var compactionMembers: [(String, String)] {
    func list(_ items: [String]) -> String { "[" + items.joined(separator: ", ") + "]" }
    var members = [("level", "\(compaction.level)")]
    if !compaction.sources.isEmpty { members.append(("sources", list(compaction.sources.map { "\"\($0)\"" }))) }
    if compaction.isDeletable { members.append(("deletable", "true")) }
    if !compaction.parents.isEmpty {
      let parents = compaction.parents.map { parent in
        "{\"ulid\": \"\(parent.ulid)\", \"minTime\": \(parent.minTime), \"maxTime\": \(parent.maxTime)}"
      }
      members.append(("parents", list(parents)))
    }
    if compaction.hasFailed { members.append(("failed", "true")) }
    if !compaction.hints.isEmpty { members.append(("hints", list(compaction.hints.map(JSONBuffer.quoted)))) }
    return members
  }

  private static func object(
    _ name: String, _ members: [(String, String)], indent: String, isLast: Bool
  ) -> [String] {
    if members.isEmpty { return ["\(indent)\"\(name)\": {}" + (isLast ? "" : ",")] }
    var lines = ["\(indent)\"\(name)\": {"]
    for (place, member) in members.enumerated() {
      lines.append("\(indent)\t\"\(member.0)\": \(member.1)" + (place + 1 < members.count ? "," : ""))
    }
    lines.append("\(indent)}" + (isLast ? "" : ","))
    return lines
  }
}

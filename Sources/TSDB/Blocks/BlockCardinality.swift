import Format
import Model

/// The numbers of series, label pairs and values of a block, and which of them come and go: what `analyze` shows.
/// Memory: one entry for each label pair.
package struct BlockCardinality: Sendable {
  package struct Row: Sendable, Equatable {
    package var count: Int
    package var key: String
  }

  package private(set) var seriesCount = 0
  package private(set) var labelNameCount = 0
  package private(set) var pairCount = 0
  /// The number of label pairs of all series together.
  package private(set) var entryCount = 0
  /// The time for which the series of a label pair are not there, in units of one series that is there for all of the
  /// block's time.
  package private(set) var churnOfPairs: [Row] = []
  package private(set) var churnOfNames: [Row] = []
  package private(set) var seriesOfPairs: [Row] = []
  package private(set) var valueBytesOfNames: [Row] = []
  package private(set) var valuesOfNames: [Row] = []
  package private(set) var seriesOfMetrics: [Row] = []

  private struct Tally {
    var series = 0
    var uncovered: UInt64 = 0
  }

  /// Counts the series that all matchers accept; keeps the `rowsMax` largest rows of each table.
  package init(_ block: Block, _ matchers: [CompiledMatcher], rowsMax: Int) throws(BlockError) {
    let duration = max(1, UInt64(bitPattern: block.meta.maxTime &- block.meta.minTime))
    var pairs: [UInt64: Tally] = [:]
    for reference in try matchers.isEmpty ? block.allSeries() : block.select(matchers) {
      var series = DecodedSeries()
      guard block.index.read(reference, into: &series) else {
        throw .corrupt(path: block.directory + "/index", reason: "a series is damaged")
      }
      let covered = series.timeRange.map { UInt64(bitPattern: $0.upperBound &- $0.lowerBound) } ?? 0
      seriesCount += 1
      for place in stride(from: 0, to: series.labels.count, by: 2) {
        let key = UInt64(series.labels[place]) << 32 | UInt64(series.labels[place + 1])
        pairs[key, default: Tally()].series += 1
        pairs[key, default: Tally()].uncovered += duration > covered ? duration - covered : 0
        entryCount += 1
      }
    }
    pairCount = pairs.count
    try tabulate(pairs, block, duration, rowsMax)
  }

  private mutating func tabulate(
    _ pairs: [UInt64: Tally], _ block: Block, _ duration: UInt64, _ rowsMax: Int
  ) throws(BlockError) {
    func text(_ number: UInt64) throws(BlockError) -> String {
      guard let symbol = block.index.symbol(Int(number)) else {
        throw .corrupt(path: block.directory + "/index", reason: "a symbol cannot be read")
      }
      return String(decoding: symbol, as: UTF8.self)
    }
    var names: [UInt64: (uncovered: UInt64, values: Int, bytes: Int)] = [:]
    for (key, tally) in pairs {
      let bytes = block.index.symbol(Int(key & 0xffff_ffff))?.count ?? 0
      let name = names[key >> 32] ?? (0, 0, 0)
      names[key >> 32] = (name.uncovered + tally.uncovered, name.values + 1, name.bytes + bytes)
    }
    labelNameCount = names.count

    func pairRows(
      _ count: (Tally) -> Int, where isWanted: (String) -> Bool = { _ in true }, isValueAlone: Bool = false
    ) throws(BlockError) -> [Row] {
      // Only the longest rows get their texts.
      let sorted = pairs.sorted { (count($0.value), $1.key) > (count($1.value), $0.key) }
      var rows: [Row] = []
      for (key, tally) in sorted where rows.count < rowsMax {
        let name = try text(key >> 32)
        if !isWanted(name) { continue }
        let value = try text(key & 0xffff_ffff)
        rows.append(Row(count: count(tally), key: isValueAlone ? value : name + "=" + value))
      }
      return rows
    }
    churnOfPairs = try pairRows { Int($0.uncovered / duration) }
    seriesOfPairs = try pairRows { $0.series }
    seriesOfMetrics = try pairRows({ $0.series }, where: { $0 == LabelName.metric }, isValueAlone: true)

    func nameRows(_ count: ((uncovered: UInt64, values: Int, bytes: Int)) -> Int) throws(BlockError) -> [Row] {
      var rows: [Row] = []
      for (name, numbers) in names { rows.append(Row(count: count(numbers), key: try text(name))) }
      return Array(rows.sorted { $0.count != $1.count ? $0.count > $1.count : $0.key < $1.key }.prefix(rowsMax))
    }
    churnOfNames = try nameRows { Int($0.uncovered / duration) }
    valueBytesOfNames = try nameRows { $0.bytes }
    valuesOfNames = try nameRows { $0.values }
  }
}

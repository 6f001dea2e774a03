import Model

/// The figures of an index for `/api/v1/status/tsdb`: where its series, values and bytes are. Read in short visits; on a
/// living index the figures are those of slightly different moments.
package struct CardinalityStatistics: Sendable {
  package struct Entry: Sendable, Equatable {
    package var name: String
    package var count: Int
  }

  package var seriesCount = 0
  package var labelPairCount = 0
  /// The largest first, names in order among equals.
  package var seriesCountByMetricName: [Entry] = []
  package var valueCountByLabelName: [Entry] = []
  /// Bytes of all series' labels of a name, in the packed form of `Labels`.
  package var memoryBytesByLabelName: [Entry] = []
  /// Series by label pair, named `name=value`.
  package var seriesCountByLabelPair: [Entry] = []
  /// Series by label name; only for a selection of series.
  package var seriesCountByLabelName: [Entry] = []
  /// Series by the values of one label; nil if none was named.
  package var seriesCountByFocusValue: [Entry]?

  init(seriesCount: Int) { self.seriesCount = seriesCount }

  package static func read(
    _ lender: some HeadIndexLender, limit: Int, shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> CardinalityStatistics {
    try IndexReader.query(lender, shouldStop: shouldStop) { reader throws(IndexReadError) in
      try CardinalityStatistics(reader, limit)
    }
  }

  private init(_ reader: IndexReader<some HeadIndexLender>, _ limit: Int) throws(IndexReadError) {
    let symbols = reader.symbols
    var metrics = TopCounts<SymbolID>(limit: limit)
    var values = TopCounts<SymbolID>(limit: limit)
    var bytes = TopCounts<SymbolID>(limit: limit)
    var pairs = TopCounts<LabelPair>(limit: limit)
    let names = try reader.visit { $0.postings.nameSymbols }
    seriesCount = try reader.visit { $0.postings.seriesCount }
    for name in names {
      guard let snapshot = try reader.visit({ $0.postings.values(of: name) }) else { continue }
      let nameBytes = CardinalityStatistics.packedBytes(symbols, name)
      let isMetricName = symbols.text(of: name) == LabelName.metric
      var valueCount = 0
      var byteCount = 0
      try reader.forEachCount(name, snapshot.withIDs { Array($0) }) { value, count in
        valueCount += 1
        byteCount += count * (nameBytes + CardinalityStatistics.packedBytes(symbols, value))
        pairs.add(LabelPair(name: name, value: value), count)
        if isMetricName { metrics.add(value, count) }
      }
      labelPairCount += valueCount
      values.add(name, valueCount)
      bytes.add(name, byteCount)
    }
    seriesCountByMetricName = metrics.entries { symbols.text(of: $0) }
    valueCountByLabelName = values.entries { symbols.text(of: $0) }
    memoryBytesByLabelName = bytes.entries { symbols.text(of: $0) }
    seriesCountByLabelPair = pairs.entries { symbols.text(of: $0.name) + "=" + symbols.text(of: $0.value) }
  }

  private static func packedBytes(_ symbols: SymbolReader, _ id: SymbolID) -> Int {
    symbols.withBytes(of: id) { packedBytes($0.count) }
  }

  /// The bytes of a string in the packed form: its length and itself.
  static func packedBytes(_ count: Int) -> Int {
    count + max(1, (Int.bitWidth - count.leadingZeroBitCount + 6) / 7)
  }
}

/// The keys with the largest counts, kept while counts stream by. Of equal counts at the limit it may keep any.
private struct TopCounts<Key> {
  private let limit: Int
  private var kept: [(key: Key, count: Int)] = []
  /// Counts below this one are not among the largest.
  private var floor = 1

  init(limit: Int) { self.limit = max(limit, 0) }

  mutating func add(_ key: Key, _ count: Int) {
    if count < floor || limit == 0 { return }
    kept.append((key, count))
    // Cut back rarely, so that a key costs little more than a comparison.
    if kept.count >= 4 * limit + 1024 { cut() }
  }

  func entries(_ text: (Key) -> String) -> [CardinalityStatistics.Entry] {
    let named = kept.map { CardinalityStatistics.Entry(name: text($0.key), count: $0.count) }
    return Array(named.sorted { $0.count != $1.count ? $0.count > $1.count : $0.name < $1.name }.prefix(limit))
  }

  private mutating func cut() {
    kept.sort { $0.count > $1.count }
    kept.removeLast(kept.count - limit)
    floor = (kept.last?.count ?? 0) + 1
  }
}

import Model

/// The parameters of a request to `/api/v1/status/tsdb`.
package struct CardinalityRequest: Sendable {
  /// The most entries that each list of the answer may have.
  package var limit = 10
  /// Series of these selectors only; empty: all.
  package var selectors: [[CompiledMatcher]] = []
  /// A label whose values are to be counted.
  package var focusLabel: String?

  package init() {}
}

extension Database {
  /// Counts the head's series by metric name, label name and label pair. Without a selector or focus label it reads the
  /// index in short visits; with one, it counts the labels of the series that the selectors find.
  package func cardinality(
    _ request: CardinalityRequest, shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> CardinalityStatistics {
    if request.selectors.isEmpty && request.focusLabel == nil {
      return try CardinalityStatistics.read(head.index, limit: request.limit, shouldStop: shouldStop)
    }
    var counts = SelectedCardinality(focusLabel: request.focusLabel)
    var seen: Set<UInt32> = []
    for selector in request.selectors.isEmpty ? [[]] : request.selectors {
      for series in try head.select(selector, shouldStop: shouldStop) {
        if counts.seriesCount & 1023 == 1023, shouldStop() { throw QueryStopped() }
        if request.selectors.count <= 1 || seen.insert(series.id).inserted { counts.add(series.labels) }
      }
    }
    return counts.statistics(limit: request.limit)
  }
}

/// Counts over the labels of series, one after the other.
private struct SelectedCardinality {
  private struct NameCounts {
    var seriesCount = 0
    var byteCount = 0
    var seriesByValue: [[UInt8]: Int] = [:]

    mutating func add(_ value: [UInt8], _ bytes: Int) {
      seriesCount += 1
      byteCount += bytes
      seriesByValue[value, default: 0] += 1
    }
  }

  private var names: [[UInt8]: NameCounts] = [:]
  private let focusLabel: [UInt8]?
  private(set) var seriesCount = 0

  init(focusLabel: String?) { self.focusLabel = focusLabel.map { Array($0.utf8) } }

  mutating func add(_ labels: Labels) {
    seriesCount += 1
    labels.forEach { name, value in
      let bytes = CardinalityStatistics.packedBytes(name.count) + CardinalityStatistics.packedBytes(value.count)
      names[Array(name), default: NameCounts()].add(Array(value), bytes)
    }
  }

  func statistics(limit: Int) -> CardinalityStatistics {
    typealias Entry = CardinalityStatistics.Entry
    var statistics = CardinalityStatistics(seriesCount: seriesCount)
    func top(_ entries: some Sequence<Entry>) -> [Entry] {
      let sorted = entries.sorted { $0.count != $1.count ? $0.count > $1.count : $0.name < $1.name }
      return Array(sorted.prefix(limit))
    }
    func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
    statistics.labelPairCount = names.values.reduce(0) { $0 + $1.seriesByValue.count }
    let metrics = names[Array(LabelName.metric.utf8)]?.seriesByValue ?? [:]
    statistics.seriesCountByMetricName = top(metrics.map { Entry(name: text($0.key), count: $0.value) })
    statistics.valueCountByLabelName = top(
      names.map { Entry(name: text($0.key), count: $0.value.seriesByValue.count) })
    statistics.memoryBytesByLabelName = top(names.map { Entry(name: text($0.key), count: $0.value.byteCount) })
    statistics.seriesCountByLabelName = top(names.map { Entry(name: text($0.key), count: $0.value.seriesCount) })
    statistics.seriesCountByLabelPair = top(
      names.flatMap { name, counts in
        top(counts.seriesByValue.map { Entry(name: "\(text(name))=\(text($0.key))", count: $0.value) })
      })
    if let focusLabel {
      let values = names[focusLabel]?.seriesByValue ?? [:]
      statistics.seriesCountByFocusValue = top(values.map { Entry(name: text($0.key), count: $0.value) })
    }
    return statistics
  }
}

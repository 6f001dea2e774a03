import Model

// What a database knows of labels without reading a sample: the one door for everything that lists names, values and
// series. Each set of matchers is a selector, a series counts when one of the sets accepts it; no set at all means every
// series. Times are milliseconds, both ends included; a limit of 0 means none. `shouldStop` is asked now and then.
extension Database {
  /// Up to this many series have their own labels read; with more, the lists of the index are the shorter way.
  private static var seriesReadMax: Int { 1024 }

  /// The label names of the matching series.
  package func labelNames(
    matching sets: [[CompiledMatcher]], from first: Int64, through last: Int64, limit: Int,
    shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> LabelTexts {
    guard headTouches(first, last) else { return LabelTexts() }
    if sets.isEmpty { return LabelTexts(try head.index.labelNames(limit: limit, shouldStop: shouldStop)) }
    let ids = try ids(matching: sets, shouldStop)
    if ids.isEmpty { return LabelTexts() }
    if ids.count > Database.seriesReadMax {
      return LabelTexts(try head.index.labelNames(in: ids, limit: limit, shouldStop: shouldStop))
    }
    var names: Set<[UInt8]> = []
    for labels in labels(of: ids) { labels.forEach { name, _ in names.insert(Array(name)) } }
    return LabelTexts(names, limit: limit)
  }

  /// The values that the matching series have for a label.
  package func labelValues(
    of name: String, matching sets: [[CompiledMatcher]], from first: Int64, through last: Int64, limit: Int,
    shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> LabelTexts {
    guard headTouches(first, last) else { return LabelTexts() }
    if sets.isEmpty { return LabelTexts(try head.index.labelValues(of: name, limit: limit, shouldStop: shouldStop)) }
    let ids = try ids(matching: sets, shouldStop)
    if ids.isEmpty { return LabelTexts() }
    if ids.count > Database.seriesReadMax {
      return LabelTexts(try head.index.labelValues(of: name, in: ids, limit: limit, shouldStop: shouldStop))
    }
    var values: Set<[UInt8]> = []
    for labels in labels(of: ids) {
      labels.withValue(of: name) { value in
        if let value { values.insert(Array(value)) }
      }
    }
    return LabelTexts(values, limit: limit)
  }

  /// The matching series that have samples in the range: of one selector in the order they were made, of several in the
  /// order of their labels.
  package func series(
    matching sets: [[CompiledMatcher]], from first: Int64, through last: Int64, limit: Int,
    shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> (labels: [Labels], isTruncated: Bool) {
    guard headTouches(first, last) else { return ([], false) }
    var labels: [Labels] = []
    var seen: Set<UInt32> = []
    for set in sets {
      for series in try head.select(set, shouldStop: shouldStop) {
        if labels.count & 1023 == 1023, shouldStop() { throw QueryStopped() }
        guard head.hasChunk(series, from: first, through: last) else { continue }
        guard sets.count == 1 || seen.insert(series.id).inserted else { continue }
        labels.append(series.labels)
        // Of several selectors the first in order are wanted, so all have to be there before they are cut.
        if limit > 0, sets.count == 1, labels.count > limit { break }
      }
    }
    if sets.count > 1 { labels.sort() }
    guard limit > 0, labels.count > limit else { return (labels, false) }
    return (Array(labels[..<limit]), true)
  }

  private func headTouches(_ first: Int64, _ last: Int64) -> Bool {
    head.timeRange.map { $0.lowerBound <= last && $0.upperBound >= first } ?? false
  }

  /// Sorted, each once.
  private func ids(
    matching sets: [[CompiledMatcher]], _ shouldStop: @escaping () -> Bool
  ) throws(QueryStopped) -> [UInt32] {
    if sets.count == 1 { return try PostingsSelection.select(sets[0], in: head.index, shouldStop: shouldStop).ids }
    var union: Set<UInt32> = []
    for set in sets {
      union.formUnion(try PostingsSelection.select(set, in: head.index, shouldStop: shouldStop).ids)
    }
    return union.sorted()
  }

  private func labels(of ids: [UInt32]) -> [Labels] {
    var found: [HeadSelection] = []
    found.reserveCapacity(ids.count)
    head.index.describe(ids[...], into: &found)
    return found.map(\.labels)
  }
}

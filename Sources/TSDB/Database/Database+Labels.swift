import Format
import Model

// What a database knows of labels without reading a sample: the one door for everything that lists names, values and
// series, over the head and the blocks of the time. Each set of matchers is a selector, a series counts when one of the sets
// accepts it; no set at all means every series. Times are milliseconds, both ends included; a limit of 0 means none.
// `shouldStop` is asked now and then. A block that cannot be searched is left out, counted and noted in `notes`.
extension Database {
  /// Up to this many series of the head have their own labels read; with more, the lists of the index are the shorter way.
  private static var seriesReadMax: Int { 1024 }
  private static var seriesBetweenStops: Int { 1024 }

  /// The label names of the matching series.
  package func labelNames(
    matching sets: [[CompiledMatcher]], from first: Int64, through last: Int64, limit: Int,
    notes: DamageNotes? = nil, shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> LabelTexts {
    var texts = try headNames(sets, first, last, limit, shouldStop)
    for block in covering(first, last, notes) {
      if sets.isEmpty {
        var names = LabelTexts()
        for place in 0..<block.index.table.nameCount { names.appendSorted(block.index.table.name(place)) }
        texts = texts.merged(with: names, limit: limit)
      } else {
        var names: Set<[UInt8]> = []
        try forEachSeries(of: block, sets, first, last, notes, shouldStop) { labels in
          labels.forEach { name, _ in names.insert(Array(name)) }
          return true
        }
        texts = texts.merged(with: LabelTexts(names, limit: limit), limit: limit)
      }
    }
    return texts
  }

  /// The values that the matching series have for a label.
  package func labelValues(
    of name: String, matching sets: [[CompiledMatcher]], from first: Int64, through last: Int64, limit: Int,
    notes: DamageNotes? = nil, shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> LabelTexts {
    var texts = try headValues(name, sets, first, last, limit, shouldStop)
    for block in covering(first, last, notes) {
      if sets.isEmpty {
        texts = texts.merged(with: Database.values(of: name, in: block), limit: limit)
      } else {
        var values: Set<[UInt8]> = []
        try forEachSeries(of: block, sets, first, last, notes, shouldStop) { labels in
          labels.withValue(of: name) { value in
            if let value { values.insert(Array(value)) }
          }
          return true
        }
        texts = texts.merged(with: LabelTexts(values, limit: limit), limit: limit)
      }
    }
    return texts
  }

  /// The matching series that have samples in the range: those of one selector in the head alone in the order they were
  /// made, all others in the order of their labels. What is held meanwhile is bounded by `bytesMax`.
  package func series(
    matching sets: [[CompiledMatcher]], from first: Int64, through last: Int64, limit: Int, bytesMax: Int = .max,
    notes: DamageNotes? = nil, shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> SeriesCollection {
    // What leaves the head after this moment is in the blocks, or stays until the epoch is given back.
    let epoch = epoch.withLock { $0 }
    let blocks = covering(first, last, notes)
    let keepsOrder = sets.count == 1 && blocks.isEmpty
    var found = SeriesCollection(limit: limit, bytesMax: bytesMax)
    try headSeries(sets, first, last, &found, keepsOrder: keepsOrder, shouldStop)
    withExtendedLifetime(epoch) {}
    for block in blocks where !found.isTooLarge {
      try forEachSeries(of: block, sets, first, last, notes, shouldStop) { found.insert($0) }
    }
    if !keepsOrder && !found.isTooLarge { found.sort() }
    return found
  }

  // MARK: The head

  private func headTouches(_ first: Int64, _ last: Int64) -> Bool {
    head.timeRange.map { $0.lowerBound <= last && $0.upperBound >= first } ?? false
  }

  private func headNames(
    _ sets: [[CompiledMatcher]], _ first: Int64, _ last: Int64, _ limit: Int, _ shouldStop: @escaping () -> Bool
  ) throws(QueryStopped) -> LabelTexts {
    guard headTouches(first, last) else { return LabelTexts() }
    if sets.isEmpty { return LabelTexts(try head.index.labelNames(limit: limit, shouldStop: shouldStop)) }
    let ids = try ids(matching: sets, shouldStop)
    if ids.count > Database.seriesReadMax {
      return LabelTexts(try head.index.labelNames(in: ids, limit: limit, shouldStop: shouldStop))
    }
    var names: Set<[UInt8]> = []
    for labels in labels(of: ids) { labels.forEach { name, _ in names.insert(Array(name)) } }
    return LabelTexts(names, limit: limit)
  }

  private func headValues(
    _ name: String, _ sets: [[CompiledMatcher]], _ first: Int64, _ last: Int64, _ limit: Int,
    _ shouldStop: @escaping () -> Bool
  ) throws(QueryStopped) -> LabelTexts {
    guard headTouches(first, last) else { return LabelTexts() }
    if sets.isEmpty { return LabelTexts(try head.index.labelValues(of: name, limit: limit, shouldStop: shouldStop)) }
    let ids = try ids(matching: sets, shouldStop)
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

  private func headSeries(
    _ sets: [[CompiledMatcher]], _ first: Int64, _ last: Int64, _ found: inout SeriesCollection, keepsOrder: Bool,
    _ shouldStop: @escaping () -> Bool
  ) throws(QueryStopped) {
    guard headTouches(first, last) else { return }
    for set in sets {
      for (visited, series) in try head.select(set, shouldStop: shouldStop).enumerated() {
        if visited % Database.seriesBetweenStops == 0 && shouldStop() { throw QueryStopped() }
        guard head.hasChunk(series, from: first, through: last) else { continue }
        guard keepsOrder ? found.append(series.labels) : found.insert(series.labels) else { return }
      }
    }
  }

  /// The ids of the series that one of the sets accepts, sorted, each once.
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

  // MARK: Blocks

  private func covering(_ first: Int64, _ last: Int64, _ notes: DamageNotes?) -> [Block] {
    first <= last ? blocks.current.overlapping(first...last, notes) : []
  }

  private static func values(of name: String, in block: Block) -> LabelTexts {
    var values = LabelTexts()
    let table = block.index.table
    guard let place = table.place(of: name) else { return values }
    table.forEachValue(place) { value, _ in
      values.appendSorted(value)
      return true
    }
    return values
  }

  /// Calls `body` for each matching series of a block with chunks that touch the time, once for each set that accepts it,
  /// until it answers false.
  private func forEachSeries(
    of block: Block, _ sets: [[CompiledMatcher]], _ first: Int64, _ last: Int64, _ notes: DamageNotes?,
    _ shouldStop: @escaping () -> Bool, _ body: (Labels) -> Bool
  ) throws(QueryStopped) {
    var series = DecodedSeries()
    for set in sets {
      let references = try block.selectReadable(set, notes, shouldStop: shouldStop)
      for (visited, reference) in references.enumerated() {
        if visited % Database.seriesBetweenStops == 0 && shouldStop() { throw QueryStopped() }
        guard block.readSeries(reference, into: &series, notes),
          let labels = block.readLabels(of: series, reference, notes)
        else { continue }
        if series.chunks.contains(where: { $0.minTime <= last && $0.maxTime >= first }), !body(labels) { return }
      }
    }
  }
}

extension Head {
  /// True if a chunk or a late sample of the series touches the range, both ends included. It decodes nothing: a chunk
  /// counts by its first and last time, even if none of its samples lies in the range.
  func hasChunk(_ series: HeadSelection, from first: Int64, through last: Int64) -> Bool {
    shards[series.location.shard].state.withLock { state in
      let record = state.records.pointer(series.location.slot)
      guard record.pointee.id == series.id, !record.pointee.has(HeadSeries.isFree) else { return false }
      let tail = record.pointee.tail
      if tail.count > 0, record.pointee.chunkStart <= last, tail.lastTime >= first { return true }
      var isFound = false
      state.forEachChunk(of: record) { chunk in
        isFound = chunk.pointee.start <= last && chunk.pointee.end >= first
        return !isFound
      }
      if isFound || state.histograms.overlap(series.location.slot, from: first, through: last) { return true }
      guard let history = state.history(of: record), history.pointee.lateCount > 0 else { return false }
      let late = state.lateSamples(history)
      return (0..<Int(history.pointee.lateCount)).contains { late[$0].time >= first && late[$0].time <= last }
    }
  }
}

import Model

extension Head {
  /// Series whose labels and places are looked up in one visit to the index.
  private static var seriesPerVisitMax: Int { 1024 }

  /// The series that every matcher accepts, in the order they were made. At least one matcher should not match the empty
  /// value; otherwise that is every series there is.
  package func select(
    _ matchers: [CompiledMatcher], shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> [HeadSelection] {
    let selection = try PostingsSelection.select(matchers, in: index, deferring: true, shouldStop: shouldStop)
    var found: [HeadSelection] = []
    found.reserveCapacity(selection.ids.count)
    var start = 0
    while start < selection.ids.count {
      if shouldStop() { throw QueryStopped() }
      let end = min(start + Head.seriesPerVisitMax, selection.ids.count)
      index.describe(selection.ids[start..<end], into: &found)
      start = end
    }
    if !selection.deferred.isEmpty {
      found.removeAll { series in !selection.deferred.allSatisfy { $0.matches(series.labels) } }
    }
    return found
  }
}

extension SeriesIndex {
  /// Appends what is known of each series; those that have ended meanwhile are left out.
  func describe(_ ids: ArraySlice<UInt32>, into found: inout [HeadSelection]) {
    var packed: [UInt8] = []
    state.withLock { state in
      for id in ids where state.packedLabels(of: id, into: &packed) {
        let location = SeriesLocation(raw: state.entries[Int(id)].location)
        found.append(HeadSelection(id: id, labels: Labels(packed: packed), location: location))
      }
    }
  }
}

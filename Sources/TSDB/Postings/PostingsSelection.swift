import Model

// From matchers to series ids: all series for which every matcher holds, a missing label counting as the empty value. A
// series has to satisfy a matcher that does not match the empty value by one of its values; the others only exclude.
//
// Order: what lists series comes first, the shortest first; then what excludes; last the regular expressions that have to be
// tried on every value of a label, of which the cheapest may be the first if there is nothing better. Ends at the first
// empty intermediate result.
package struct PostingsSelection: Sendable {
  /// The ids in order.
  package var ids: [UInt32]
  /// Matchers that are still to be tried on each series' own labels: with so few series that is cheaper than to try them
  /// on every value the label has anywhere. Empty unless asked for.
  package var deferred: [CompiledMatcher] = []

  /// Up to this many series matchers may be deferred.
  package static let deferredSeriesMax = 1024

  /// - Parameters:
  ///   - deferring: whether the caller can test `deferred` on the labels of a series.
  ///   - shouldStop: asked now and then; true ends the selection.
  package static func select(
    _ matchers: [CompiledMatcher], in lender: some HeadIndexLender, deferring: Bool = false,
    shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> PostingsSelection {
    try IndexReader.query(lender, shouldStop: shouldStop) { reader throws(IndexReadError) in
      try select(matchers, reader, deferring: deferring)
    }
  }

  private static func select(
    _ matchers: [CompiledMatcher], _ reader: IndexReader<some HeadIndexLender>, deferring: Bool
  ) throws(IndexReadError) -> PostingsSelection {
    var terms = try reader.visit { index in matchers.map { SelectionTerm($0, in: index) } }
    terms.sort { $0.rank < $1.rank }
    // Nothing better to begin with than a scan: the positive one with the fewest series.
    if let first = terms.first, first.isScan || !first.isPositive,
      let scan = terms.firstIndex(where: { $0.isScan && $0.isPositive })
    {
      var term = terms.remove(at: scan)
      try term.resolve(reader)
      terms.insert(term, at: 0)
    }
    var candidates = SelectionCandidates()
    var deferred: [CompiledMatcher] = []
    for var term in terms {
      if term.isScan {
        if deferring, let count = candidates.count, count <= deferredSeriesMax {
          deferred.append(term.matcher)
          continue
        }
        try term.resolve(reader)
      }
      try candidates.apply(term, reader)
      if candidates.count == 0 { return PostingsSelection(ids: []) }
    }
    return PostingsSelection(ids: try candidates.ids(reader), deferred: deferred)
  }
}

/// The series that are still in the running; all of them before the first term.
private struct SelectionCandidates: ~Copyable {
  private var set = SeriesSet(sorted: [])
  private var isAll = true
  private var copy = PostingsCopy()

  /// The number of series in the running; nil while all are.
  var count: Int? { isAll ? nil : set.count }

  mutating func ids(_ reader: IndexReader<some HeadIndexLender>) throws(IndexReadError) -> [UInt32] {
    try takeAll(reader)
    return set.ids
  }

  mutating func apply(_ term: SelectionTerm, _ reader: IndexReader<some HeadIndexLender>) throws(IndexReadError) {
    switch term.kind {
    case .everything: return
    case .nothing, .scan:
      precondition(!term.isScan, "a scan is resolved before it is applied")
      set = SeriesSet(sorted: [])
      isAll = false
    case .keep:
      try copyValues(term, reader)
      keep()
    case .keepOthers:
      try copyHaving(term, reader)
      keep()
      try removeValues(term, reader)
    case .remove:
      try takeAll(reader)
      try removeValues(term, reader)
    case .removeOthers:
      try takeAll(reader)
      try copyHaving(term, reader)
      var others = SeriesSet(copy, 0..<copy.listCount)
      try copyValues(term, reader)
      others.remove(copy, 0..<copy.listCount)
      set.remove(others)
    }
  }

  private mutating func keep() {
    if isAll {
      set = SeriesSet(copy, 0..<copy.listCount)
      isAll = false
    } else {
      set.keep(copy, 0..<copy.listCount)
    }
  }

  private mutating func removeValues(
    _ term: SelectionTerm, _ reader: IndexReader<some HeadIndexLender>
  ) throws(IndexReadError) {
    if term.values.isEmpty || set.isEmpty { return }
    try copyValues(term, reader)
    set.remove(copy, 0..<copy.listCount)
  }

  /// Writes "all" out, if that is what it still is.
  private mutating func takeAll(_ reader: IndexReader<some HeadIndexLender>) throws(IndexReadError) {
    if !isAll { return }
    copy.removeAll()
    try reader.visit { $0.postings.copyAll(into: &copy) }
    set = SeriesSet(copy, 0..<1)
    isAll = false
  }

  private mutating func copyValues(
    _ term: SelectionTerm, _ reader: IndexReader<some HeadIndexLender>
  ) throws(IndexReadError) {
    copy.removeAll()
    try reader.copy(term.name, term.values, into: &copy)
  }

  private mutating func copyHaving(
    _ term: SelectionTerm, _ reader: IndexReader<some HeadIndexLender>
  ) throws(IndexReadError) {
    copy.removeAll()
    try reader.copy(having: term.name, into: &copy)
  }
}

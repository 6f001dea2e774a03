import Model

// What one matcher asks of the index, once its label name and its values are known. With H the series that have the label
// and L the union of the lists of `values`, a term keeps of the candidates C:
//
//   values wanted, series without the label not      C and L              keep
//   values unwanted, series without the label stay   C minus L            remove
//   values unwanted, series without the label go     C and H, minus L     keepOthers
//   values wanted, series without the label stay     C minus (H minus L)  removeOthers
struct SelectionTerm {
  enum Kind {
    /// Every series matches, or none.
    case everything, nothing
    case keep, remove, keepOthers, removeOthers
    /// The values have to be matched one by one first.
    case scan(ValueSnapshot)
  }

  var kind: Kind
  let matcher: CompiledMatcher
  var name: SymbolID = 0
  var values: [SymbolID] = []
  /// Series in the lists that the term reads.
  var cost = 0

  /// Looks up the lists that a matcher needs. Called under the lock: it matches no value here.
  init(_ matcher: CompiledMatcher, in index: borrowing HeadIndex) {
    self.matcher = matcher
    kind = matcher.matchesEmpty ? .everything : .nothing
    guard let name = index.symbols.find(matcher.name), let snapshot = index.postings.values(of: name) else { return }
    self.name = name
    if let verdict = matcher.verdictOnAllValues {
      if verdict == matcher.matchesEmpty { return }
      kind = verdict ? .keepOthers : .removeOthers
      cost = index.postings.count(having: name)
    } else if let literals = matcher.literals {
      var found: [SymbolID] = []
      var count = 0
      literals.forEach { text in
        guard !text.isEmpty, let value = index.symbols.find(text) else { return }
        let series = index.postings.count(name, value)
        if series > 0 {
          found.append(value)
          count += series
        }
      }
      values = found
      decide(valuesAreWanted: !matcher.isNegated)
      cost = count + (readsHaving ? index.postings.count(having: name) : 0)
    } else {
      kind = .scan(snapshot)
      cost = index.postings.count(having: name)
    }
  }

  /// Matches the values of a scan, without the lock. The smaller of the matching and the other values is what the lists are
  /// read of.
  mutating func resolve(_ reader: IndexReader<some HeadIndexLender>) throws(IndexReadError) {
    guard case .scan(let snapshot) = kind else { return }
    var wanted: [SymbolID] = []
    var unwanted: [SymbolID] = []
    var start = 0
    while start < snapshot.count {
      try reader.checkStop()
      let end = min(start + SelectionTerm.valuesBetweenStops, snapshot.count)
      snapshot.withIDs { ids in
        for id in ids[start..<end] {
          if reader.symbols.withBytes(of: id, { matcher.matches($0) }) {
            wanted.append(id)
          } else {
            unwanted.append(id)
          }
        }
      }
      start = end
    }
    let valuesAreWanted = wanted.count <= unwanted.count
    values = valuesAreWanted ? wanted : unwanted
    decide(valuesAreWanted: valuesAreWanted)
  }

  /// Values matched between two looks at whether the query is still wanted.
  private static let valuesBetweenStops = 1024

  var isScan: Bool {
    if case .scan = kind { return true }
    return false
  }

  /// True if the term can stand first: it lists series that match, instead of those that do not.
  var isPositive: Bool {
    switch kind {
    case .keep, .keepOthers, .nothing: true
    case .scan: !matcher.matchesEmpty
    case .everything, .remove, .removeOthers: false
    }
  }

  /// The order in which terms are applied.
  var rank: (Int, Int, Int) { (isScan ? 1 : 0, isPositive ? 0 : 1, cost) }

  private var readsHaving: Bool {
    switch kind {
    case .keepOthers, .removeOthers: true
    default: false
    }
  }

  private mutating func decide(valuesAreWanted: Bool) {
    switch (valuesAreWanted, matcher.matchesEmpty) {
    case (true, false): kind = values.isEmpty ? .nothing : .keep
    case (false, true): kind = values.isEmpty ? .everything : .remove
    case (false, false): kind = .keepOthers
    case (true, true): kind = .removeOthers
    }
  }
}

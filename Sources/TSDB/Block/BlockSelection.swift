import Format
import Model

// From matchers to the series of a block, with the meaning they have for the head (`PostingsSelection`): a missing label
// counts as the empty value, a matcher that does not match it has to be satisfied by one of the label's values, the others
// only exclude. What lists series comes first, the shortest first; a condition that would have to be tried on every value of
// a label is tried on the series' own labels where they are fewer.
extension Block {
  /// References of the series that every matcher accepts, ascending, which is the order of their labels. An index that is
  /// damaged where it is read ends the selection with `corrupt`.
  package func select(
    _ matchers: [CompiledMatcher], shouldStop: @escaping () -> Bool = { false }
  ) throws(BlockError) -> [UInt32] {
    do throws(SelectionError) {
      return try BlockSelection(index: index, shouldStop: shouldStop).references(matchers)
    } catch {
      switch error {
      case .stopped: throw .stopped
      case .damaged(let damage): throw .corrupt(path: directory + "/index", reason: "\(damage)")
      }
    }
  }

  /// The same for a query: an index that is damaged where it is read yields no series, and the damage is counted and
  /// noted.
  package func selectReadable(
    _ matchers: [CompiledMatcher], _ notes: DamageNotes? = nil, shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> [UInt32] {
    do throws(BlockError) {
      return try select(matchers, shouldStop: shouldStop)
    } catch {
      if error == .stopped { throw QueryStopped() }
      noteDamage(.index, "\(error)")
      notes?.note(indexOf: meta.ulid, "\(error)")
      return []
    }
  }
}

private enum SelectionError: Error, CustomStringConvertible {
  case stopped
  case damaged(IndexDamage)

  var description: String {
    switch self {
    case .stopped: "the query was stopped"
    case .damaged(let damage): damage.description
    }
  }

  static func wrap<Result>(_ body: () throws(IndexDamage) -> Result) throws(SelectionError) -> Result {
    do throws(IndexDamage) { return try body() } catch { throw .damaged(error) }
  }
}

/// One selection on its way. One thread.
private struct BlockSelection {
  let index: IndexFile
  let shouldStop: () -> Bool

  /// Values matched, or lists read, between two looks at whether the query is still wanted.
  private static var stepsBetweenStops: Int { 1024 }
  /// Trying a matcher on a series' own labels costs as much as on this many values of the label.
  private static var valuesPerSeries: Int { 4 }

  func references(_ matchers: [CompiledMatcher]) throws(SelectionError) -> [UInt32] {
    var terms = matchers.map { BlockTerm($0, in: index) }.filter { !$0.isEverything }
    terms.sort { $0.rank < $1.rank }
    var candidates: [UInt32]?
    for term in terms {
      if shouldStop() { throw .stopped }
      if let present = candidates, present.count * BlockSelection.valuesPerSeries < term.valueCount {
        candidates = try filter(present, by: term)
        if candidates?.isEmpty == true { return [] }
        continue
      }
      let lists = try lists(of: term)
      if term.excludes {
        let all: [UInt32]
        if let candidates { all = candidates } else { all = try everySeries() }
        candidates = SeriesReferences.removing(lists, from: all)
      } else if let present = candidates {
        candidates = SeriesReferences.keeping(lists, of: present)
      } else {
        guard let union = SeriesReferences.union(lists) else { throw .damaged(disorder) }
        candidates = union
      }
      if candidates?.isEmpty == true { return [] }
    }
    if let candidates { return candidates }
    return try everySeries()
  }

  private var disorder: IndexDamage { IndexDamage("a list of series is not sorted", at: index.contents.postings) }

  private var noSymbol: IndexDamage { IndexDamage("a label of a series is no symbol", at: index.contents.symbols) }

  private func everySeries() throws(SelectionError) -> [UInt32] {
    let list = try SelectionError.wrap { () throws(IndexDamage) in try index.everySeries() }
    guard let all = SeriesReferences.union([list]) else { throw .damaged(disorder) }
    return all
  }

  /// The lists of the values that match; for a matcher that matches the empty value of those that do not.
  private func lists(of term: BlockTerm) throws(SelectionError) -> [IndexPostings] {
    guard let place = term.place else { return [] }
    var offsets: [Int] = []
    if let literals = term.literals {
      literals.forEach { text in
        if !text.isEmpty, let offset = index.table.postings(place, text) { offsets.append(offset) }
      }
    } else {
      offsets = try scan(term, place)
    }
    var lists: [IndexPostings] = []
    lists.reserveCapacity(offsets.count)
    for (number, offset) in offsets.enumerated() {
      if number % BlockSelection.stepsBetweenStops == 0 && shouldStop() { throw .stopped }
      lists.append(try SelectionError.wrap { () throws(IndexDamage) in try index.postings(at: offset) })
    }
    return lists
  }

  /// Tries a matcher on each value of its label that begins as it must.
  private func scan(_ term: BlockTerm, _ place: Int) throws(SelectionError) -> [Int] {
    var offsets: [Int] = []
    var left = BlockSelection.stepsBetweenStops
    var isStopped = false
    let prefix = term.excludes ? [] : term.matcher.prefix
    prefix.lend { prefix in
      index.table.forEachValue(place, from: prefix.raw) { value, offset in
        if !value.starts(with: prefix.raw) { return false }
        if term.matcher.matches(value) != term.excludes { offsets.append(offset) }
        left -= 1
        if left == 0 {
          left = BlockSelection.stepsBetweenStops
          isStopped = shouldStop()
        }
        return !isStopped
      }
    }
    if isStopped { throw .stopped }
    return offsets
  }

  /// Tries a matcher on each series' own labels.
  private func filter(_ references: [UInt32], by term: BlockTerm) throws(SelectionError) -> [UInt32] {
    guard let place = term.place else { return term.excludes ? references : [] }
    let name = index.table.name(place)
    var labels = IndexLabels(index)
    var series = DecodedSeries()
    var kept: [UInt32] = []
    for (number, reference) in references.enumerated() {
      if number % BlockSelection.stepsBetweenStops == 0 && shouldStop() { throw .stopped }
      _ = try SelectionError.wrap { () throws(IndexDamage) in
        try index.decode(reference, withChunks: false, into: &series)
      }
      var verdict = term.matcher.matchesEmpty
      for pair in stride(from: 0, to: series.labels.count - 1, by: 2) {
        guard let candidate = labels.bytes(of: series.labels[pair]) else { throw .damaged(noSymbol) }
        let order = compareBytes(candidate, name)
        if order < 0 { continue }
        if order == 0 {
          guard let value = labels.bytes(of: series.labels[pair + 1]) else { throw .damaged(noSymbol) }
          verdict = term.matcher.matches(value)
        }
        break
      }
      if verdict { kept.append(reference) }
    }
    return kept
  }
}

/// One matcher, looked up in a block's index.
private struct BlockTerm {
  let matcher: CompiledMatcher
  /// The place of the label in the table of postings; nil if no series has it.
  let place: Int?
  /// The number of values that have to be looked at.
  let valueCount: Int
  /// The values whose lists the term reads, if they are known by name.
  let literals: ByteStringSet?

  init(_ matcher: CompiledMatcher, in index: IndexFile) {
    self.matcher = matcher
    place = matcher.name.isEmpty ? nil : index.table.place(of: matcher.name)
    // A negated matcher names what it does not want: that is what is listed where it excludes.
    literals = matcher.isNegated == matcher.matchesEmpty ? matcher.literals : nil
    valueCount = literals?.count ?? place.map { index.table.valueCount($0) } ?? 0
  }

  /// True if the lists it reads are of series that do not match.
  var excludes: Bool { matcher.matchesEmpty }

  var isEverything: Bool { matcher.matchesEmpty && (place == nil || matcher.verdictOnAllValues == true) }

  /// The order in which terms are applied: few literals first, then what excludes by name, then what tries every value.
  var rank: (Int, Int) { (literals != nil ? (excludes ? 1 : 0) : (excludes ? 3 : 2), valueCount) }
}

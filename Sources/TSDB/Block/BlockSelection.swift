import Format
import Model

// From matchers to the series of a block, with the meaning they have for the head (`PostingsSelection`): a missing label
// counts as the empty value, a matcher that does not match it has to be satisfied by one of the label's values, the others
// only exclude. What lists series comes first, the shortest first; a condition that would have to be tried on every value of
// a label is tried on the series' own labels once few are left.
extension Block {
  /// References of the series that every matcher accepts, ascending, which is the order of their labels.
  package func select(
    _ matchers: [CompiledMatcher], shouldStop: () -> Bool = { false }
  ) throws(QueryStopped) -> [UInt32] {
    var terms = matchers.map { BlockTerm($0, in: index) }
    terms.sort { $0.rank < $1.rank }
    var candidates: [UInt32]?
    for term in terms {
      if shouldStop() { throw QueryStopped() }
      if term.isEverything { continue }
      if let present = candidates, present.count <= BlockTerm.seriesTriedMax || present.count < term.valueCount {
        candidates = filter(present, by: term.matcher)
      } else {
        let found = try term.references(in: index, shouldStop: shouldStop)
        if term.excludes {
          candidates = BlockTerm.difference(candidates ?? everyReference, found)
        } else {
          candidates = candidates.map { BlockTerm.intersection($0, found) } ?? found
        }
      }
      if candidates?.isEmpty == true { return [] }
    }
    return candidates ?? everyReference
  }

  private var everyReference: [UInt32] {
    var all: [UInt32] = []
    index.everySeries?.append(to: &all)
    return all
  }

  /// Tries a matcher on each series' labels. A series that cannot be read matches nothing.
  private func filter(_ references: [UInt32], by matcher: CompiledMatcher) -> [UInt32] {
    guard let name = symbolNumber(of: matcher.name) else { return matcher.matchesEmpty ? references : [] }
    var series = DecodedSeries()
    var verdicts: [UInt32: Bool] = [:]
    return references.filter { reference in
      guard index.read(reference, into: &series) else { return false }
      for place in Swift.stride(from: 0, to: series.labels.count - 1, by: 2) where series.labels[place] == name {
        let value = series.labels[place + 1]
        if let known = verdicts[value] { return known }
        let verdict = index.symbol(Int(value)).map { matcher.matches($0) } ?? false
        verdicts[value] = verdict
        return verdict
      }
      return matcher.matchesEmpty
    }
  }

  /// The number of a symbol, by halving.
  func symbolNumber(of text: String) -> UInt32? {
    var text = text
    return text.withUTF8 { bytes in
      var low = 0
      var high = index.symbolCount
      while low < high {
        let middle = (low + high) / 2
        guard let symbol = index.symbol(middle) else { return nil }
        let order = compareBytes(symbol, UnsafeRawBufferPointer(bytes))
        if order == 0 { return UInt32(middle) }
        if order < 0 { low = middle + 1 } else { high = middle }
      }
      return nil
    }
  }
}

/// What one matcher asks of a block's index.
private struct BlockTerm {
  /// Up to this many series a condition is tried on their own labels.
  static let seriesTriedMax = 256
  private static let valuesBetweenStops = 1024

  let matcher: CompiledMatcher
  private let name: IndexFile.Name?

  init(_ matcher: CompiledMatcher, in index: IndexFile) {
    self.matcher = matcher
    var text = matcher.name
    name = text.withUTF8 { index.name(UnsafeRawBufferPointer($0)) }
  }

  /// Whether the lists it reads are of series that do not match.
  var excludes: Bool { matcher.matchesEmpty }
  /// Every series matches.
  var isEverything: Bool {
    name == nil && matcher.matchesEmpty || matcher.verdictOnAllValues == true && matcher.matchesEmpty
  }
  /// How many values are looked at.
  var valueCount: Int { isLiteral ? matcher.literals?.count ?? 0 : name?.valueCount ?? 0 }
  private var isLiteral: Bool { matcher.literals != nil && matcher.isNegated == matcher.matchesEmpty }

  var rank: (Int, Int) { (excludes ? 1 : 0, valueCount) }

  /// The series that have a value which matches; for a matcher that matches the empty value those that have one which
  /// does not.
  func references(in index: IndexFile, shouldStop: () -> Bool) throws(QueryStopped) -> [UInt32] {
    guard let name else { return [] }
    var found: [UInt32] = []
    var lists = 0
    func take(_ offset: Int?) {
      guard let offset, let list = index.postings(at: offset) else { return }
      list.append(to: &found)
      lists += 1
    }
    if isLiteral, let literals = matcher.literals {
      literals.forEach { text in
        if !text.isEmpty { take(index.list(of: name, text)) }
      }
    } else {
      let prefix = excludes ? [] : matcher.prefix
      var isStopped = false
      var tried = 0
      prefix.withUnsafeBytes { prefix in
        index.forEachValue(of: name, from: prefix.isEmpty ? nil : prefix) { value, offset in
          if !value.starts(with: prefix) { return false }
          if matcher.matches(value) != excludes { take(offset) }
          tried += 1
          if tried % BlockTerm.valuesBetweenStops == 0 { isStopped = shouldStop() }
          return !isStopped
        }
      }
      if isStopped { throw QueryStopped() }
    }
    if lists > 1 { found.sort() }
    return found
  }

  static func intersection(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    merge(left, right) { isInRight in isInRight }
  }

  static func difference(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    merge(left, right) { isInRight in !isInRight }
  }

  /// What is wanted of `left`; both ascend.
  private static func merge(_ left: [UInt32], _ right: [UInt32], wants: (Bool) -> Bool) -> [UInt32] {
    var result: [UInt32] = []
    var place = 0
    for reference in left {
      while place < right.count && right[place] < reference { place += 1 }
      if wants(place < right.count && right[place] == reference) { result.append(reference) }
    }
    return result
  }
}

// Label names and values.
extension Block {
  /// Calls `body` with each label name, in order.
  package func forEachName(_ body: (UnsafeRawBufferPointer) -> Void) {
    for name in index.names { name.text.withUnsafeBytes(body) }
  }

  /// Calls `body` with each value of a label, in order, until it says false.
  package func forEachValue(of name: String, _ body: (UnsafeRawBufferPointer) -> Bool) {
    var name = name
    guard let found = name.withUTF8({ index.name(UnsafeRawBufferPointer($0)) }) else { return }
    index.forEachValue(of: found) { value, _ in body(value) }
  }
}

/// A query of the index is no longer wanted.
package struct QueryStopped: Error, CustomStringConvertible {
  package var description: String { "the query was stopped" }
}

/// The reason why a reader gives up: the query is stopped, or the symbols it works with have been numbered anew, so
/// that it has to begin again.
enum IndexReadError: Error, CustomStringConvertible {
  case stopped, renamed

  var description: String {
    switch self {
    case .stopped: "the query was stopped"
    case .renamed: "the symbols of the index have been numbered anew"
    }
  }
}

// One query's way into an index that others write to: every visit is short, and ends the query where the symbol ids that it
// found before mean something else by now. Belongs to one thread.
struct IndexReader<Lender: HeadIndexLender> {
  private let lender: Lender
  private let shouldStop: () -> Bool
  let symbols: SymbolReader

  /// Bytes of coded lists copied in one visit, about 0.1 ms; a single larger list is copied whole.
  static var copyBytesMax: Int { 1 << 20 }
  /// Lists copied or looked up in one visit.
  static var listCountMax: Int { 512 }

  /// Runs a query, anew where symbols were renamed meanwhile, which is rare.
  static func query<Result>(
    _ lender: Lender, shouldStop: @escaping () -> Bool,
    _ body: (IndexReader) throws(IndexReadError) -> Result
  ) throws(QueryStopped) -> Result {
    while true {
      let reader = IndexReader(
        lender: lender, shouldStop: shouldStop, symbols: lender.withIndex { $0.symbols.reader })
      do throws(IndexReadError) {
        return try body(reader)
      } catch {
        if error == .stopped { throw QueryStopped() }
      }
    }
  }

  /// Calls `body` under the lock.
  func visit<Result>(_ body: (borrowing HeadIndex) -> Result) throws(IndexReadError) -> Result {
    try checkStop()
    let arena = symbols.arena
    let result: Result? = lender.withIndex { index in index.symbols.reader.arena === arena ? body(index) : nil }
    guard let result else { throw .renamed }
    return result
  }

  func checkStop() throws(IndexReadError) {
    if shouldStop() { throw .stopped }
  }

  /// Appends the lists of values of a name to a copy; those without series are left out. Returns the values that were found.
  @discardableResult
  func copy(
    _ name: SymbolID, _ values: some RandomAccessCollection<SymbolID>, into copy: inout PostingsCopy
  ) throws(IndexReadError) -> [SymbolID] {
    var rest = values[...]
    var found: [SymbolID] = []
    while !rest.isEmpty {
      let bytesMax = copy.byteCount + IndexReader.copyBytesMax
      rest = try visit { index in
        var rest = rest
        var count = 0
        while let value = rest.first, count < IndexReader.listCountMax, copy.byteCount < bytesMax {
          if index.postings.copy(name, value, into: &copy) { found.append(value) }
          rest = rest.dropFirst()
          count += 1
        }
        return rest
      }
    }
    return found
  }

  /// The list of the series that have a name; none if there are none.
  func copy(having name: SymbolID, into copy: inout PostingsCopy) throws(IndexReadError) {
    _ = try visit { $0.postings.copy(having: name, into: &copy) }
  }

  /// The number of series of each value of a name that has any.
  func forEachCount(
    _ name: SymbolID, _ values: [SymbolID], _ body: (SymbolID, Int) -> Void
  ) throws(IndexReadError) {
    var rest = values[...]
    while !rest.isEmpty {
      let batch = rest.prefix(IndexReader.listCountMax)
      rest = rest.dropFirst(batch.count)
      let counts = try visit { index in batch.map { index.postings.count(name, $0) } }
      for (value, count) in zip(batch, counts) where count > 0 { body(value, count) }
    }
  }
}

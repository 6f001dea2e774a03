import Model

// Symbols and postings of one head, together since their ids belong together. One owner, under one lock.
//
// How readers and writers share it: a writer takes the lock for a new series only, for about 30 ns a label. A reader never
// works under the lock; it goes in to resolve names, take value snapshots and copy coded lists out, at most
// `IndexReader.copyBytesMax` bytes or `listCountMax` lists at a time, and matches regular expressions, decodes and combines
// outside: value snapshots and symbol bytes never change once they are there. Between two visits series may come and go. A
// selection is therefore exact for all series that lived through it; one that was added meanwhile may be missing, one that
// was removed meanwhile may be in it, and its id finds nothing.
package struct HeadIndex: ~Copyable, Sendable {
  package var symbols: SymbolTable
  package var postings: HeadPostings

  /// `key` is random for each process.
  package init(key: (UInt64, UInt64)) {
    symbols = SymbolTable(hash: KeyedHash(key: key))
    postings = HeadPostings(seed: KeyedHash.mix(key.0 ^ key.1))
  }

  package var byteCount: Int { symbols.byteCount + postings.byteCount }

  /// The symbols of a label set, new where they have to be; false if the table is full. `pairs` is overwritten.
  package mutating func intern(_ labels: Labels, into pairs: inout [LabelPair]) -> Bool {
    pairs.removeAll(keepingCapacity: true)
    return labels.packed.withUnsafeBytes { bytes in
      var reader = LabelReader(bytes)
      while let label = reader.next() {
        guard let name = symbols.intern(label.name), let value = symbols.intern(label.value) else { return false }
        pairs.append(LabelPair(name: name, value: value))
      }
      return true
    }
  }

  /// Adds a series; its id is above all before it.
  package mutating func add(_ series: UInt32, _ pairs: [LabelPair]) {
    pairs.withUnsafeBufferPointer { postings.add(series, $0) }
  }

  /// The labels that pairs stand for.
  package func labels(_ pairs: some Sequence<LabelPair>) -> Labels {
    var builder = LabelsBuilder()
    for pair in pairs { builder.append(symbols.bytes(of: pair.name), symbols.bytes(of: pair.value)) }
    return builder.labels()
  }

  /// An upper bound of the symbols in use.
  package var liveSymbolCount: Int { 1 + postings.nameCount + postings.pairCount }

  /// True if so many symbols are dead that a sweep is worth its while.
  var hasManyDeadSymbols: Bool { symbols.count > 2 * liveSymbolCount + HeadIndex.deadSymbolsMin }

  private static let deadSymbolsMin = 4096
}

/// The owner of an index and of its lock.
package protocol HeadIndexLender {
  /// Calls `body` once, under the lock.
  func withIndex<Result>(_ body: (borrowing HeadIndex) -> Result) -> Result
}

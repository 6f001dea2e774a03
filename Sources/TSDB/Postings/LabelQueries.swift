import Model

/// Label names or values in the order of their bytes, still as symbols: nothing is copied until it is written out.
package struct SortedSymbols: Sendable {
  package let ids: [SymbolID]
  package let reader: SymbolReader
  /// True if there were more than the limit.
  package let isTruncated: Bool

  /// Sorts by bytes; doubles go. `limit` 0 means none.
  init(_ ids: [SymbolID], _ reader: SymbolReader, limit: Int) {
    // Most comparisons end in the first eight bytes, which are at hand.
    var keyed = ids.map { id in (head: reader.withBytes(of: id) { SortedSymbols.head($0) }, id: id) }
    keyed.sort { one, two in
      if one.head != two.head { return one.head < two.head }
      return reader.withBytes(of: one.id) { a in reader.withBytes(of: two.id) { compareBytes(a, $0) < 0 } }
    }
    var sorted: [SymbolID] = []
    sorted.reserveCapacity(limit > 0 ? min(limit, keyed.count) : keyed.count)
    var isTruncated = false
    for entry in keyed where entry.id != sorted.last {
      if limit > 0 && sorted.count == limit {
        isTruncated = true
        break
      }
      sorted.append(entry.id)
    }
    self.ids = sorted
    self.reader = reader
    self.isTruncated = isTruncated
  }

  package var count: Int { ids.count }
  package var texts: [String] { ids.map { reader.text(of: $0) } }

  package func forEach(_ body: (UnsafeRawBufferPointer) -> Void) {
    for id in ids { reader.withBytes(of: id) { body($0) } }
  }

  /// The first eight bytes as a number of the same order.
  private static func head(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    if bytes.count >= 8 { return UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self)) }
    var head: UInt64 = 0
    for byte in bytes { head = head << 8 | UInt64(byte) }
    return bytes.isEmpty ? 0 : head << UInt64(8 * (8 - bytes.count))
  }
}

extension HeadIndexLender {
  /// The label names in use, or those that one of `series` (sorted ids) has. `limit` 0 means none.
  package func labelNames(
    in series: [UInt32]? = nil, limit: Int = 0, shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> SortedSymbols {
    try IndexReader.query(self, shouldStop: shouldStop) { reader throws(IndexReadError) in
      let names = try reader.visit { $0.postings.nameSymbols }
      guard let series else { return SortedSymbols(names, reader.symbols, limit: limit) }
      let set = SeriesSet(sorted: series)
      var copy = PostingsCopy()
      var found: [SymbolID] = []
      for name in names {
        copy.removeAll()
        try reader.copy(having: name, into: &copy)
        if copy.listCount > 0, set.intersects(copy.runs(0)) { found.append(name) }
      }
      return SortedSymbols(found, reader.symbols, limit: limit)
    }
  }

  /// The values of a label in use, or those that one of `series` (sorted ids) has. `limit` 0 means none. With `series` it
  /// reads every list of the label: where they are fewer than the values, their own labels are the shorter way.
  package func labelValues(
    of name: String, in series: [UInt32]? = nil, limit: Int = 0, shouldStop: @escaping () -> Bool = { false }
  ) throws(QueryStopped) -> SortedSymbols {
    try IndexReader.query(self, shouldStop: shouldStop) { reader throws(IndexReadError) in
      let (symbol, snapshot, valueCount) = try reader.visit { index in
        let symbol = index.symbols.find(name) ?? 0
        return (symbol, index.postings.values(of: symbol), index.postings.valueCount(of: symbol))
      }
      var found: [SymbolID] = []
      guard let snapshot, series?.isEmpty != true else { return SortedSymbols(found, reader.symbols, limit: limit) }
      let values = snapshot.withIDs { Array($0) }
      if let series {
        let set = SeriesSet(sorted: series)
        var copy = PostingsCopy()
        var rest = values[...]
        while !rest.isEmpty {
          let batch = rest.prefix(valuesPerCopy)
          rest = rest.dropFirst(batch.count)
          copy.removeAll()
          let copied = try reader.copy(symbol, batch, into: &copy)
          for (list, value) in copied.enumerated() where set.intersects(copy.runs(list)) { found.append(value) }
        }
      } else if valueCount == values.count {
        found = values
      } else {
        // A sweep is under way: some of the listed values have no series any more.
        try reader.forEachCount(symbol, values) { value, _ in found.append(value) }
      }
      return SortedSymbols(found, reader.symbols, limit: limit)
    }
  }

  /// Values whose lists are copied and tested together, which bounds the memory of the copy.
  private var valuesPerCopy: Int { 4096 }
}

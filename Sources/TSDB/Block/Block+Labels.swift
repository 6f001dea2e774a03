import Format
import Model

// Label names and values of a block, in the order of their bytes.
extension Block {
  /// Calls `body` with each label name, in order.
  package func forEachName(_ body: (UnsafeRawBufferPointer) -> Void) {
    for place in 0..<index.table.nameCount {
      let name = index.table.name(place)
      if !name.isEmpty { body(name) }
    }
  }

  /// Calls `body` with each value of a label, in order, until it says false.
  package func forEachValue(of name: String, _ body: (UnsafeRawBufferPointer) -> Bool) {
    var name = name
    guard !name.isEmpty, let place = name.withUTF8({ index.table.place(of: UnsafeRawBufferPointer($0)) }) else {
      return
    }
    index.table.forEachValue(place) { value, _ in body(value) }
  }

  /// The label names of some series, as `select` gives them. Series that cannot be read are left out and counted.
  package func labelNames(of series: [UInt32], shouldStop: () -> Bool = { false }) throws(QueryStopped) -> [String] {
    try symbols(of: series, shouldStop) { found, labels in
      for place in stride(from: 0, to: labels.count - 1, by: 2) { found.insert(labels[place]) }
    }
  }

  /// The values that some series have of a label.
  package func labelValues(
    of name: String, in series: [UInt32], shouldStop: () -> Bool = { false }
  ) throws(QueryStopped) -> [String] {
    var text = name
    guard let number = text.withUTF8({ index.symbols.number(of: UnsafeRawBufferPointer($0)) }) else { return [] }
    return try symbols(of: series, shouldStop) { found, labels in
      for place in stride(from: 0, to: labels.count - 1, by: 2) where labels[place] == number {
        found.insert(labels[place + 1])
      }
    }
  }

  private static var seriesBetweenStops: Int { 1024 }

  private func symbols(
    of series: [UInt32], _ shouldStop: () -> Bool, _ collect: (inout Set<UInt32>, [UInt32]) -> Void
  ) throws(QueryStopped) -> [String] {
    var found: Set<UInt32> = []
    var decoded = DecodedSeries()
    for (visited, reference) in series.enumerated() {
      if visited % Block.seriesBetweenStops == 0 && shouldStop() { throw QueryStopped() }
      do throws(IndexDamage) {
        try index.decode(reference, withChunks: false, into: &decoded)
        collect(&found, decoded.labels)
      } catch {
        noteDamage(.series, "\(error)")
      }
    }
    // Numbers of symbols have the order of their bytes.
    return found.sorted().compactMap { number in index.symbols[number].map { String(decoding: $0, as: UTF8.self) } }
  }
}

import Format

// The index of a block. Each four bytes of the input change one byte of a real index; then every checksum is made right
// again, since no change would get past them.
extension FuzzTarget {
  static let index = FuzzTarget(name: "index", seeds: { [[], [0, 0, 9, 1], [0, 2, 5, 7, 0, 1, 40, 255]] }) { edits in
    guard var bytes = FileSeeds.indexes.first else { return }
    let real = IndexSums(bytes)
    FuzzEdits.apply(edits, to: &bytes)
    real.mend(&bytes)
    bytes.withUnsafeBytes { walk($0) }
  }

  /// Opens an index and walks through everything that it says.
  private static func walk(_ bytes: UnsafeRawBufferPointer) {
    guard let index = try? IndexFile(bytes, owner: IndexOwner()) else { return }
    var cursor = index.symbols.cursor
    while let symbol = cursor.next() { _ = index.symbols.number(of: symbol) }
    for place in 0..<index.table.nameCount {
      let name = index.table.name(place)
      precondition(index.table.place(of: name) != nil, "a name is not found again")
    }
    var series = DecodedSeries()
    var labels = IndexLabels(index)
    guard let postings = try? index.everySeries() else { return }
    for place in 0..<postings.count where index.read(postings[place], into: &series) {
      _ = labels.labels(of: series)
      _ = series.timeRange
    }
  }
}

private final class IndexOwner: Sendable {}

/// Where the checksums of an index lie, and what each is of.
struct IndexSums {
  private var parts: [Range<Int>] = []

  init(_ index: [UInt8]) {
    index.withUnsafeBytes { bytes in
      guard let contents = try? IndexContents(bytes) else { return }
      parts.append(contents.end..<(bytes.count - 4))
      for start in [contents.symbols, contents.postingsTable] { parts.append(IndexSums.framed(start, bytes)) }
      var start = contents.postings
      while start < contents.postingsTable {
        parts.append(IndexSums.framed(start, bytes))
        start = (parts[parts.count - 1].upperBound + 4 + 3) & ~3
      }
      var series = (contents.series + 15) & ~15
      while series < contents.seriesEnd {
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[series...]))
        guard let length = reader.uvarint(), length > 0 else { break }
        parts.append((series + reader.offset)..<(series + reader.offset + Int(length)))
        series = (parts[parts.count - 1].upperBound + 4 + 15) & ~15
      }
    }
  }

  private static func framed(_ start: Int, _ bytes: UnsafeRawBufferPointer) -> Range<Int> {
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[start...]))
    return (start + 4)..<(start + 4 + Int(reader.bigEndian(UInt32.self) ?? 0))
  }

  /// Writes each part's checksum behind it.
  func mend(_ index: inout [UInt8]) {
    index.withUnsafeMutableBytes { bytes in
      for part in parts where part.upperBound + 4 <= bytes.count {
        let sum = checksum(UnsafeRawBufferPointer(rebasing: bytes[part])).bigEndian
        bytes.storeBytes(of: sum, toByteOffset: part.upperBound, as: UInt32.self)
      }
    }
  }
}

import Model

/// The file `index` of a block, read in place (layout: `IndexLayout`). Immutable; any thread. What it lends is valid as long
/// as it lives.
///
/// Opening reads symbols and the table of postings once; everything else is looked at when it is asked for, every read
/// checked against its section and every checksum against its bytes.
/// Memory: an eighth of a byte for each symbol and each label value, sixteen bytes for each label name.
package final class IndexFile: @unchecked Sendable {
  package let bytes: UnsafeRawBufferPointer
  /// Whoever keeps the bytes.
  private let owner: AnyObject & Sendable
  package let contents: IndexContents
  package let symbols: IndexSymbols
  package let table: PostingsTable

  package init(_ bytes: UnsafeRawBufferPointer, owner: AnyObject & Sendable) throws(IndexDamage) {
    self.bytes = bytes
    self.owner = owner
    contents = try IndexContents(bytes)
    symbols = try IndexSymbols(bytes, at: contents.symbols, before: contents.series)
    table = try PostingsTable(bytes, at: contents.postingsTable, before: contents.end)
  }

  /// Bytes held in memory.
  package var byteCount: Int { symbols.byteCount + table.byteCount }

  /// The list at an offset that the table of postings gave.
  package func postings(at offset: Int) throws(IndexDamage) -> IndexPostings {
    guard offset >= contents.postings else {
      throw IndexDamage("a list of series lies outside of its section", at: offset)
    }
    return try IndexPostings(bytes, at: offset, before: contents.postingsTable)
  }

  /// All series, in the order of their labels.
  package func everySeries() throws(IndexDamage) -> IndexPostings {
    let nothing = UnsafeRawBufferPointer(start: nil, count: 0)
    guard let place = table.place(of: nothing), let offset = table.postings(place, nothing) else {
      if table.nameCount == 0 { return .none }
      throw IndexDamage("the list of all series is missing", at: contents.postingsTable)
    }
    return try postings(at: offset)
  }

  /// The series with a label.
  package func postings(
    _ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer
  ) throws(IndexDamage) -> IndexPostings {
    guard let place = table.place(of: name), let offset = table.postings(place, value) else { return .none }
    return try postings(at: offset)
  }

  /// Reads a series' labels and, if wanted, its chunks. Returns where it ends in the file.
  @discardableResult
  package func decode(
    _ reference: UInt32, withChunks: Bool = true, into series: inout DecodedSeries
  ) throws(IndexDamage) -> Int {
    let start = Int(reference) * IndexLayout.seriesAlignment
    guard start >= contents.series, start < contents.seriesEnd else {
      throw IndexDamage("a series lies outside of its section", at: start)
    }
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[start..<contents.seriesEnd]))
    guard let length = reader.uvarint(), length <= UInt64(reader.remaining), let body = reader.take(Int(length)),
      let stored = reader.bigEndian(UInt32.self)
    else { throw IndexDamage("a series is cut", at: start) }
    guard checksum(body) == stored else { throw IndexDamage("the checksum of a series is wrong", at: start) }
    guard series.take(body, withChunks: withChunks, symbolCount: symbols.count) else {
      throw IndexDamage("a series makes no sense", at: start)
    }
    return start + reader.offset
  }

  /// Reads a series; false where none lies there whole.
  package func read(_ reference: UInt32, into series: inout DecodedSeries) -> Bool {
    do throws(IndexDamage) {
      try decode(reference, into: &series)
      return true
    } catch {
      return false
    }
  }

  package var symbolCount: Int { symbols.count }

  package func symbol(_ number: Int) -> UnsafeRawBufferPointer? { symbols[UInt32(clamping: number)] }
}

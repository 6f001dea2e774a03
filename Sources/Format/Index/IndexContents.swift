/// The table of contents at the end of an index (layout: `IndexLayout`).
/// Invariant: the sections lie in the file, in this order, before the table itself.
package struct IndexContents: Equatable, Sendable {
  package let symbols: Int
  package let series: Int
  /// Behind the last series; label indices follow where there are any.
  package let seriesEnd: Int
  package let postings: Int
  package let postingsTable: Int
  /// Offset at which this table begins.
  package let end: Int

  package init(_ file: UnsafeRawBufferPointer) throws(IndexDamage) {
    var header = ByteReader(file)
    guard header.bigEndian(UInt32.self) == IndexLayout.magic else { throw IndexDamage("this is no index", at: 0) }
    guard let version = header.byte(), version == IndexLayout.version else {
      throw IndexDamage("the index has a version that is not known", at: 4)
    }
    guard file.count >= IndexLayout.headerBytes + IndexLayout.contentsBytes else {
      throw IndexDamage("the index is cut", at: file.count)
    }
    end = file.count - IndexLayout.contentsBytes
    let table = UnsafeRawBufferPointer(rebasing: file[end..<(file.count - 4)])
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: file[end...]))
    var offsets: [Int] = []
    for _ in 0..<6 { offsets.append(Int(clamping: reader.bigEndian(UInt64.self) ?? 0)) }
    guard reader.bigEndian(UInt32.self) == checksum(table) else {
      throw IndexDamage("the table of contents is damaged", at: end)
    }
    symbols = offsets[0]
    series = offsets[1]
    postings = offsets[4]
    postingsTable = offsets[5]
    seriesEnd = offsets[2] > offsets[1] ? min(offsets[2], offsets[4]) : offsets[4]
    // Within the file first, so that no sum below overflows.
    guard offsets.allSatisfy({ $0 <= end }), symbols >= IndexLayout.headerBytes, series >= symbols + 12,
      seriesEnd >= series, postings >= seriesEnd,
      postingsTable >= postings, end >= postingsTable + 12
    else { throw IndexDamage("the sections of the index do not lie one behind the other", at: end) }
  }

  /// The bytes between length and checksum of a part of the file, whose checksum is right.
  static func part(
    _ name: StaticString, of file: UnsafeRawBufferPointer, at offset: Int, before end: Int
  ) throws(IndexDamage) -> UnsafeRawBufferPointer {
    guard offset >= 0, offset <= end, end <= file.count else { throw IndexDamage("no \(name) can be", at: offset) }
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: file[offset..<end]))
    guard let length = reader.bigEndian(UInt32.self), let body = reader.take(Int(length)),
      let stored = reader.bigEndian(UInt32.self)
    else { throw IndexDamage("the \(name) is cut", at: offset) }
    guard checksum(body) == stored else { throw IndexDamage("the checksum of the \(name) is wrong", at: offset) }
    return body
  }
}

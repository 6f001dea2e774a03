import CShims

/// Cuts records into fragments: the writing half of the page format. A value that knows nothing but how full the
/// present page is; it continues a page that was written in part.
///
/// Invariant: `pageOffset` is below the page size, and at least a header's room is left behind it.
package struct RecordFramer: Sendable {
  /// Offset of the next fragment in the present page.
  package private(set) var pageOffset: Int

  /// Continues a segment that has `segmentOffset` bytes.
  package init(segmentOffset: Int = 0) {
    pageOffset = segmentOffset % WALPage.pageBytes
    precondition(WALPage.pageBytes - pageOffset >= WALPage.headerBytes, "the page was not filled to its border")
  }

  /// Appends the fragments of one record (and the filling of a page that it leaves too full for another) to `output`.
  package mutating func append(
    _ record: UnsafeRawBufferPointer, compression: WALCompression, to output: inout ByteBuffer
  ) {
    let pagesMax = record.count / WALPage.fragmentDataBytesMax + 2
    output.reserve(record.count + pagesMax * WALPage.headerBytes + WALPage.headerBytes)
    var rest = record
    var isFirst = true
    repeat {
      let room = WALPage.pageBytes - pageOffset - WALPage.headerBytes
      let part = UnsafeRawBufferPointer(rebasing: rest[..<min(room, rest.count)])
      rest = UnsafeRawBufferPointer(rebasing: rest[part.count...])
      let kind: WALPage.FragmentKind =
        switch (isFirst, rest.isEmpty) {
        case (true, true): .full
        case (false, true): .last
        case (true, false): .first
        case (false, false): .middle
        }
      RecordFramer.appendHeader(kind, compression, part, to: &output)
      output.append(part)
      pageOffset += WALPage.headerBytes + part.count
      isFirst = false
      if WALPage.pageBytes - pageOffset < WALPage.headerBytes { fillPage(in: &output) }
    } while !rest.isEmpty
  }

  /// Fills the present page with zeros, as the end of a segment requires. Nothing to do at a border.
  package mutating func fillPage(in output: inout ByteBuffer) {
    if pageOffset == 0 { return }
    let missing = WALPage.pageBytes - pageOffset
    output.write(room: missing) { room in
      room.initializeMemory(as: UInt8.self, repeating: 0)
      return missing
    }
    pageOffset = 0
  }

  static func appendHeader(
    _ kind: WALPage.FragmentKind, _ compression: WALCompression, _ part: UnsafeRawBufferPointer,
    to output: inout ByteBuffer
  ) {
    output.append(kind.rawValue | compression.rawValue)
    output.appendBigEndian(UInt16(part.count))
    output.appendBigEndian(apus_crc32c(0, part.baseAddress, part.count))
  }
}

import Format
import Platform

/// Reads the records of a segment from its file, in large sequential reads. One owner, reused from segment to segment.
struct SegmentReader: ~Copyable {
  enum Event {
    /// A record's bytes, valid until the next call, and their compression.
    case record(UnsafeRawBufferPointer, WALCompression)
    case damage(SegmentDamage)
    case end
  }

  /// The bytes of one read: 32 pages.
  static let windowBytes = 32 * WALPage.pageBytes

  private(set) var scanner = PageScanner()
  /// Bytes of the segment, as far as they are read.
  private(set) var fileBytes = 0
  private var file: (any DiskFile)?
  private var window = ByteBuffer(capacity: SegmentReader.windowBytes)
  private var windowStart = 0
  /// The offset of the page to hand to the scanner next.
  private var nextPage = 0
  /// Offset in that page at which reading starts: not zero only for the first one.
  private var nextPageStart = 0

  /// Starts on another segment, at a record's first byte. What lies behind `limit` is not looked at: it is being written.
  mutating func begin(_ file: any DiskFile, from offset: Int, until limit: Int = .max) throws(DiskError) {
    fileBytes = min(try file.size(), limit)
    self.file = file
    window.removeAll()
    windowStart = 0
    nextPageStart = offset % WALPage.pageBytes
    nextPage = offset - nextPageStart
    scanner.beginSegment(at: offset)
  }

  mutating func next() -> Event {
    while file != nil {
      switch scanner.next() {
      case .record(let bytes, let compression): return .record(bytes, compression)
      case .damage(let damage): return .damage(damage)
      case .endOfPage: if let damage = turnPage() { return .damage(damage) }
      }
    }
    return .end
  }

  /// The record given last does not decode.
  mutating func rejectRecord() -> SegmentDamage { scanner.rejectRecord() }

  /// Gives the scanner its next page, or ends the segment.
  private mutating func turnPage() -> SegmentDamage? {
    let page = nextPage
    if page + nextPageStart >= fileBytes { return end() }
    if page >= windowStart + window.count || page < windowStart {
      if !fillWindow(at: page) {
        nextPage += WALPage.pageBytes
        nextPageStart = 0
        return scanner.skipUnreadablePage(at: page, bytes: min(WALPage.pageBytes, fileBytes - page))
      }
      // The file became shorter under us.
      if page + nextPageStart >= fileBytes { return end() }
    }
    let start = page - windowStart
    let bytes = window.bytes[start..<min(start + WALPage.pageBytes, window.count)]
    scanner.begin(page: UnsafeRawBufferPointer(rebasing: bytes), at: page, from: nextPageStart)
    nextPage += WALPage.pageBytes
    nextPageStart = 0
    return nil
  }

  private mutating func end() -> SegmentDamage? {
    file = nil
    return scanner.endSegment()
  }

  /// Reads from `offset`; where a large read fails, one page alone, so that a bad sector costs one page.
  private mutating func fillWindow(at offset: Int) -> Bool {
    for size in [SegmentReader.windowBytes, WALPage.pageBytes] {
      if let count = read(min(size, fileBytes - offset), at: offset) {
        windowStart = offset
        if count < min(size, fileBytes - offset) { fileBytes = offset + count }
        return true
      }
    }
    return false
  }

  private mutating func read(_ count: Int, at offset: Int) -> Int? {
    guard let file else { return nil }
    window.removeAll()
    var result: Int?
    window.write(room: count) { room in
      do throws(DiskError) {
        result = try file.read(into: room, at: offset)
      } catch {
        // The page is reported as damage by the caller.
        result = nil
      }
      return result ?? 0
    }
    return result
  }
}

import CShims

/// Puts records together from pages: the reading half of the page format. Pages of a segment are handed in one after
/// the other; damage is reported and stepped over, up to the next fragment with the right checksum.
///
/// One owner. The bytes of a record are valid until the next call; a record in one fragment lies in the page itself.
package struct PageScanner: ~Copyable, Sendable {
  package enum Event {
    case record(UnsafeRawBufferPointer, WALCompression)
    case damage(SegmentDamage)
    case endOfPage
  }

  /// The edits that mend the damage found in this segment so far.
  package private(set) var edits: [SegmentEdit] = []
  /// The offset behind the last whole record, in bytes from the start of the segment.
  package private(set) var intactEnd = 0
  /// Offset of the record that was given last.
  package var recordStart: Int { fragments.isEmpty ? intactEnd : fragments[0].offset }

  private var page = UnsafePage()
  private var fragments: [(offset: Int, dataBytes: Int)] = []
  private var assembled = ByteBuffer(capacity: 2 * WALPage.pageBytes)
  private var isAssembling = false
  /// Fragments up to the end of a lost record belong to damage that was reported already.
  private var isSkipping = false

  package init() {}

  /// Forgets the last segment; the next one is read from `offset`, where a record begins.
  package mutating func beginSegment(at offset: Int = 0) {
    edits.removeAll(keepingCapacity: true)
    dropAssembly()
    intactEnd = offset
    isSkipping = false
    page = UnsafePage()
  }

  /// Takes the next page: all of it, or what the segment has of its last one. Reading starts `start` bytes into it.
  /// `bytes` must stay valid until the page's end was reported.
  package mutating func begin(page bytes: UnsafeRawBufferPointer, at offset: Int, from start: Int = 0) {
    precondition(offset % WALPage.pageBytes == 0 && bytes.count <= WALPage.pageBytes && start <= bytes.count)
    page = UnsafePage(bytes: bytes, offset: offset, at: start)
  }

  /// A page that could not be read stands where the next one should be.
  package mutating func skipUnreadablePage(at offset: Int, bytes: Int) -> SegmentDamage {
    page = UnsafePage(bytes: UnsafeRawBufferPointer(start: nil, count: 0), offset: offset, at: 0)
    let start = isAssembling ? recordStart : offset
    loseAssembly()
    edits.append(.blank(offset: offset, bytes: bytes))
    isSkipping = true
    return SegmentDamage(offset: start, reason: .unreadable)
  }

  package mutating func next() -> Event {
    if !isAssembling { dropAssembly() }
    while true {
      if page.remaining < WALPage.headerBytes || page.kindBits == 0 { return endPage() }
      guard let fragment = page.fragment() else { return lose(page.fault()) }
      let data = fragment.data
      guard apus_crc32c(0, data.baseAddress, data.count) == fragment.checksum else { return lose(.checksum) }
      switch (fragment.kind, isAssembling) {
      case (.full, false), (.first, false):
        isSkipping = false
      case (.full, true), (.first, true):
        let start = recordStart
        loseAssembly()
        return .damage(SegmentDamage(offset: start, reason: .unfinished))
      case (.middle, true), (.last, true):
        break
      default:
        if let damage = skipOrphan(fragment) { return .damage(damage) }
        continue
      }
      fragments.append((page.offset + page.at, data.count))
      page.at += WALPage.headerBytes + data.count
      if fragment.kind == .full { return finish(data, fragment.compression) }
      if fragment.kind == .first { assembled.removeAll() }
      assembled.append(data)
      isAssembling = fragment.kind != .last
      if !isAssembling { return finish(assembled.bytes, fragment.compression) }
    }
  }

  /// The segment ends here. Damage, when a record was left unfinished.
  package mutating func endSegment() -> SegmentDamage? {
    defer { dropAssembly() }
    if !isAssembling { return nil }
    let start = recordStart
    loseAssembly()
    return SegmentDamage(offset: start, reason: .cut)
  }

  /// The record given last is whole, but its content is not valid: it counts as damage.
  package mutating func rejectRecord() -> SegmentDamage {
    let start = recordStart
    loseAssembly()
    return SegmentDamage(offset: start, reason: .undecodable)
  }

  private mutating func finish(_ record: UnsafeRawBufferPointer, _ compression: WALCompression) -> Event {
    intactEnd = page.offset + page.at
    return .record(record, compression)
  }

  /// Nothing more in this page, which is right only if the rest is zeros.
  private mutating func endPage() -> Event {
    if !page.isRestZero { return lose(page.isWhole ? .padding : .cut) }
    // A record never pauses for padding, except that a full page ends with less than a header's room.
    if isAssembling, page.remaining >= WALPage.headerBytes { return lose(.unfinished) }
    page.at = page.bytes.count
    return .endOfPage
  }

  /// Gives up the present place, which cannot be trusted, and with it the record that goes through it. Reading goes on at
  /// the next
  /// fragment of this page whose checksum is right, or in the next page.
  private mutating func lose(_ reason: SegmentDamage.Reason) -> Event {
    let here = page.offset + page.at
    let start = isAssembling ? recordStart : here
    loseAssembly()
    if let next = page.nextIntactFragment() {
      edits.append(.neutralize(offset: here, dataBytes: next - page.at - WALPage.headerBytes))
      page.at = next
    } else {
      if page.remaining > 0 { edits.append(.blank(offset: here, bytes: page.remaining)) }
      page.at = page.bytes.count
    }
    isSkipping = true
    return .damage(SegmentDamage(offset: start, reason: reason))
  }

  /// A fragment whose beginning is missing: new damage, unless its record is known to be lost.
  private mutating func skipOrphan(_ fragment: Fragment) -> SegmentDamage? {
    let here = page.offset + page.at
    edits.append(.neutralize(offset: here, dataBytes: fragment.data.count))
    page.at += WALPage.headerBytes + fragment.data.count
    let isKnown = isSkipping
    isSkipping = fragment.kind == .middle
    return isKnown ? nil : SegmentDamage(offset: here, reason: .orphan)
  }

  private mutating func loseAssembly() {
    for fragment in fragments {
      edits.append(.neutralize(offset: fragment.offset, dataBytes: fragment.dataBytes))
    }
    dropAssembly()
  }

  private mutating func dropAssembly() {
    fragments.removeAll(keepingCapacity: true)
    isAssembling = false
  }
}

private struct Fragment {
  var kind: WALPage.FragmentKind
  var compression: WALCompression
  var checksum: UInt32
  var data: UnsafeRawBufferPointer
}

/// The present page, lent by the caller, and how far it was read.
private struct UnsafePage: @unchecked Sendable {
  var bytes = UnsafeRawBufferPointer(start: nil, count: 0)
  var offset = 0
  var at = 0

  var remaining: Int { bytes.count - at }
  var isWhole: Bool { bytes.count == WALPage.pageBytes }
  var kindBits: UInt8 { bytes[at] & WALPage.kindMask }

  var isRestZero: Bool {
    var i = at
    while i < bytes.count, bytes[i] == 0 { i += 1 }
    return i == bytes.count
  }

  /// The fragment at the present place; nil where its header is wrong or its data goes past the page.
  func fragment() -> Fragment? {
    let flags = bytes[at]
    guard flags & WALPage.reservedMask == 0, let kind = WALPage.FragmentKind(rawValue: flags & WALPage.kindMask),
      let compression = WALCompression(rawValue: flags & WALPage.compressionMask)
    else { return nil }
    let length = Int(UInt16(bigEndian: bytes.loadUnaligned(fromByteOffset: at + 1, as: UInt16.self)))
    guard length <= remaining - WALPage.headerBytes else { return nil }
    let start = at + WALPage.headerBytes
    return Fragment(
      kind: kind, compression: compression,
      checksum: UInt32(bigEndian: bytes.loadUnaligned(fromByteOffset: at + 3, as: UInt32.self)),
      data: UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)]))
  }

  /// Offset of the next fragment behind the present place that has data and the right checksum for it. Only called
  /// after damage: it may look at every byte.
  func nextIntactFragment() -> Int? {
    var probe = self
    probe.at = at + WALPage.headerBytes
    while probe.remaining > WALPage.headerBytes {
      if probe.kindBits != 0, let found = probe.fragment(), found.data.count >= UnsafePage.probedDataBytesMin,
        apus_crc32c(0, found.data.baseAddress, found.data.count) == found.checksum
      {
        return probe.at
      }
      probe.at += 1
    }
    return nil
  }

  /// Zeros among numbers look like a fragment without data: too short to be believed.
  private static let probedDataBytesMin = 8

  /// Why there is no fragment at the present place.
  func fault() -> SegmentDamage.Reason {
    let flags = bytes[at]
    let isKnown =
      flags & WALPage.reservedMask == 0 && WALPage.FragmentKind(rawValue: flags & WALPage.kindMask) != nil
      && WALCompression(rawValue: flags & WALPage.compressionMask) != nil
    if !isKnown { return .flags }
    return isWhole ? .length : .cut
  }
}

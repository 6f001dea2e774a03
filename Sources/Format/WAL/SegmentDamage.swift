import CShims

/// One place of a segment that does not read as the format says.
package struct SegmentDamage: Error, Equatable, Sendable, CustomStringConvertible {
  package enum Reason: String, Sendable, CaseIterable {
    case checksum = "checksum mismatch"
    case flags = "unknown fragment flags"
    case length = "fragment longer than its page"
    case padding = "padding that is not zero"
    case orphan = "fragment without its beginning"
    case unfinished = "record without its end"
    case cut = "cut in the middle of a record"
    case undecodable = "record that does not decode"
    case unreadable = "page that cannot be read"
  }

  /// Offset of the damage from the start of the segment.
  package var offset: Int
  package var reason: Reason

  package init(offset: Int, reason: Reason) {
    self.offset = offset
    self.reason = reason
  }

  package var description: String { "\(reason.rawValue) at offset \(offset)" }
}

/// A change of a segment after which its damage is gone and every intact record stays where it is, readable for
/// Prometheus too. An edit stays within one page.
package enum SegmentEdit: Equatable, Sendable {
  /// The rest of a page, from `offset`, becomes padding.
  case blank(offset: Int, bytes: Int)
  /// A fragment of a lost record becomes a record of its own, whose zeros are a record type nobody knows: every
  /// reader steps over it.
  case neutralize(offset: Int, dataBytes: Int)

  package var offset: Int {
    switch self {
    case .blank(let offset, _), .neutralize(let offset, _): offset
    }
  }

  /// Changes `page`, which starts `pageOffset` bytes into the segment and holds the edit wholly.
  package func apply(to page: UnsafeMutableRawBufferPointer, pageOffset: Int) {
    let start = offset - pageOffset
    switch self {
    case .blank(_, let bytes):
      zero(page, start, bytes)
    case .neutralize(_, let dataBytes):
      zero(page, start, WALPage.headerBytes + dataBytes)
      let data = UnsafeRawBufferPointer(rebasing: page[(start + WALPage.headerBytes)...].prefix(dataBytes))
      page[start] = WALPage.FragmentKind.full.rawValue
      page.storeBytes(of: UInt16(dataBytes).bigEndian, toByteOffset: start + 1, as: UInt16.self)
      let checksum = apus_crc32c(0, data.baseAddress, data.count)
      page.storeBytes(of: checksum.bigEndian, toByteOffset: start + 3, as: UInt32.self)
    }
  }

  private func zero(_ page: UnsafeMutableRawBufferPointer, _ start: Int, _ count: Int) {
    precondition(start >= 0 && count >= 0 && start + count <= page.count, "an edit crosses its page")
    UnsafeMutableRawBufferPointer(rebasing: page[start..<(start + count)])
      .initializeMemory(as: UInt8.self, repeating: 0)
  }
}

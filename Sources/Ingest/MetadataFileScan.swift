import Format

/// The whole records of a file of metadata (layout: `MetadataFile`), also those between and behind damaged places. Pure;
/// bounded work.
struct MetadataFileScan {
  /// Bytes that may be put through a checksum while records are searched behind damage.
  static let searchBytesMax = 256 << 20
  private static let headerBytes = 12
  private static let frameBytes = 8
  /// The time and the longest message that is kept.
  private static let payloadBytesMax = 10 + MetadataStore.textBytesMax

  /// When something can have been seen: differences of such times are numbers. The upper end is some 292,000 years away.
  private static let times: ClosedRange<Int64> = 0...(.max / 1000)

  private(set) var entries: [MetadataStore.Entry] = []
  /// Bytes that are no header and belong to no record.
  private(set) var damagedBytes = 0
  private var searchBytesLeft = MetadataFileScan.searchBytesMax

  var isWhole: Bool { damagedBytes == 0 }

  init(_ bytes: UnsafeRawBufferPointer) {
    var offset = 0
    if MetadataFileScan.hasHeader(bytes) {
      offset = MetadataFileScan.headerBytes
    } else {
      // An empty file lacks all of its header.
      damagedBytes = min(bytes.count, MetadataFileScan.headerBytes)
      if bytes.isEmpty { damagedBytes = MetadataFileScan.headerBytes }
      offset = damagedBytes
    }
    while offset < bytes.count && entries.count < 2 * MetadataStore.entriesMax {
      if let (entry, end) = record(bytes, offset) {
        entries.append(entry)
        offset = end
      } else {
        damagedBytes += 1
        offset += 1
      }
    }
  }

  private static func hasHeader(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count >= headerBytes, bytes.starts(with: MetadataFile.magic) else { return false }
    return UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: MetadataFile.magic.count, as: UInt32.self))
      == MetadataFile.version
  }

  private mutating func record(
    _ bytes: UnsafeRawBufferPointer, _ offset: Int
  ) -> (entry: MetadataStore.Entry, end: Int)? {
    let start = offset + MetadataFileScan.frameBytes
    guard start < bytes.count else { return nil }
    let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    guard length > 0, length <= MetadataFileScan.payloadBytesMax, start + length <= bytes.count, searchBytesLeft > 0
    else { return nil }
    let payload = UnsafeRawBufferPointer(rebasing: bytes[start..<(start + length)])
    let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self))
    guard checksum(payload) == stored else {
      searchBytesLeft -= length
      return nil
    }
    var fields = ByteReader(payload)
    guard let seen = fields.varint(), MetadataFileScan.times.contains(seen), let message = fields.take(fields.remaining)
    else { return nil }
    return (MetadataStore.Entry(message: Array(message), seenMilliseconds: seen), start + length)
  }
}

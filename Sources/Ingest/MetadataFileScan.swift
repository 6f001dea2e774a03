import Format
import Model

/// The whole records of a file of metadata (layout: `MetadataFile`), also those between and behind damaged places. Pure;
/// bounded work.
struct MetadataFileScan {
  /// Bytes that may be put through a checksum while records are searched behind damage.
  static let searchBytesMax = 256 << 20
  private static let headerBytes = 12
  /// Most bytes of a record's payload: the time and the longest message that the store keeps.
  private static let payloadBytesMax = 10 + MetadataStore.textBytesMax

  /// The times that a record may have: differences of such times fit a number. The upper end is some 292,000 years
  /// away.
  private static let times: ClosedRange<Int64> = 0...(.max / 1000)

  private(set) var entries: [MetadataStore.Entry] = []
  /// Bytes that are no header and belong to no record.
  private(set) var damagedBytes = 0
  private var searchBytesLeft = MetadataFileScan.searchBytesMax

  var isWhole: Bool { damagedBytes == 0 }

  init(_ bytes: LentBytes) {
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

  private static func hasHeader(_ bytes: LentBytes) -> Bool {
    guard bytes.count >= headerBytes, bytes.starts(with: MetadataFile.magic) else { return false }
    var version = ByteReader(bytes.part(from: MetadataFile.magic.count))
    return version.littleEndian32() == MetadataFile.version
  }

  private mutating func record(_ bytes: LentBytes, _ offset: Int) -> (entry: MetadataStore.Entry, end: Int)? {
    var frame = ByteReader(bytes.part(from: offset))
    guard let length = frame.littleEndian32().map(Int.init), let stored = frame.littleEndian32(), length > 0,
      length <= MetadataFileScan.payloadBytesMax, let payload = frame.take(length), searchBytesLeft > 0
    else { return nil }
    guard checksum(payload) == stored else {
      searchBytesLeft -= length
      return nil
    }
    var fields = ByteReader(payload)
    guard let seen = fields.varint(), MetadataFileScan.times.contains(seen), let message = fields.take(fields.remaining)
    else { return nil }
    return (MetadataStore.Entry(message: Array(message), seenMilliseconds: seen), offset + frame.offset)
  }
}

import Format
import Platform

/// The file that keeps the usage of a workspace; its body:
///
///     time     varint    of the last look, ms
///     bytes    uvarint   stored then
///     hours    uvarint
///     of each, in order:
///       hour   uvarint   since 1970; after the first: how many after the one before, at least 1
///       which  u16       little-endian; bit 0-11: the sums that follow, 12: series, 13: stored byte-seconds
///       each   uvarint   not 0
///
/// Pure; a body that is not such a one all through is none.
package enum UsageFile {
  /// The state of a workspace's usage at a look. A value.
  package struct Contents: Sendable {
    package var lookedAt: Int64 = 0
    package var storedBytes = 0
    package var history = UsageHistory()

    package init() {}
  }

  /// Times and hours in a file: dates of four digits.
  private static let timeRange: ClosedRange<Int64> = 0...253_402_300_799_999
  private static let seriesBit = UInt16(UsageCounts.sums.count)
  private static let bytesBit = seriesBit + 1

  package static func file(_ path: String, on disk: any Disk) -> SealedFile {
    SealedFile(path, name: "usage", format: 1, on: disk)
  }

  // MARK: writing

  package static func encode(_ contents: Contents) -> [UInt8] {
    let hours = contents.history.hours.suffix(UsageHistory.hoursMax)
    var bytes = ByteBuffer(capacity: 64)
    bytes.appendVarint(contents.lookedAt)
    bytes.appendUvarint(UInt64(max(0, contents.storedBytes)))
    bytes.appendUvarint(UInt64(hours.count))
    return bytes.array + pack(hours)
  }

  static func pack(_ hours: ArraySlice<UsageHour>) -> [UInt8] {
    var bytes = ByteBuffer(capacity: 32 * hours.count)
    var last: Int64 = 0
    for hour in hours {
      bytes.appendUvarint(UInt64(hour.number - last))
      last = hour.number
      var values = UsageCounts.sums.map { UInt64(max(0, hour.counts[keyPath: $0])) }
      values.append(UInt64(max(0, hour.counts.activeSeriesMax)))
      values.append(UInt64(min(max(0, hour.counts.storedByteSeconds.rounded()), 0x1p63)))
      var which: UInt16 = 0
      for (bit, value) in values.enumerated() where value != 0 { which |= 1 << UInt16(bit) }
      bytes.appendLittleEndian(which)
      for value in values where value != 0 { bytes.appendUvarint(value) }
    }
    return bytes.array
  }

  // MARK: reading

  /// Nil where these are not the hours of such a file.
  package static func decode(_ body: [UInt8]) -> Contents? {
    body.lend { bytes in
      var reader = ByteReader(bytes)
      guard let time = reader.varint(), timeRange.contains(time),
        let stored = reader.uvarint().flatMap({ Int(exactly: $0) }),
        let count = reader.uvarint(), count <= UInt64(UsageHistory.hoursMax), let hours = hours(Int(count), &reader),
        reader.isAtEnd
      else { return nil }
      var contents = Contents()
      contents.lookedAt = time
      contents.storedBytes = stored
      contents.history = UsageHistory(hours)
      return contents
    }
  }

  /// The hours that `pack` made these bytes of.
  static func unpack(_ packed: [UInt8], _ count: Int) -> [UsageHour] {
    packed.lend { bytes in
      var reader = ByteReader(bytes)
      return hours(count, &reader) ?? []
    }
  }

  private static func hours(_ count: Int, _ reader: inout ByteReader) -> [UsageHour]? {
    var hours: [UsageHour] = []
    hours.reserveCapacity(count)
    var last: Int64 = 0
    for place in 0..<count {
      guard let step = reader.uvarint().flatMap({ Int64(exactly: $0) }), step > 0 || place == 0,
        step <= timeRange.upperBound / UsageHour.milliseconds - last, let counts = counts(&reader)
      else { return nil }
      last += step
      hours.append(UsageHour(number: last, counts: counts))
    }
    return hours
  }

  private static func counts(_ reader: inout ByteReader) -> UsageCounts? {
    guard let which: UInt16 = reader.littleEndian(), which < 1 << (bytesBit + 1) else { return nil }
    var counts = UsageCounts()
    for bit in 0...bytesBit where which & 1 << bit != 0 {
      guard let value = reader.uvarint(), value > 0 else { return nil }
      if bit == bytesBit {
        guard value <= 1 << 63 else { return nil }
        counts.storedByteSeconds = Double(value)
      } else {
        guard let number = Int(exactly: value) else { return nil }
        if bit == seriesBit {
          counts.activeSeriesMax = number
        } else {
          counts[keyPath: UsageCounts.sums[Int(bit)]] = number
        }
      }
    }
    return counts
  }
}

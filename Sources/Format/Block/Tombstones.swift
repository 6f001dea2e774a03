import Model

/// The deletions of a block: for each series the times that no longer count. The file:
///
///     magic u32 0x0130BA30, version u8 1, then per interval: series uvarint64, min varint64, max varint64;
///     crc u32 of all behind the version
///
/// Invariant: intervals of a series are sorted, do not touch, and both ends belong to them.
package struct Tombstones: Equatable, Sendable {
  package static let magic: UInt32 = 0x0130_ba30
  package static let version: UInt8 = 1

  package private(set) var series: [UInt64: [ClosedRange<Int64>]] = [:]

  package init() {}

  package var isEmpty: Bool { series.isEmpty }
  package var count: Int { series.values.reduce(0) { $0 + $1.count } }

  package func intervals(of reference: UInt64) -> [ClosedRange<Int64>] { series[reference] ?? [] }

  package mutating func add(_ interval: ClosedRange<Int64>, to reference: UInt64) {
    var joined = interval
    var kept: [ClosedRange<Int64>] = []
    for present in series[reference] ?? [] {
      if Tombstones.touch(present, joined) {
        joined = min(present.lowerBound, joined.lowerBound)...max(present.upperBound, joined.upperBound)
      } else {
        kept.append(present)
      }
    }
    let place = kept.firstIndex { $0.lowerBound > joined.lowerBound } ?? kept.count
    kept.insert(joined, at: place)
    series[reference] = kept
  }

  private static func touch(_ left: ClosedRange<Int64>, _ right: ClosedRange<Int64>) -> Bool {
    func isBefore(_ left: ClosedRange<Int64>, _ right: ClosedRange<Int64>) -> Bool {
      left.upperBound < right.lowerBound && right.lowerBound - 1 > left.upperBound
    }
    return !isBefore(left, right) && !isBefore(right, left)
  }

  /// Nil where the bytes are not such a file, whole.
  package init?(file bytes: LentBytes) {
    var header = ByteReader(bytes)
    guard header.bigEndian(UInt32.self) == Tombstones.magic, header.byte() == Tombstones.version,
      header.remaining >= 4, let body = header.take(header.remaining - 4),
      header.bigEndian(UInt32.self) == checksum(body)
    else { return nil }
    var reader = ByteReader(body)
    while !reader.isAtEnd {
      guard let reference = reader.uvarint(), let first = reader.varint(), let last = reader.varint(), first <= last
      else { return nil }
      add(first...last, to: reference)
    }
  }

  package func encode(into output: inout ByteBuffer) {
    output.appendBigEndian(Tombstones.magic)
    output.append(Tombstones.version)
    let start = output.count
    for (reference, intervals) in series.sorted(by: { $0.key < $1.key }) {
      for interval in intervals {
        output.appendUvarint(reference)
        output.appendVarint(interval.lowerBound)
        output.appendVarint(interval.upperBound)
      }
    }
    output.appendBigEndian(checksum(output.bytes.part(from: start)))
  }
}

import Model

/// Why a body is not a remote-write request. The offset is into the decompressed body.
package struct WriteRequestError: Error, Equatable, CustomStringConvertible {
  package var reason: String
  package var offset: Int

  package var description: String { "\(reason) at byte \(offset)" }
}

// Reads the protobuf message prometheus.WriteRequest in place, in one pass:
//
//   1 timeseries*  { 1 label*  { 1 name  2 value }
//                    2 sample* { 1 value (double)  2 timestamp (int64) }
//                    3 exemplar*   4 histogram* }
//   3 metadata*
//
// Label contents are not looked at: a body's label bytes are hashed as sent, and only a series not seen before has
// them parsed (`RawLabels`). Unknown fields are skipped; every length is checked against what encloses it. The last
// of a doubled scalar field counts, as protobuf says.
package enum WriteRequestScanner {
  /// Series, samples, and parts of each kind (exemplars, histograms, metadata) of one body. Two bytes of an empty one
  /// become forty of a row, so a body of 32 MiB could take a gigabyte; bodies with names and values in them are far below.
  package static let seriesMax = 1 << 20
  package static let samplesMax = 1 << 22
  package static let partsMax = 1 << 22

  /// Fills `rows` from `body`. On an error `rows` holds what came before it and must not be used.
  package static func scan(
    _ body: UnsafeRawBufferPointer, key: KeyedHash, into rows: inout WriteRequestRows
  ) throws(WriteRequestError) {
    rows.removeAll()
    guard body.count <= Int(Int32.max) else { throw WriteRequestError(reason: "body over 2 GiB", offset: 0) }
    guard let base = body.baseAddress else { return }
    var cursor = WireCursor(at: base, end: base + body.count)
    while !cursor.isAtEnd {
      let tag = cursor.byteTag()
      switch tag {
      case 0x0a:
        guard let part = cursor.lengthDelimited() else { throw failure("timeseries is cut", cursor, base) }
        guard scanSeries(part, base: base, key: key, into: &rows) else { throw failure("bad timeseries", part, base) }
        if rows.rows.count > seriesMax { throw failure("more than \(seriesMax) timeseries", cursor, base) }
        if rows.times.count > samplesMax { throw failure("more than \(samplesMax) samples", cursor, base) }
      case 0x1a:
        guard let part = cursor.lengthDelimited() else { throw failure("metadata is cut", cursor, base) }
        if rows.metadata.count >= partsMax { throw failure("more than \(partsMax) metadata", cursor, base) }
        rows.metadata.append(WritePart(row: -1, offset: part.offset(from: base), length: UInt32(part.count)))
      default:
        guard cursor.skipUnknown(known: 0b1010) else { throw failure("bad field", cursor, base) }
      }
    }
  }

  private static func failure(_ reason: String, _ cursor: WireCursor, _ base: UnsafeRawPointer) -> WriteRequestError {
    WriteRequestError(reason: reason, offset: Int(cursor.offset(from: base)))
  }

  @inline(__always)
  private static func scanSeries(
    _ series: WireCursor, base: UnsafeRawPointer, key: KeyedHash, into rows: inout WriteRequestRows
  ) -> Bool {
    var cursor = series
    guard var labelsEnd = cursor.skipRun(of: 0x0a) else { return false }
    var labelsStart = series.position
    var flags: UInt32 = 0
    let sampleStart = UInt32(truncatingIfNeeded: rows.times.count)

    while !cursor.isAtEnd {
      let fieldStart = cursor.position
      switch cursor.byteTag() {
      case 0x12:
        guard let sample = cursor.lengthDelimited(), scanSample(sample, into: &rows) else { return false }
      case 0x0a:
        // Labels behind other fields: legal, rare. They are put together elsewhere.
        cursor = WireCursor(at: fieldStart, end: cursor.end)
        guard let end = cursor.skipRun(of: 0x0a) else { return false }
        if flags & WriteRow.isGathered == 0 {
          flags |= WriteRow.isGathered
          let first = UnsafeRawBufferPointer(start: labelsStart, count: labelsEnd - labelsStart)
          labelsStart = UnsafeRawPointer(bitPattern: 1 + rows.gathered.count) ?? labelsStart
          rows.gathered.append(first)
        }
        rows.gathered.append(UnsafeRawBufferPointer(start: fieldStart, count: end - fieldStart))
        labelsEnd = end
      case 0x1a:
        guard let part = cursor.lengthDelimited(), rows.exemplars.count < partsMax else { return false }
        flags |= WriteRow.hasExemplars
        rows.exemplars.append(
          WritePart(row: Int32(rows.rows.count), offset: part.offset(from: base), length: UInt32(part.count)))
      case 0x22:
        guard let part = cursor.lengthDelimited(), rows.histograms.count < partsMax else { return false }
        flags |= WriteRow.hasHistograms
        rows.histograms.append(
          WritePart(row: Int32(rows.rows.count), offset: part.offset(from: base), length: UInt32(part.count)))
      default:
        guard cursor.skipUnknown(known: 0b11110) else { return false }
      }
    }

    let offset: Int
    let length: Int
    let hash: KeyedHash128
    if flags & WriteRow.isGathered == 0 {
      offset = labelsStart - base
      length = labelsEnd - labelsStart
      hash = key.hash128(UnsafeRawBufferPointer(start: labelsStart, count: length))
    } else {
      offset = Int(bitPattern: labelsStart) - 1
      length = rows.gathered.count - offset
      hash = key.hash128(UnsafeRawBufferPointer(rebasing: rows.gathered.bytes[offset...]))
    }
    rows.rows.append(
      WriteRow(
        hashHigh: hash.high, hashLow: UInt32(truncatingIfNeeded: hash.low),
        labelsOffset: UInt32(truncatingIfNeeded: offset),
        labelsLength: UInt32(truncatingIfNeeded: length), sampleStart: sampleStart,
        sampleCount: UInt32(truncatingIfNeeded: rows.times.count) &- sampleStart, flags: flags))
    return true
  }

  @inline(__always)
  private static func scanSample(_ sample: WireCursor, into rows: inout WriteRequestRows) -> Bool {
    var cursor = sample
    var value: UInt64 = 0
    var time: UInt64 = 0
    while !cursor.isAtEnd {
      switch cursor.byteTag() {
      case 0x09:
        guard let bits = cursor.fixed64() else { return false }
        value = bits
      case 0x10:
        guard let number = cursor.varint() else { return false }
        time = number
      default:
        guard cursor.skipUnknown(known: 0b110) else { return false }
      }
    }
    if rows.times.count > samplesMax { return false }
    rows.times.append(Int64(bitPattern: time))
    rows.values.append(value)
    return true
  }
}

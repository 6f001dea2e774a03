import Format
import Model
import Platform

@testable import TSDB

// Files of the data directory, each reader by itself.
extension FuzzTarget {
  static let files = [
    FuzzTarget(name: "xor-chunk", seeds: { FileSeeds.xorChunks }) { bytes in
      guard let count = XORChunk.count(of: bytes) else { return }
      withUnsafeTemporaryAllocation(of: Int64.self, capacity: count + 1) { times in
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count + 1) { values in
          guard let timeBase = times.baseAddress, let valueBase = values.baseAddress else { return }
          let decoded = XORChunk.decode(bytes, times: timeBase, values: valueBase)
          precondition(decoded <= count)
          writeAgain(
            UnsafeBufferPointer(start: timeBase, count: decoded), UnsafeBufferPointer(start: valueBase, count: decoded))
        }
      }
    },
    // The first byte says which of the two encodings.
    FuzzTarget(name: "histogram-chunk", seeds: { FileSeeds.histogramChunks }) { bytes in
      guard let first = bytes.first else { return }
      var column = HistogramColumn()
      let encoding = first & 1 == 0 ? HistogramChunk.integerEncoding : HistogramChunk.floatEncoding
      let isWhole = HistogramChunk.decode(
        UnsafeRawBufferPointer(rebasing: bytes[1...]), encoding: encoding, into: &column)
      precondition(isWhole || column.isEmpty, "a chunk that is not whole left histograms behind")
    },
    FuzzTarget(name: "wal-record", seeds: { FileSeeds.records }) { bytes in
      var columns = RecordColumns()
      let before = columns.rowCount
      if columns.append(record: bytes) != .decoded {
        precondition(
          columns.rowCount == before && columns.keptBytes == 0, "a record that is not valid left rows behind")
      }
      for row in columns.series { _ = columns.packedLabels(row.labels).count }
      for row in columns.histograms {
        _ = HistogramPayload.decode(LentBytes(columns.bytes(row.payload)), isFloat: row.kind.isFloatHistogram)
      }
      for row in columns.exemplars { _ = columns.packedLabels(row.labels).count }
      for row in columns.metadata { _ = columns.bytes(row.help).count + columns.bytes(row.unit).count }
    },
    FuzzTarget(name: "tombstones", seeds: { FileSeeds.tombstones }) { bytes in
      guard let tombstones = Tombstones(file: LentBytes(withSum(bytes, from: 5))) else { return }
      var encoded = ByteBuffer()
      tombstones.encode(into: &encoded)
      precondition(Tombstones(file: encoded.lent) == tombstones, "tombstones do not come back")
    },
  ]

  /// The samples of a chunk as far as the writer takes them, written and read once more.
  private static func writeAgain(_ times: UnsafeBufferPointer<Int64>, _ values: UnsafeBufferPointer<UInt64>) {
    guard let first = times.first else { return }
    let capacity = 1024
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: capacity) { bytes in
      guard let base = bytes.baseAddress else { return }
      var tail = XORTail()
      XORChunk.start(time: first, value: values[0], tail: &tail, at: base, capacity: capacity)
      var count = 1
      while count < times.count {
        let (delta, overflow) = times[count].subtractingReportingOverflow(times[count - 1])
        guard !overflow, delta > 0, delta <= Int64(UInt32.max),
          XORChunk.append(time: times[count], value: values[count], to: &tail, at: base, capacity: capacity)
        else { break }
        count += 1
      }
      let written = UnsafeRawBufferPointer(start: base, count: tail.byteCount)
      var samples = SeriesSamples()
      precondition(samples.append(chunk: written) && samples.count == count, "a written chunk is not whole")
      precondition(samples.times.elements.elementsEqual(times[..<count]), "times do not come back")
      precondition(samples.values.elements.elementsEqual(values[..<count]), "values do not come back")
    }
  }

  /// A copy of the input whose last four bytes are the checksum of what lies between `start` and them: without it, no
  /// input would get past the first check.
  static func withSum(_ bytes: UnsafeRawBufferPointer, from start: Int) -> UnsafeRawBufferPointer {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 8)
    copy.copyMemory(from: bytes)
    if bytes.count >= start + 4 {
      let sum = checksum(UnsafeRawBufferPointer(rebasing: copy[start..<(bytes.count - 4)])).bigEndian
      copy.storeBytes(of: sum, toByteOffset: bytes.count - 4, as: UInt32.self)
    }
    Held.replace(copy)
    return UnsafeRawBufferPointer(copy)
  }
}

/// The bytes of the input before, given back with the next one. The driver calls from one thread.
private enum Held {
  nonisolated(unsafe) private static var last: UnsafeMutableRawBufferPointer?
  static func replace(_ next: UnsafeMutableRawBufferPointer) {
    last?.deallocate()
    last = next
  }
}

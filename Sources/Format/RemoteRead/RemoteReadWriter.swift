import Model

// The answers of remote read, written as bytes: they may be hundreds of megabytes, so no message object is ever built.
//
//   ReadResponse         1 QueryResult*      QueryResult 1 TimeSeries*    TimeSeries 1 Label* 2 Sample* 4 Histogram*
//   ChunkedReadResponse  1 ChunkedSeries*    2 query_index
//   ChunkedSeries        1 Label*            2 Chunk*
//   Chunk                1 min_time_ms 2 max_time_ms 3 type 4 data
//
// A streamed answer is a row of frames: uvarint length, CRC-32C (big-endian), ChunkedReadResponse.

/// Builds the messages. One owner; reused from series to series.
package struct RemoteReadWriter: ~Copyable {
  private var series = ByteBuffer(capacity: 4096)
  private var part = ByteBuffer(capacity: 256)

  package init() {}

  /// Appends a TimeSeries with its samples to a QueryResult's bytes.
  package mutating func appendSeries(
    _ labels: Labels, _ times: [Int64], _ values: [Double], _ histograms: HistogramColumn = HistogramColumn(),
    to result: inout ByteBuffer
  ) {
    series.removeAll()
    appendLabels(labels)
    for index in times.indices {
      part.removeAll()
      // A zero is what a missing field says.
      if values[index].bitPattern != 0 {
        part.append(0x09)
        part.appendLittleEndian(values[index].bitPattern)
      }
      if times[index] != 0 {
        part.append(0x10)
        part.appendUvarint(UInt64(bitPattern: times[index]))
      }
      RemoteReadWriter.appendField(0x12, part.bytes, to: &series)
    }
    for index in 0..<histograms.count {
      part.removeAll()
      HistogramMessage(histograms.times[index], histograms.values[index], isFloat: histograms.areFloats[index])
        .encode(into: &part)
      RemoteReadWriter.appendField(0x22, part.bytes, to: &series)
    }
    RemoteReadWriter.appendField(0x0a, series.bytes, to: &result)
  }

  /// Appends a field of type message or bytes.
  package static func appendField(_ tag: UInt8, _ content: UnsafeRawBufferPointer, to buffer: inout ByteBuffer) {
    buffer.append(tag)
    buffer.appendUvarint(UInt64(content.count))
    buffer.append(content)
  }

  // MARK: Frames

  /// Begins a frame's series.
  package mutating func beginFrame(_ labels: Labels) {
    series.removeAll()
    appendLabels(labels)
  }

  /// The size of the frame's series so far.
  package var frameByteCount: Int { series.count }

  /// - Parameter encoding: of chunks on disk; the protocol has the same numbers.
  package mutating func appendChunk(
    from first: Int64, through last: Int64, encoding: UInt8 = XORChunk.encoding, _ data: UnsafeRawBufferPointer
  ) {
    part.removeAll()
    if first != 0 {
      part.append(0x08)
      part.appendUvarint(UInt64(bitPattern: first))
    }
    if last != 0 {
      part.append(0x10)
      part.appendUvarint(UInt64(bitPattern: last))
    }
    part.append(0x18)
    part.append(encoding)
    RemoteReadWriter.appendField(0x22, data, to: &part)
    RemoteReadWriter.appendField(0x12, part.bytes, to: &series)
  }

  /// The frame with all that stands before its message.
  package mutating func endFrame(query: Int, into frame: inout ByteBuffer) {
    part.removeAll()
    RemoteReadWriter.appendField(0x0a, series.bytes, to: &part)
    if query != 0 {
      part.append(0x10)
      part.appendUvarint(UInt64(query))
    }
    frame.removeAll()
    frame.appendUvarint(UInt64(part.count))
    frame.appendBigEndian(checksum(part.bytes))
    frame.append(part.bytes)
  }

  private mutating func appendLabels(_ labels: Labels) {
    labels.forEach { name, value in
      part.removeAll()
      RemoteReadWriter.appendField(0x0a, name, to: &part)
      RemoteReadWriter.appendField(0x12, value, to: &part)
      RemoteReadWriter.appendField(0x0a, part.bytes, to: &series)
    }
  }
}

/// Samples as chunks of Prometheus's usual size. Reused.
package struct ChunkCutter: ~Copyable {
  /// Samples of a chunk.
  package static let samplesMax = 120
  /// Holds any chunk of so many samples.
  private static let bytesMax = 20 + (samplesMax * XORChunk.sampleBitsMax + 7) / 8

  private let base = UnsafeMutablePointer<UInt8>.allocate(capacity: ChunkCutter.bytesMax)

  package init() {}

  deinit { base.deallocate() }

  /// Calls `body` with each chunk and its first and last time.
  package mutating func cut(
    _ times: [Int64], _ values: [Double], _ body: (Int64, Int64, UnsafeRawBufferPointer) -> Void
  ) {
    var index = 0
    while index < times.count {
      let first = times[index]
      var tail = XORTail()
      XORChunk.start(
        time: first, value: values[index].bitPattern, tail: &tail, at: base, capacity: ChunkCutter.bytesMax)
      index += 1
      // A chunk's distances have 32 bits.
      while index < times.count, Int(tail.count) < ChunkCutter.samplesMax,
        times[index] &- tail.lastTime <= Int64(UInt32.max),
        XORChunk.append(
          time: times[index], value: values[index].bitPattern, to: &tail, at: base, capacity: ChunkCutter.bytesMax)
      {
        index += 1
      }
      body(first, tail.lastTime, UnsafeRawBufferPointer(start: base, count: tail.byteCount))
    }
  }
}

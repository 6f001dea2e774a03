import Model

/// A chunk of histograms that is complete. A value: its bytes are shared, not copied.
package struct EncodedHistogramChunk: Sendable {
  package var minTime: Int64
  package var maxTime: Int64
  package var encoding: UInt8
  package var bytes: [UInt8]

  package init(minTime: Int64, maxTime: Int64, encoding: UInt8, bytes: [UInt8]) {
    self.minTime = minTime
    self.maxTime = maxTime
    self.encoding = encoding
    self.bytes = bytes
  }

  package init(_ writer: HistogramChunkWriter) {
    self.init(minTime: writer.firstTime, maxTime: writer.lastTime, encoding: writer.encoding, bytes: writer.bytes)
  }
}

extension HistogramChunk {
  /// A chunk that has these bytes is full, once it has the least number of samples.
  private static let bytesTarget = 1024
  private static let samplesMin = 10
  /// However small they are.
  private static let samplesMax = 240

  /// True if a chunk should take no more.
  package static func isFull(_ writer: HistogramChunkWriter) -> Bool {
    writer.count >= samplesMax || writer.byteCount >= bytesTarget && writer.count >= samplesMin
  }

  /// The header of a chunk that follows on a full one.
  package static func header(of histogram: Histogram, after writer: HistogramChunkWriter) -> ResetHeader {
    if histogram.hint == .gauge { return .gauge }
    var probe = writer
    return probe.append(.max, histogram) ?? (writer.last.isStale || histogram.isStale ? .unknown : .notReset)
  }

  /// Chunks of histograms that rise in time.
  package static func encode(_ column: HistogramColumn) -> [EncodedHistogramChunk] {
    var chunks: [EncodedHistogramChunk] = []
    var open: HistogramChunkWriter?
    for place in 0..<column.count {
      let (time, histogram, isFloat) = (column.times[place], column.values[place], column.areFloats[place])
      if var writer = open {
        open = nil
        var header: ResetHeader? = writer.isFloat == isFloat ? nil : HistogramChunkWriter.header(of: histogram)
        if header == nil {
          header =
            isFull(writer) ? self.header(of: histogram, after: writer) : writer.append(time, histogram)
        }
        if let header {
          chunks.append(EncodedHistogramChunk(writer))
          writer = HistogramChunkWriter(time, histogram, isFloat: isFloat, header: header)
        }
        open = writer
      } else {
        open = HistogramChunkWriter(
          time, histogram, isFloat: isFloat, header: HistogramChunkWriter.header(of: histogram))
      }
    }
    if let open { chunks.append(EncodedHistogramChunk(open)) }
    return chunks
  }
}

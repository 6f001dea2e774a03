import Model

// Chunks of native histograms as Prometheus lays them out, with integer (encoding 2) or float counts (3):
//
//   count    u16, big-endian
//   flags    u8: 1xxxxxxx what is known of the chunk before (two bits, `ResetHeader`)
//   layout   `HistogramLayout`
//   sample 0   time signed   count, zero count   sum 64 bits   buckets
//              integer: count and zero count unsigned, buckets signed, each against the bucket before it;  float: 64 bits each
//   sample n   time, count, zero count, buckets as changes of the change since the sample before, all signed
//              float: only the time; all else against the sample before, as in chunks of floats
//              a stale marker (the sum says so) has no buckets

package enum HistogramChunk {
  package static let integerEncoding: UInt8 = 2
  package static let floatEncoding: UInt8 = 3
  static let headerBytes = 3

  package static func isHistogram(encoding: UInt8) -> Bool { encoding == integerEncoding || encoding == floatEncoding }

  /// Appends the histograms of a chunk; false, and nothing appended, where it is not whole.
  package static func decode(
    _ bytes: UnsafeRawBufferPointer, encoding: UInt8, into column: inout HistogramColumn
  ) -> Bool {
    guard isHistogram(encoding: encoding), bytes.count >= headerBytes, let count = XORChunk.count(of: bytes) else {
      return false
    }
    if count == 0 { return true }
    let start = column.count
    let isGauge = bytes[2] & ResetHeader.mask == ResetHeader.gauge.rawValue
    let data = UnsafeRawBufferPointer(rebasing: bytes[headerBytes...])
    let isWhole =
      encoding == integerEncoding
      ? HistogramIntegerReader.read(data, count, isGauge, &column)
      : HistogramFloatReader.read(data, count, isGauge, &column)
    if !isWhole { column.truncate(to: start) }
    return isWhole
  }

  package static func decode(_ bytes: [UInt8], encoding: UInt8, into column: inout HistogramColumn) -> Bool {
    bytes.lend { decode($0.raw, encoding: encoding, into: &column) }
  }
}

/// The header of a chunk that says whether its counters go on from the chunk before.
package enum ResetHeader: UInt8, Sendable {
  case unknown = 0
  case notReset = 0x40
  case reset = 0x80
  case gauge = 0xc0

  static let mask: UInt8 = 0xc0
}

/// The parts of a histogram that do not change within a chunk.
private struct HistogramFrame {
  let layout: HistogramLayout
  let positiveCount: Int
  let negativeCount: Int
  let isGauge: Bool

  init?(_ source: inout HistogramBitSource, isGauge: Bool) {
    guard let layout = HistogramLayout(&source),
      let positive = HistogramLayout.bucketCount(layout.positiveSpans, atMost: source.bitsLeft),
      let negative = HistogramLayout.bucketCount(layout.negativeSpans, atMost: source.bitsLeft - positive)
    else { return nil }
    self.layout = layout
    positiveCount = positive
    negativeCount = negative
    self.isGauge = isGauge
  }

  func histogram(sum: UInt64, isFirst: Bool) -> Histogram {
    var histogram = Histogram()
    histogram.sum = Double(bitPattern: sum)
    histogram.hint = isGauge ? .gauge : isFirst ? .unknown : .notReset
    if histogram.isStale { return histogram }
    histogram.schema = layout.schema
    histogram.zeroThreshold = layout.zeroThreshold
    histogram.positiveSpans = layout.positiveSpans
    histogram.negativeSpans = layout.negativeSpans
    histogram.customBounds = layout.customBounds
    return histogram
  }
}

private struct HistogramIntegerReader {
  static func read(
    _ data: UnsafeRawBufferPointer, _ count: Int, _ isGauge: Bool, _ column: inout HistogramColumn
  ) -> Bool {
    var source = HistogramBitSource(data)
    guard let frame = HistogramFrame(&source, isGauge: isGauge), let first = source.signed(),
      let observations = source.unsigned(), let zeros = source.unsigned(), let bits = source.read(64)
    else { return false }
    // Count, zero count, buckets; each with its change since the sample before.
    var fields = [Int64(bitPattern: observations), Int64(bitPattern: zeros)]
    for _ in 0..<(frame.positiveCount + frame.negativeCount) {
      guard let value = source.signed() else { return false }
      fields.append(value)
    }
    var changes = Array(repeating: Int64(0), count: fields.count)
    var time = first
    var timeDelta: Int64 = 0
    var sum = HistogramFloatField(value: bits)
    column.append(time, histogram(frame, sum.value, fields, isFirst: true), isFloat: false)
    for _ in 1..<max(count, 1) {
      guard let timeChange = source.signed() else { return false }
      timeDelta &+= timeChange
      time &+= timeDelta
      guard step(&source, 0..<2, &fields, &changes), source.float(after: &sum) != nil else { return false }
      if !StaleMarker.isStale(Double(bitPattern: sum.value)) {
        guard step(&source, 2..<fields.count, &fields, &changes) else { return false }
      }
      column.append(time, histogram(frame, sum.value, fields, isFirst: false), isFloat: false)
    }
    return true
  }

  private static func step(
    _ source: inout HistogramBitSource, _ range: Range<Int>, _ fields: inout [Int64], _ changes: inout [Int64]
  ) -> Bool {
    for place in range {
      guard let change = source.signed() else { return false }
      changes[place] &+= change
      fields[place] &+= changes[place]
    }
    return true
  }

  private static func histogram(
    _ frame: HistogramFrame, _ sum: UInt64, _ fields: [Int64], isFirst: Bool
  ) -> Histogram {
    var histogram = frame.histogram(sum: sum, isFirst: isFirst)
    if histogram.isStale { return histogram }
    histogram.count = Double(UInt64(bitPattern: fields[0]))
    histogram.zeroCount = Double(UInt64(bitPattern: fields[1]))
    func counts(_ range: Range<Int>) -> [Double] {
      var count: Int64 = 0
      return fields[range].map {
        count &+= $0
        return Double(count)
      }
    }
    histogram.positiveBuckets = counts(2..<(2 + frame.positiveCount))
    histogram.negativeBuckets = counts((2 + frame.positiveCount)..<fields.count)
    return histogram
  }
}

private struct HistogramFloatReader {
  static func read(
    _ data: UnsafeRawBufferPointer, _ count: Int, _ isGauge: Bool, _ column: inout HistogramColumn
  ) -> Bool {
    var source = HistogramBitSource(data)
    guard let frame = HistogramFrame(&source, isGauge: isGauge), let first = source.signed() else { return false }
    // Count, zero count, sum, buckets.
    let total = 3 + frame.positiveCount + frame.negativeCount
    guard total <= source.bitsLeft / 64 else { return false }
    var fields: [HistogramFloatField] = []
    for _ in 0..<total {
      guard let bits = source.read(64) else { return false }
      fields.append(HistogramFloatField(value: bits))
    }
    var time = first
    var timeDelta: Int64 = 0
    column.append(time, histogram(frame, fields, isFirst: true), isFloat: true)
    for _ in 1..<max(count, 1) {
      guard let timeChange = source.signed() else { return false }
      timeDelta &+= timeChange
      time &+= timeDelta
      for place in 0..<3 where source.float(after: &fields[place]) == nil { return false }
      if !StaleMarker.isStale(Double(bitPattern: fields[2].value)) {
        for place in 3..<total where source.float(after: &fields[place]) == nil { return false }
      }
      column.append(time, histogram(frame, fields, isFirst: false), isFloat: true)
    }
    return true
  }

  private static func histogram(_ frame: HistogramFrame, _ fields: [HistogramFloatField], isFirst: Bool) -> Histogram {
    var histogram = frame.histogram(sum: fields[2].value, isFirst: isFirst)
    if histogram.isStale { return histogram }
    histogram.count = Double(bitPattern: fields[0].value)
    histogram.zeroCount = Double(bitPattern: fields[1].value)
    histogram.positiveBuckets = fields[3..<(3 + frame.positiveCount)].map { Double(bitPattern: $0.value) }
    histogram.negativeBuckets = fields[(3 + frame.positiveCount)...].map { Double(bitPattern: $0.value) }
    return histogram
  }
}

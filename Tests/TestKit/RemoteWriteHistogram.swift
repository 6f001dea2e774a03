/// A native histogram as a remote-write 1.0 request carries it, built byte by byte.
///
///     Histogram   1: count   2: count (float)   3: sum   4: schema (zigzag)   5: zero threshold   6: zero count
///                 7: zero count (float)   8, 9, 10: negative spans, deltas, counts   11, 12, 13: positive ones
///                 14: reset hint   15: int64 milliseconds   16: bounds of custom buckets
package struct RemoteWriteHistogram: Sendable {
  package typealias Spans = [(offset: Int64, length: UInt64)]

  package var timestamp: Int64
  package var schema: Int64 = 0
  package var sum = 0.0
  package var zeroThreshold = 0.0
  package var zeroCount = 0.0
  package var positiveSpans: Spans = []
  package var negativeSpans: Spans = []
  /// Absolute counts.
  package var positive: [Double] = []
  package var negative: [Double] = []
  package var customBounds: [Double] = []
  package var isFloat = false
  package var isGauge = false

  package init(at timestamp: Int64) { self.timestamp = timestamp }

  package var count: Double { zeroCount + positive.reduce(0, +) + negative.reduce(0, +) }

  /// The message.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    if isFloat {
      append(double: count, field: 2, to: &bytes)
      append(double: zeroCount, field: 7, to: &bytes)
    } else {
      append(varint: UInt64(count), field: 1, to: &bytes)
      append(varint: UInt64(zeroCount), field: 6, to: &bytes)
    }
    append(double: sum, field: 3, to: &bytes)
    append(varint: zigzag(schema), field: 4, to: &bytes)
    append(double: zeroThreshold, field: 5, to: &bytes)
    append(negativeSpans, negative, field: 8, to: &bytes)
    append(positiveSpans, positive, field: 11, to: &bytes)
    if isGauge { append(varint: 3, field: 14, to: &bytes) }
    append(varint: UInt64(bitPattern: timestamp), field: 15, to: &bytes)
    if !customBounds.isEmpty { append(doubles: customBounds, field: 16, to: &bytes) }
    return bytes
  }

  private func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: value << 1 ^ value >> 63) }

  private func append(varint value: UInt64, field: UInt64, to bytes: inout [UInt8]) {
    ProtobufBytes.append(varint: field << 3, to: &bytes)
    ProtobufBytes.append(varint: value, to: &bytes)
  }

  private func append(double value: Double, field: UInt64, to bytes: inout [UInt8]) {
    ProtobufBytes.append(varint: field << 3 | 1, to: &bytes)
    withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
  }

  private func append(doubles: [Double], field: UInt64, to bytes: inout [UInt8]) {
    var content: [UInt8] = []
    for value in doubles { withUnsafeBytes(of: value.bitPattern.littleEndian) { content.append(contentsOf: $0) } }
    ProtobufBytes.append(bytes: content, field: field, to: &bytes)
  }

  private func append(_ spans: Spans, _ counts: [Double], field: UInt64, to bytes: inout [UInt8]) {
    for span in spans {
      var content: [UInt8] = []
      append(varint: zigzag(span.offset), field: 1, to: &content)
      append(varint: span.length, field: 2, to: &content)
      ProtobufBytes.append(bytes: content, field: field, to: &bytes)
    }
    if isFloat { return append(doubles: counts, field: field + 2, to: &bytes) }
    var deltas: [UInt8] = []
    for (place, count) in counts.enumerated() {
      let delta = Int64(count) - (place > 0 ? Int64(counts[place - 1]) : 0)
      ProtobufBytes.append(varint: zigzag(delta), to: &deltas)
    }
    ProtobufBytes.append(bytes: deltas, field: field + 1, to: &bytes)
  }
}

extension RemoteWriteBody {
  /// A series of histograms. Labels go out in the order given.
  package mutating func add(_ labels: [(String, String)], histograms: [RemoteWriteHistogram]) {
    var series: [UInt8] = []
    for (name, value) in labels {
      var label: [UInt8] = []
      ProtobufBytes.append(bytes: Array(name.utf8), field: 1, to: &label)
      ProtobufBytes.append(bytes: Array(value.utf8), field: 2, to: &label)
      ProtobufBytes.append(bytes: label, field: 1, to: &series)
    }
    for histogram in histograms { ProtobufBytes.append(bytes: histogram.bytes, field: 4, to: &series) }
    ProtobufBytes.append(bytes: series, field: 1, to: &message)
  }
}

import Model

// Makes a remote-write 1.0 body of whole series, for what comes in by other protocols and is to go the same way. Reused;
// one owner.
//
//   TimeSeries  1 label*   2 sample   3 exemplar*   4 histogram

/// A native histogram of whole counts, as the message has it: spans of buckets, each count as the difference to the one
/// before it.
package struct WireHistogram: Sendable, Equatable {
  package var schema: Int32 = 0
  package var zeroThreshold = 0.0
  package var zeroCount: UInt64 = 0
  package var count: UInt64 = 0
  package var sum = 0.0
  package var hint = CounterResetHint.unknown
  package var positiveSpans: [BucketSpan] = []
  package var positiveDeltas: [Int64] = []
  package var negativeSpans: [BucketSpan] = []
  package var negativeDeltas: [Int64] = []
  package var customBounds: [Double] = []

  package init() {}
}

package struct WriteSeriesBuilder: ~Copyable, Sendable {
  private var body = ByteBuffer(capacity: 64 << 10)
  private var series = ByteBuffer(capacity: 1024)
  private var part = ByteBuffer(capacity: 256)

  package init() {}

  /// The bytes that `end` and `metadata` have made.
  package var bytes: UnsafeRawBufferPointer { body.bytes }

  package mutating func removeAll() { body.removeAll() }

  /// Begins a series; what follows until `end` belongs to it.
  package mutating func begin() { series.removeAll() }

  package mutating func label(_ name: String, _ value: String) {
    WriteSeriesBuilder.label(name, value, to: &series)
  }

  package mutating func sample(_ time: Int64, _ value: Double) {
    part.removeAll()
    part.append(0x09)
    part.appendLittleEndian(value.bitPattern)
    part.append(0x10)
    part.appendUvarint(UInt64(bitPattern: time))
    appendPart(tag: 0x12)
  }

  package mutating func exemplar(_ labels: [(name: String, value: String)], _ time: Int64, _ value: Double) {
    part.removeAll()
    for label in labels { WriteSeriesBuilder.label(label.name, label.value, to: &part) }
    part.append(0x11)
    part.appendLittleEndian(value.bitPattern)
    part.append(0x18)
    part.appendUvarint(UInt64(bitPattern: time))
    appendPart(tag: 0x1a)
  }

  package mutating func histogram(_ time: Int64, _ histogram: WireHistogram) {
    part.removeAll()
    part.append(0x08)
    part.appendUvarint(histogram.count)
    part.append(0x19)
    part.appendLittleEndian(histogram.sum.bitPattern)
    part.append(0x20)
    part.appendVarint(Int64(histogram.schema))
    part.append(0x29)
    part.appendLittleEndian(histogram.zeroThreshold.bitPattern)
    part.append(0x30)
    part.appendUvarint(histogram.zeroCount)
    spans(histogram.negativeSpans, tag: 0x42)
    deltas(histogram.negativeDeltas, tag: 0x4a)
    spans(histogram.positiveSpans, tag: 0x5a)
    deltas(histogram.positiveDeltas, tag: 0x62)
    part.append(0x70)
    part.appendUvarint(UInt64(histogram.hint.rawValue))
    part.append(0x78)
    part.appendUvarint(UInt64(bitPattern: time))
    if !histogram.customBounds.isEmpty {
      part.appendUvarint(16 << 3 | 2)
      part.appendUvarint(UInt64(8 * histogram.customBounds.count))
      for bound in histogram.customBounds { part.appendLittleEndian(bound.bitPattern) }
    }
    appendPart(tag: 0x22)
  }

  /// Adds the series to the body.
  package mutating func end() {
    body.append(0x0a)
    body.appendUvarint(UInt64(series.count))
    body.append(series.bytes)
  }

  /// Adds the metadata of a metric; `kind` is the protocol's number.
  package mutating func metadata(kind: UInt32, name: String, help: String, unit: String) {
    part.removeAll()
    part.append(0x08)
    part.appendUvarint(UInt64(kind))
    for (tag, var text) in [(UInt8(0x12), name), (0x22, help), (0x2a, unit)] {
      text.withUTF8 { text in
        part.append(tag)
        part.appendUvarint(UInt64(text.count))
        part.append(UnsafeRawBufferPointer(text))
      }
    }
    body.append(0x1a)
    body.appendUvarint(UInt64(part.count))
    body.append(part.bytes)
  }

  private mutating func appendPart(tag: UInt8) {
    series.append(tag)
    series.appendUvarint(UInt64(part.count))
    series.append(part.bytes)
  }

  private mutating func spans(_ spans: [BucketSpan], tag: UInt8) {
    for span in spans {
      var message = ByteBuffer(capacity: 16)
      message.append(0x08)
      message.appendVarint(Int64(span.offset))
      message.append(0x10)
      message.appendUvarint(UInt64(span.length))
      part.append(tag)
      part.appendUvarint(UInt64(message.count))
      part.append(message.bytes)
    }
  }

  private mutating func deltas(_ deltas: [Int64], tag: UInt8) {
    if deltas.isEmpty { return }
    var numbers = ByteBuffer(capacity: 2 * deltas.count)
    for delta in deltas { numbers.appendVarint(delta) }
    part.append(tag)
    part.appendUvarint(UInt64(numbers.count))
    part.append(numbers.bytes)
  }

  private static func label(_ name: String, _ value: String, to output: inout ByteBuffer) {
    var (name, value) = (name, value)
    name.withUTF8 { name in
      value.withUTF8 { value in
        LabelFields.appendField(name: UnsafeRawBufferPointer(name), value: UnsafeRawBufferPointer(value), to: &output)
      }
    }
  }
}

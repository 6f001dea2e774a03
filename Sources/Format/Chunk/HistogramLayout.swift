import Glibc
import Model

/// The layout that all histograms of a chunk share; written once, before the first sample:
///
///     zero threshold   a byte: 0 | exponent + 243 of a power of two | 255, and then 64 bits
///     schema           signed
///     positive spans, negative spans   count unsigned, then length unsigned, offset signed each
///     custom bounds    only of schema -53: count unsigned, then each: thousandths + 1 unsigned | 0, and then 64 bits
struct HistogramLayout: Sendable, Equatable {
  var schema: Int32 = 0
  var zeroThreshold = 0.0
  var positiveSpans: [BucketSpan] = []
  var negativeSpans: [BucketSpan] = []
  var customBounds: [Double] = []

  /// No bucket has an index further from zero: the finest schema needs 2^18 of them for all numbers.
  static let bucketIndexMax = 1 << 29

  init() {}

  init(_ histogram: Histogram) {
    if histogram.isStale { return }
    schema = histogram.schema
    zeroThreshold = histogram.zeroThreshold
    positiveSpans = histogram.positiveSpans
    negativeSpans = histogram.negativeSpans
    if histogram.isCustom { customBounds = histogram.customBounds }
  }

  static func isKnown(schema: Int64) -> Bool {
    schema == Int64(Histogram.customSchema)
      || schema >= Int64(Histogram.schemaMinimum) && schema <= Int64(Histogram.schemaMaximum)
  }

  func write(to sink: inout HistogramBitSink) {
    writeThreshold(to: &sink)
    sink.write(signed: Int64(schema))
    for spans in [positiveSpans, negativeSpans] {
      sink.write(unsigned: UInt64(spans.count))
      for span in spans {
        sink.write(unsigned: UInt64(span.length))
        sink.write(signed: Int64(span.offset))
      }
    }
    guard schema == Histogram.customSchema else { return }
    sink.write(unsigned: UInt64(customBounds.count))
    for bound in customBounds { HistogramLayout.write(bound, to: &sink) }
  }

  private func writeThreshold(to sink: inout HistogramBitSink) {
    if zeroThreshold == 0 { return sink.write(0, 8) }
    // A power of two from 2^-243 to 2^10.
    if zeroThreshold.isNormal, zeroThreshold > 0, zeroThreshold.significandBitPattern == 0,
      (-243...10).contains(zeroThreshold.exponent)
    {
      return sink.write(UInt64(Int(zeroThreshold.exponent) + 244), 8)
    }
    sink.write(255, 8)
    sink.write(zeroThreshold.bitPattern, 64)
  }

  private static func write(_ bound: Double, to sink: inout HistogramBitSink) {
    let thousandths = bound * 1000
    if thousandths >= 0, thousandths <= 33_554_430, thousandths.rounded() / 1000 == bound {
      return sink.write(unsigned: UInt64(thousandths.rounded()) + 1)
    }
    sink.write(0, 1)
    sink.write(bound.bitPattern, 64)
  }

  /// Nil where it is cut or means nothing.
  init?(_ source: inout HistogramBitSource) {
    guard let threshold = source.read(8) else { return nil }
    switch threshold {
    case 0: zeroThreshold = 0
    case 255:
      guard let bits = source.read(64) else { return nil }
      zeroThreshold = Double(bitPattern: bits)
    default: zeroThreshold = scalbn(1, Int32(threshold) - 244)
    }
    guard let schema = source.signed(), HistogramLayout.isKnown(schema: schema),
      let positive = HistogramLayout.readSpans(&source), let negative = HistogramLayout.readSpans(&source)
    else { return nil }
    self.schema = Int32(schema)
    positiveSpans = positive
    negativeSpans = negative
    guard self.schema == Histogram.customSchema else { return }
    guard let count = source.unsigned(), count <= UInt64(source.bitsLeft) else { return nil }
    for _ in 0..<count {
      guard let thousandths = source.unsigned() else { return nil }
      if thousandths > 0 {
        customBounds.append(Double(thousandths - 1) / 1000)
      } else {
        guard let bits = source.read(64) else { return nil }
        customBounds.append(Double(bitPattern: bits))
      }
    }
  }

  private static func readSpans(_ source: inout HistogramBitSource) -> [BucketSpan]? {
    guard let count = source.unsigned(), count <= UInt64(source.bitsLeft) else { return nil }
    var spans: [BucketSpan] = []
    for _ in 0..<count {
      guard let length = source.unsigned(), let offset = source.signed(), let short = UInt32(exactly: length),
        let place = Int32(exactly: offset)
      else { return nil }
      spans.append(BucketSpan(offset: place, length: short))
    }
    // Each bucket takes a bit at least.
    return bucketCount(spans, atMost: source.bitsLeft) == nil ? nil : spans
  }

  /// How many buckets spans name; nil where there are more than `limit`, or one lies where none can.
  static func bucketCount(_ spans: [BucketSpan], atMost limit: Int) -> Int? {
    var count = 0
    var index = 0
    for span in spans {
      index += Int(span.offset) + Int(span.length)
      count += Int(span.length)
      guard count <= limit, abs(index) <= bucketIndexMax, abs(index - Int(span.length)) <= bucketIndexMax else {
        return nil
      }
    }
    return count
  }

  /// The indexes of the buckets that spans name.
  static func indexes(_ spans: [BucketSpan]) -> [Int] {
    var indexes: [Int] = []
    var next = 0
    for span in spans {
      next += Int(span.offset)
      for _ in 0..<span.length {
        indexes.append(next)
        next += 1
      }
    }
    return indexes
  }

  static func spans(_ indexes: [Int]) -> [BucketSpan] {
    var spans: [BucketSpan] = []
    var next = 0
    for index in indexes {
      if !spans.isEmpty && index == next {
        spans[spans.count - 1].length += 1
      } else {
        spans.append(BucketSpan(offset: Int32(truncatingIfNeeded: index - next), length: 1))
      }
      next = index + 1
    }
    return spans
  }
}

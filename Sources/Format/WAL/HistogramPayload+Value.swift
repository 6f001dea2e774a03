import Model

extension HistogramPayload {
  /// The kind of record for a histogram.
  package static func kind(of histogram: Histogram, isFloat: Bool) -> RecordKind {
    if histogram.isCustom { return isFloat ? .customBucketFloatHistograms : .customBucketHistograms }
    return isFloat ? .floatHistograms : .histograms
  }

  package static func append(_ histogram: Histogram, isFloat: Bool, to output: inout ByteBuffer) {
    output.append(histogram.hint.rawValue)
    output.appendVarint(Int64(histogram.schema))
    output.appendBigEndian(histogram.zeroThreshold.bitPattern)
    for count in [histogram.zeroCount, histogram.count] {
      if isFloat {
        output.appendBigEndian(count.bitPattern)
      } else {
        output.appendUvarint(UInt64(exactly: count.rounded()) ?? 0)
      }
    }
    output.appendBigEndian(histogram.sum.bitPattern)
    for spans in [histogram.positiveSpans, histogram.negativeSpans] {
      output.appendUvarint(UInt64(spans.count))
      for span in spans {
        output.appendVarint(Int64(span.offset))
        output.appendUvarint(UInt64(span.length))
      }
    }
    for buckets in [histogram.positiveBuckets, histogram.negativeBuckets] {
      output.appendUvarint(UInt64(buckets.count))
      var before: Int64 = 0
      for bucket in buckets {
        if isFloat {
          output.appendBigEndian(bucket.bitPattern)
        } else {
          let count = Int64(exactly: bucket.rounded()) ?? 0
          output.appendVarint(count &- before)
          before = count
        }
      }
    }
    if !histogram.isCustom { return }
    output.appendUvarint(UInt64(histogram.customBounds.count))
    for bound in histogram.customBounds { output.appendBigEndian(bound.bitPattern) }
  }

  /// Nil where the bytes are no payload, or one that could not be stored.
  package static func decode(_ bytes: LentBytes, isFloat: Bool) -> Histogram? {
    var reader = ByteReader(bytes)
    var histogram = Histogram()
    guard let hint = reader.byte(), let schema = reader.varint().flatMap(Int32.init(exactly:)),
      let threshold = reader.bigEndian64(),
      let zeros = readCount(&reader, isFloat), let count = readCount(&reader, isFloat),
      let sum = reader.bigEndian64(), let positiveSpans = readSpans(&reader), let negativeSpans = readSpans(&reader),
      let positive = readBuckets(&reader, isFloat), let negative = readBuckets(&reader, isFloat)
    else { return nil }
    histogram.hint = CounterResetHint(rawValue: hint) ?? .unknown
    histogram.schema = schema
    histogram.zeroThreshold = Double(bitPattern: threshold)
    histogram.zeroCount = zeros
    histogram.count = count
    histogram.sum = Double(bitPattern: sum)
    (histogram.positiveSpans, histogram.negativeSpans) = (positiveSpans, negativeSpans)
    (histogram.positiveBuckets, histogram.negativeBuckets) = (positive, negative)
    if histogram.isCustom {
      guard let bounds = readBuckets(&reader, true) else { return nil }
      histogram.customBounds = bounds
    }
    return HistogramValidation.fault(histogram, isFloat: true) == nil ? histogram : nil
  }

  private static func readCount(_ reader: inout ByteReader, _ isFloat: Bool) -> Double? {
    isFloat ? reader.bigEndian64().map { Double(bitPattern: $0) } : reader.uvarint().map { Double($0) }
  }

  private static func readSpans(_ reader: inout ByteReader) -> [BucketSpan]? {
    guard let count = reader.uvarint(), count <= UInt64(reader.remaining / 2) else { return nil }
    var spans: [BucketSpan] = []
    for _ in 0..<count {
      guard let offset = reader.varint().flatMap(Int32.init(exactly:)),
        let length = reader.uvarint().flatMap(UInt32.init(exactly:))
      else { return nil }
      spans.append(BucketSpan(offset: offset, length: length))
    }
    return spans
  }

  private static func readBuckets(_ reader: inout ByteReader, _ isFloat: Bool) -> [Double]? {
    guard let count = reader.uvarint(), count <= UInt64(reader.remaining) else { return nil }
    var buckets: [Double] = []
    var sum: Int64 = 0
    for _ in 0..<count {
      if isFloat {
        guard let bits = reader.bigEndian64() else { return nil }
        buckets.append(Double(bitPattern: bits))
      } else {
        guard let delta = reader.varint() else { return nil }
        sum &+= delta
        buckets.append(Double(sum))
      }
    }
    return buckets
  }
}

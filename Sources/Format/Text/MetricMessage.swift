import Model

// One metric of a family. Field numbers:
//
//   Metric     1 label*  2 gauge  3 counter  4 summary  5 untyped  6 timestamp_ms  7 histogram
//   Gauge, Untyped  1 value     Counter  1 value  2 exemplar  3 start
//   Summary    1 count  2 sum  3 quantile* { 1 quantile  2 value }  4 start
//   Histogram  1 count  2 sum  3 bucket* { 1 count  2 upper bound  3 exemplar  4 count (double) }  4 count (double)
//              5 schema  6 zero threshold  7 zero count  8 (double)  9 negative span*  10 delta*  11 count*
//              12 positive span*  13 delta*  14 count*  15 start  16 exemplar*
//   Exemplar   1 label*  2 value  3 time      Timestamp  1 seconds  2 nanos

/// A metric, decoded into columns that are refilled. Its labels and exemplars stay places in the bytes.
struct MetricMessage: ~Copyable {
  struct Quantile: BitwiseCopyable {
    var quantile = 0.0
    var value = 0.0
  }

  struct Bucket: BitwiseCopyable {
    var upperBound = 0.0
    var count: UInt64 = 0
    var floatCount = 0.0
    /// Its exemplar; -1 where there is none.
    var exemplarStart = -1
    var exemplarEnd = -1

    var total: Double { floatCount != 0 ? floatCount : Double(count) }
  }

  struct Place: BitwiseCopyable {
    var start: Int
    var end: Int
  }

  var labels = Column<Place>(capacity: 16)
  var timestamp: Int64 = 0
  var gauge = 0.0
  var untyped = 0.0
  var counter = 0.0
  var counterExemplar: Range<Int>?
  /// When counting began, by type; 0 where that is not told.
  var counterStart: Int64 = 0
  var summaryStart: Int64 = 0
  var histogramStart: Int64 = 0
  var summaryCount: UInt64 = 0
  var summarySum = 0.0
  var quantiles = Column<Quantile>(capacity: 8)
  var count: UInt64 = 0
  var floatCount = 0.0
  var sum = 0.0
  var buckets = Column<Bucket>(capacity: 16)
  var schema: Int32 = 0
  var zeroThreshold = 0.0
  var zeroCount: UInt64 = 0
  var zeroFloatCount = 0.0
  var negativeSpans = Column<BucketSpan>(capacity: 8)
  var negativeDeltas = Column<Int64>(capacity: 8)
  var negativeCounts = Column<Double>(capacity: 8)
  var positiveSpans = Column<BucketSpan>(capacity: 8)
  var positiveDeltas = Column<Int64>(capacity: 8)
  var positiveCounts = Column<Double>(capacity: 8)
  var exemplars = Column<Place>(capacity: 8)

  mutating func removeAll() {
    labels.removeAll()
    (timestamp, gauge, untyped, counter) = (0, 0, 0, 0)
    counterExemplar = nil
    (counterStart, summaryStart, histogramStart) = (0, 0, 0)
    (summaryCount, summarySum) = (0, 0)
    quantiles.removeAll()
    (count, floatCount, sum) = (0, 0, 0)
    buckets.removeAll()
    (schema, zeroThreshold, zeroCount, zeroFloatCount) = (0, 0, 0, 0)
    negativeSpans.removeAll()
    negativeDeltas.removeAll()
    negativeCounts.removeAll()
    positiveSpans.removeAll()
    positiveDeltas.removeAll()
    positiveCounts.removeAll()
    exemplars.removeAll()
  }

  var total: Double { floatCount != 0 ? floatCount : Double(count) }

  mutating func decode(_ bytes: LentBytes, _ range: Range<Int>) throws(ExpositionError) {
    removeAll()
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: "Metric")
      switch number {
      case 1:
        let label = try cursor.part(wire, "Label")
        labels.append(Place(start: label.lowerBound, end: label.upperBound))
      case 2: gauge = try MetricMessage.value(bytes, try cursor.part(wire, "Gauge"), "Gauge") ?? gauge
      case 3: try decodeCounter(bytes, try cursor.part(wire, "Counter"))
      case 4: try decodeSummary(bytes, try cursor.part(wire, "Summary"))
      case 5: untyped = try MetricMessage.value(bytes, try cursor.part(wire, "Untyped"), "Untyped") ?? untyped
      case 6: timestamp = Int64(bitPattern: try cursor.integer(wire, "TimestampMs"))
      case 7: try decodeHistogram(bytes, try cursor.part(wire, "Histogram"))
      default: try cursor.skip(wire)
      }
    }
  }

  private static func value(
    _ bytes: LentBytes, _ range: Range<Int>, _ message: StaticString
  ) throws(ExpositionError) -> Double? {
    var value: Double?
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: message)
      if number == 1 { value = try cursor.double(wire, "Value") } else { try cursor.skip(wire) }
    }
    return value
  }

  private mutating func decodeCounter(_ bytes: LentBytes, _ range: Range<Int>) throws(ExpositionError) {
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: "Counter")
      switch number {
      case 1: counter = try cursor.double(wire, "Value")
      case 2:
        let exemplar = try cursor.part(wire, "Exemplar")
        _ = try ExemplarPart(bytes, exemplar)
        counterExemplar = exemplar
      case 3: counterStart = try MetricMessage.milliseconds(bytes, try cursor.part(wire, "StartTimestamp"))
      default: try cursor.skip(wire)
      }
    }
  }

  private mutating func decodeSummary(_ bytes: LentBytes, _ range: Range<Int>) throws(ExpositionError) {
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: "Summary")
      switch number {
      case 1: summaryCount = try cursor.integer(wire, "SampleCount")
      case 2: summarySum = try cursor.double(wire, "SampleSum")
      case 3: quantiles.append(try MetricMessage.quantile(bytes, try cursor.part(wire, "Quantile")))
      case 4: summaryStart = try MetricMessage.milliseconds(bytes, try cursor.part(wire, "StartTimestamp"))
      default: try cursor.skip(wire)
      }
    }
  }

  private static func quantile(_ bytes: LentBytes, _ range: Range<Int>) throws(ExpositionError) -> Quantile {
    var quantile = Quantile()
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: "Quantile")
      switch number {
      case 1: quantile.quantile = try cursor.double(wire, "Quantile")
      case 2: quantile.value = try cursor.double(wire, "Value")
      default: try cursor.skip(wire)
      }
    }
    return quantile
  }

  private mutating func decodeHistogram(_ bytes: LentBytes, _ range: Range<Int>) throws(ExpositionError) {
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: "Histogram")
      switch number {
      case 1: count = try cursor.integer(wire, "SampleCount")
      case 2: sum = try cursor.double(wire, "SampleSum")
      case 3: buckets.append(try MetricMessage.bucket(bytes, try cursor.part(wire, "Bucket")))
      case 4: floatCount = try cursor.double(wire, "SampleCountFloat")
      case 5:
        schema = Int32(truncatingIfNeeded: ProtobufCursor.zigzag(try cursor.integer(wire, "Schema") & 0xffff_ffff))
      case 6: zeroThreshold = try cursor.double(wire, "ZeroThreshold")
      case 7: zeroCount = try cursor.integer(wire, "ZeroCount")
      case 8: zeroFloatCount = try cursor.double(wire, "ZeroCountFloat")
      case 9: negativeSpans.append(try MetricMessage.span(bytes, try cursor.part(wire, "NegativeSpan")))
      case 10: try cursor.zigzags(wire, "NegativeDelta", to: &negativeDeltas)
      case 11: try cursor.doubles(wire, "NegativeCount", to: &negativeCounts)
      case 12: positiveSpans.append(try MetricMessage.span(bytes, try cursor.part(wire, "PositiveSpan")))
      case 13: try cursor.zigzags(wire, "PositiveDelta", to: &positiveDeltas)
      case 14: try cursor.doubles(wire, "PositiveCount", to: &positiveCounts)
      case 15: histogramStart = try MetricMessage.milliseconds(bytes, try cursor.part(wire, "StartTimestamp"))
      case 16:
        let exemplar = try cursor.part(wire, "Exemplars")
        _ = try ExemplarPart(bytes, exemplar)
        exemplars.append(Place(start: exemplar.lowerBound, end: exemplar.upperBound))
      default: try cursor.skip(wire)
      }
    }
  }

  private static func bucket(_ bytes: LentBytes, _ range: Range<Int>) throws(ExpositionError) -> Bucket {
    var bucket = Bucket()
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: "Bucket")
      switch number {
      case 1: bucket.count = try cursor.integer(wire, "CumulativeCount")
      case 2: bucket.upperBound = try cursor.double(wire, "UpperBound")
      case 3:
        let exemplar = try cursor.part(wire, "Exemplar")
        _ = try ExemplarPart(bytes, exemplar)
        (bucket.exemplarStart, bucket.exemplarEnd) = (exemplar.lowerBound, exemplar.upperBound)
      case 4: bucket.floatCount = try cursor.double(wire, "CumulativeCountFloat")
      default: try cursor.skip(wire)
      }
    }
    return bucket
  }

  private static func span(_ bytes: LentBytes, _ range: Range<Int>) throws(ExpositionError) -> BucketSpan {
    var span = BucketSpan(offset: 0, length: 0)
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: "BucketSpan")
      switch number {
      case 1:
        let offset = try cursor.integer(wire, "Offset") & 0xffff_ffff
        span.offset = Int32(truncatingIfNeeded: ProtobufCursor.zigzag(offset))
      case 2: span.length = UInt32(truncatingIfNeeded: try cursor.integer(wire, "Length"))
      default: try cursor.skip(wire)
      }
    }
    return span
  }

  /// A time as milliseconds; what does not fit is cut as Go cuts it.
  static func milliseconds(_ bytes: LentBytes, _ range: Range<Int>) throws(ExpositionError) -> Int64 {
    var (seconds, nanoseconds): (Int64, Int32) = (0, 0)
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: "Timestamp")
      switch number {
      case 1: seconds = Int64(bitPattern: try cursor.integer(wire, "Seconds"))
      case 2: nanoseconds = Int32(truncatingIfNeeded: try cursor.integer(wire, "Nanos"))
      default: try cursor.skip(wire)
      }
    }
    return seconds &* 1000 &+ Int64(nanoseconds / 1_000_000)
  }
}

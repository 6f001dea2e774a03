import Model

// A native histogram as remote write sends it, 1.0 and 2.0 alike:
//
//   1 count (uint64)  2 count (double)  3 sum  4 schema (sint32)  5 zero threshold  6 zero count (uint64)  7 (double)
//   8 negative spans*  9 negative deltas* (sint64)  10 negative counts* (double)
//   11 positive spans*  12 positive deltas*  13 positive counts*  14 reset hint  15 timestamp  16 custom bounds*
//   span  { 1 offset (sint32)  2 length (uint32) }

/// One histogram and when it was.
package struct HistogramMessage: Sendable {
  package var timestamp: Int64 = 0
  package var histogram = Histogram()
  /// True if its counts may be fractions.
  package var isFloat = false

  /// Nil where the bytes are no such message.
  package static func decode(_ bytes: UnsafeRawBufferPointer) -> HistogramMessage? {
    guard let base = bytes.baseAddress else { return HistogramMessage() }
    var reader = HistogramMessageReader()
    guard reader.read(WireCursor(at: base, end: base + bytes.count)) else { return nil }
    return reader.message
  }
}

private struct HistogramMessageReader {
  private var timestamp: Int64 = 0
  private var result = Histogram()
  private var isFloat = false
  private var positiveDeltas: [Int64] = []
  private var negativeDeltas: [Int64] = []
  private var positiveCounts: [Double] = []
  private var negativeCounts: [Double] = []
  /// Integers beyond 2^53 are not exact as floats.
  private var isExact = true

  mutating func read(_ whole: WireCursor) -> Bool {
    var cursor = whole
    while !cursor.isAtEnd {
      guard let tag = cursor.varint(), readField(tag, &cursor) else { return false }
    }
    return true
  }

  private mutating func readField(_ tag: UInt64, _ cursor: inout WireCursor) -> Bool {
    switch tag {
    case 0x08, 0x30, 0x20, 0x70, 0x78: return readInteger(tag, &cursor)
    case 0x11, 0x19, 0x29, 0x39: return readFloat(tag, &cursor)
    case 0x42: return HistogramMessageReader.readSpan(&cursor, into: &result.negativeSpans)
    case 0x5a: return HistogramMessageReader.readSpan(&cursor, into: &result.positiveSpans)
    case 0x48, 0x4a: return HistogramMessageReader.readDeltas(tag, &cursor, into: &negativeDeltas)
    case 0x60, 0x62: return HistogramMessageReader.readDeltas(tag, &cursor, into: &positiveDeltas)
    case 0x51, 0x52: return HistogramMessageReader.readCounts(tag, &cursor, into: &negativeCounts)
    case 0x69, 0x6a: return HistogramMessageReader.readCounts(tag, &cursor, into: &positiveCounts)
    case 0x81, 0x82:
      return HistogramMessageReader.readCounts(tag, &cursor, into: &result.customBounds)
    default: return HistogramMessageReader.skip(tag, &cursor)
    }
  }

  private mutating func readInteger(_ tag: UInt64, _ cursor: inout WireCursor) -> Bool {
    guard let value = cursor.varint() else { return false }
    switch tag {
    case 0x08:
      result.count = Double(value)
      isFloat = false
      isExact = isExact && value <= 1 << 53
    case 0x30: result.zeroCount = Double(value)
    case 0x20: result.schema = Int32(truncatingIfNeeded: HistogramMessageReader.zigzag(value))
    case 0x70: result.hint = CounterResetHint(rawValue: UInt8(truncatingIfNeeded: value)) ?? .unknown
    default: timestamp = Int64(bitPattern: value)
    }
    return true
  }

  private mutating func readFloat(_ tag: UInt64, _ cursor: inout WireCursor) -> Bool {
    guard let bits = cursor.fixed64() else { return false }
    let value = Double(bitPattern: bits)
    switch tag {
    case 0x11:
      result.count = value
      isFloat = true
    case 0x19: result.sum = value
    case 0x29: result.zeroThreshold = value
    default: result.zeroCount = value
    }
    return true
  }

  private static func zigzag(_ value: UInt64) -> Int64 { Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1) }

  private static func readSpan(_ cursor: inout WireCursor, into spans: inout [BucketSpan]) -> Bool {
    guard var fields = cursor.lengthDelimited() else { return false }
    var span = BucketSpan(offset: 0, length: 0)
    while !fields.isAtEnd {
      guard let tag = fields.varint() else { return false }
      switch tag {
      case 0x08:
        guard let value = fields.varint() else { return false }
        span.offset = Int32(truncatingIfNeeded: zigzag(value))
      case 0x10:
        guard let value = fields.varint() else { return false }
        span.length = UInt32(truncatingIfNeeded: value)
      default:
        guard skip(tag, &fields) else { return false }
      }
    }
    spans.append(span)
    return true
  }

  private static func readDeltas(_ tag: UInt64, _ cursor: inout WireCursor, into deltas: inout [Int64]) -> Bool {
    if tag & 7 == 0 {
      guard let value = cursor.varint() else { return false }
      deltas.append(zigzag(value))
      return true
    }
    guard var packed = cursor.lengthDelimited() else { return false }
    while !packed.isAtEnd {
      guard let value = packed.varint() else { return false }
      deltas.append(zigzag(value))
    }
    return true
  }

  private static func readCounts(_ tag: UInt64, _ cursor: inout WireCursor, into counts: inout [Double]) -> Bool {
    if tag & 7 == 1 {
      guard let bits = cursor.fixed64() else { return false }
      counts.append(Double(bitPattern: bits))
      return true
    }
    guard var packed = cursor.lengthDelimited() else { return false }
    while !packed.isAtEnd {
      guard let bits = packed.fixed64() else { return false }
      counts.append(Double(bitPattern: bits))
    }
    return true
  }

  private static func skip(_ tag: UInt64, _ cursor: inout WireCursor) -> Bool {
    guard tag >> 3 > 0, tag >> 3 < 1 << 29 else { return false }
    switch tag & 7 {
    case 0: return cursor.varint() != nil
    case 1: return cursor.fixed64() != nil
    case 2: return cursor.lengthDelimited() != nil
    default: return false
    }
  }

  /// Counts beyond what a float holds exactly are kept as what they round to.
  var message: HistogramMessage {
    var message = HistogramMessage()
    message.timestamp = timestamp
    message.isFloat = isFloat || !isExact
    message.histogram = result
    if isFloat {
      message.histogram.positiveBuckets = positiveCounts
      message.histogram.negativeBuckets = negativeCounts
    } else {
      message.histogram.positiveBuckets = HistogramMessageReader.counts(positiveDeltas)
      message.histogram.negativeBuckets = HistogramMessageReader.counts(negativeDeltas)
    }
    return message
  }

  private static func counts(_ deltas: [Int64]) -> [Double] {
    var count: Int64 = 0
    return deltas.map {
      count &+= $0
      return Double(count)
    }
  }
}

extension HistogramMessage {
  package init(_ timestamp: Int64, _ histogram: Histogram, isFloat: Bool) {
    self.timestamp = timestamp
    self.histogram = histogram
    self.isFloat = isFloat
  }

  /// Appends the fields of the message, without tag and length.
  package func encode(into output: inout ByteBuffer) {
    func double(_ tag: UInt8, _ value: Double) {
      output.append(tag)
      output.appendLittleEndian(value.bitPattern)
    }
    func integer(_ count: Double) -> UInt64 { UInt64(exactly: count.rounded()) ?? 0 }
    if isFloat {
      double(0x11, histogram.count)
    } else {
      output.append(0x08)
      output.appendUvarint(integer(histogram.count))
    }
    double(0x19, histogram.sum)
    output.append(0x20)
    output.appendVarint(Int64(histogram.schema))
    double(0x29, histogram.zeroThreshold)
    if isFloat {
      double(0x39, histogram.zeroCount)
    } else {
      output.append(0x30)
      output.appendUvarint(integer(histogram.zeroCount))
    }
    encodeSide(histogram.negativeSpans, histogram.negativeBuckets, field: 8, into: &output)
    encodeSide(histogram.positiveSpans, histogram.positiveBuckets, field: 11, into: &output)
    output.append(0x70)
    output.appendUvarint(UInt64(histogram.hint.rawValue))
    output.append(0x78)
    output.appendUvarint(UInt64(bitPattern: timestamp))
    if histogram.customBounds.isEmpty { return }
    output.append(0x82)
    output.append(0x01)
    output.appendUvarint(UInt64(histogram.customBounds.count * 8))
    for bound in histogram.customBounds { output.appendLittleEndian(bound.bitPattern) }
  }

  private func encodeSide(_ spans: [BucketSpan], _ counts: [Double], field: UInt8, into output: inout ByteBuffer) {
    var part = ByteBuffer(capacity: 64)
    for span in spans {
      part.removeAll()
      part.append(0x08)
      part.appendVarint(Int64(span.offset))
      part.append(0x10)
      part.appendUvarint(UInt64(span.length))
      output.append(field << 3 | 2)
      output.appendUvarint(UInt64(part.count))
      output.append(part.bytes)
    }
    if counts.isEmpty { return }
    part.removeAll()
    var before: Int64 = 0
    for count in counts {
      if isFloat {
        part.appendLittleEndian(count.bitPattern)
      } else {
        let whole = Int64(exactly: count.rounded()) ?? 0
        part.appendVarint(whole &- before)
        before = whole
      }
    }
    output.append((field + (isFloat ? 2 : 1)) << 3 | 2)
    output.appendUvarint(UInt64(part.count))
    output.append(part.bytes)
  }
}

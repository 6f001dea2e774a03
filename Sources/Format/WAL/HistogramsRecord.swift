import Model

// Native histograms, integer (7, 9) or float (8, 10), with exponential (7, 8) or custom buckets (9, 10).
//
//   kind <1>   base ref <8>   base timestamp <8>
//   then per histogram   ref - base <varint>   t - base <varint>   payload
//
//   payload:  reset hint <1>   schema <varint>   zero threshold <8>
//             zero count, count   <uvarint, uvarint>, in float payloads <8, 8>
//             sum <8>
//             positive spans, negative spans      count <uvarint>, then offset <varint> length <uvarint32> each
//             positive buckets, negative buckets  count <uvarint>, then <varint>, in float payloads <8>, each
//             custom bounds, only of schema -53   count <uvarint>, then <8> each
//
// Payloads are checked for their extent and handed on as they are.

/// Encodes histograms of one kind one after the other. A value; start a new one per record.
package struct HistogramsRecord: Sendable {
  package let kind: RecordKind
  private var baseRef: UInt64 = 0
  private var baseTimestamp: Int64 = 0
  package private(set) var count = 0

  package init(_ kind: RecordKind) {
    precondition(kind.isHistogram, "not a histogram record")
    self.kind = kind
  }

  /// `payload` as described above, in the form of this record's kind.
  package mutating func append(
    ref: UInt64, timestamp: Int64, payload: LentBytes, to output: inout ByteBuffer
  ) {
    if count == 0 {
      baseRef = ref
      baseTimestamp = timestamp
      output.append(kind.rawValue)
      output.appendBigEndian(ref)
      output.appendBigEndian(timestamp)
    }
    output.appendVarint(Int64(bitPattern: ref &- baseRef))
    output.appendVarint(timestamp &- baseTimestamp)
    output.append(payload)
    count += 1
  }

  static func decode(
    _ kind: RecordKind, _ body: ByteReader, bodyOffset: Int, into rows: inout [HistogramRow]
  ) -> Bool {
    if body.isAtEnd { return true }
    var reader = body
    guard let baseRef = reader.bigEndian(UInt64.self), let baseTimestamp = reader.bigEndian(Int64.self) else {
      return false
    }
    while !reader.isAtEnd {
      guard let refDelta = reader.varint(), let timestampDelta = reader.varint() else { return false }
      let start = reader.offset
      guard HistogramPayload.skip(&reader, isFloat: kind.isFloatHistogram) else { return false }
      rows.append(
        HistogramRow(
          kind: kind, ref: baseRef &+ UInt64(bitPattern: refDelta), timestamp: baseTimestamp &+ timestampDelta,
          payload: (bodyOffset + start)..<(bodyOffset + reader.offset)))
    }
    return true
  }
}

/// One histogram of a decoded record; the payload lies inside the bytes that `RecordColumns` keeps.
package struct HistogramRow: Sendable {
  package var kind: RecordKind
  package var ref: UInt64
  package var timestamp: Int64
  package var payload: Range<Int>
}

extension RecordKind {
  package var isHistograms: Bool {
    switch self {
    case .histograms, .floatHistograms, .customBucketHistograms, .customBucketFloatHistograms: true
    default: false
    }
  }
  package var isFloatHistogram: Bool { self == .floatHistograms || self == .customBucketFloatHistograms }
}

/// The extent of a payload, without giving it a meaning.
package enum HistogramPayload {
  package static let customBucketsSchema: Int64 = -53

  /// Steps over one payload; false where it is cut or its numbers do not fit.
  package static func skip(_ reader: inout ByteReader, isFloat: Bool) -> Bool {
    guard reader.byte() != nil, let schema = reader.varint(), reader.take(8) != nil,
      isFloat ? reader.take(16) != nil : (reader.uvarint() != nil && reader.uvarint() != nil),
      reader.take(8) != nil,
      skipSpans(&reader), skipSpans(&reader),
      skipBuckets(&reader, isFloat: isFloat), skipBuckets(&reader, isFloat: isFloat)
    else { return false }
    return schema != customBucketsSchema || skipBuckets(&reader, isFloat: true)
  }

  private static func skipSpans(_ reader: inout ByteReader) -> Bool {
    guard let count = reader.uvarint(), count <= UInt64(reader.remaining / 2) else { return false }
    for _ in 0..<count {
      guard reader.varint() != nil, let length = reader.uvarint(), length <= UInt64(UInt32.max) else { return false }
    }
    return true
  }

  private static func skipBuckets(_ reader: inout ByteReader, isFloat: Bool) -> Bool {
    guard let count = reader.uvarint(), count <= UInt64(reader.remaining) else { return false }
    if isFloat { return reader.take(8 * Int(count)) != nil }
    for _ in 0..<count where reader.varint() == nil { return false }
    return true
  }
}

import Model

// Exemplars: as samples, and each with labels of its own.
//
//   4 <1>   base ref <8>   base timestamp <8>
//   then per exemplar   ref - base <varint>   t - base <varint>   value <8>   label count <uvarint>   packed labels

/// Encodes exemplars one after the other. A value; start a new one per record.
package struct ExemplarsRecord: Sendable {
  private var baseRef: UInt64 = 0
  private var baseTimestamp: Int64 = 0
  package private(set) var count = 0

  package init() {}

  package mutating func append(
    ref: UInt64, timestamp: Int64, value: Double, labelCount: Int, packedLabels: LentBytes,
    to output: inout ByteBuffer
  ) {
    if count == 0 {
      baseRef = ref
      baseTimestamp = timestamp
      output.append(RecordKind.exemplars.rawValue)
      output.appendBigEndian(ref)
      output.appendBigEndian(timestamp)
    }
    output.appendVarint(Int64(bitPattern: ref &- baseRef))
    output.appendVarint(timestamp &- baseTimestamp)
    output.appendBigEndian(value.bitPattern)
    output.appendUvarint(UInt64(labelCount))
    output.append(packedLabels)
    count += 1
  }

  package mutating func append(
    ref: UInt64, timestamp: Int64, value: Double, labels: Labels, to output: inout ByteBuffer
  ) {
    labels.packed.lend {
      append(
        ref: ref, timestamp: timestamp, value: value, labelCount: labels.count, packedLabels: $0, to: &output)
    }
  }

  static func decode(_ body: ByteReader, bodyOffset: Int, into rows: inout [ExemplarRow]) -> Bool {
    if body.isAtEnd { return true }
    var reader = body
    guard let baseRef = reader.bigEndian(UInt64.self), let baseTimestamp = reader.bigEndian(Int64.self) else {
      return false
    }
    while !reader.isAtEnd {
      guard let refDelta = reader.varint(), let timestampDelta = reader.varint(),
        let bits = reader.bigEndian(UInt64.self), let labels = LabelRange(&reader, bodyOffset: bodyOffset)
      else { return false }
      rows.append(
        ExemplarRow(
          ref: baseRef &+ UInt64(bitPattern: refDelta), timestamp: baseTimestamp &+ timestampDelta,
          value: Double(bitPattern: bits), labels: labels))
    }
    return true
  }
}

package struct ExemplarRow: Sendable {
  package var ref: UInt64
  package var timestamp: Int64
  package var value: Double
  package var labels: LabelRange
}

import Model

// New series: the reference that samples use from now on, and the labels.
//
//   1 <1>   then per series   ref <8>   label count <uvarint>   packed labels
//
// Packed labels are what `Labels.packed` holds: length and bytes of each name and value, sorted by name.

package enum SeriesRecord {
  /// Begins a record at the end of `output`.
  package static func begin(_ output: inout ByteBuffer) { output.append(RecordKind.series.rawValue) }

  /// Appends one series to the record that was begun.
  package static func append(
    ref: UInt64, labelCount: Int, packedLabels: LentBytes, to output: inout ByteBuffer
  ) {
    output.appendBigEndian(ref)
    output.appendUvarint(UInt64(labelCount))
    output.append(packedLabels)
  }

  package static func append(ref: UInt64, labels: Labels, to output: inout ByteBuffer) {
    labels.packed.lend {
      append(ref: ref, labelCount: labels.count, packedLabels: $0, to: &output)
    }
  }

  /// Appends the series of a record without its kind byte. Rows point into `body`, shifted by `bodyOffset`.
  static func decode(_ body: ByteReader, bodyOffset: Int, into rows: inout [SeriesRow]) -> Bool {
    var reader = body
    while !reader.isAtEnd {
      guard let ref = reader.bigEndian(UInt64.self), let labels = LabelRange(&reader, bodyOffset: bodyOffset) else {
        return false
      }
      rows.append(SeriesRow(ref: ref, labels: labels))
    }
    return true
  }
}

/// One series of a decoded record.
package struct SeriesRow: Sendable {
  package var ref: UInt64
  package var labels: LabelRange
}

/// Packed labels inside the bytes that `RecordColumns` keeps.
package struct LabelRange: Sendable, Equatable {
  package var offset: Int
  package var bytes: Int
  package var labelCount: Int

  /// Reads count and labels; nil where they are cut or a length is longer than it must be (equal labels would not
  /// be equal bytes any more).
  init?(_ reader: inout ByteReader, bodyOffset: Int) {
    guard let count = reader.uvarint(), count <= UInt64(reader.remaining / 2) else { return nil }
    let start = reader.offset
    for _ in 0..<(2 * count) {
      let before = reader.offset
      guard let length = reader.uvarint(), length <= UInt64(reader.remaining),
        reader.offset - before == uvarintBytes(length), reader.take(Int(length)) != nil
      else { return nil }
    }
    offset = bodyOffset + start
    bytes = reader.offset - start
    labelCount = Int(count)
  }
}

/// The bytes of an unsigned varint in its shortest form.
private func uvarintBytes(_ value: UInt64) -> Int {
  value < 0x80 ? 1 : (64 - value.leadingZeroBitCount + 6) / 7
}

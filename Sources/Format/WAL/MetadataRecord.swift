import Model

// What is known of a series' metric: its type, unit and help.
//
//   6 <1>   then per series   ref <uvarint>   type <1>   field count <uvarint>
//           then per field    name length <uvarint>   name   value length <uvarint>   value
//
// Fields are named "UNIT" and "HELP"; others are stepped over.

/// The metric types as numbered in the record.
package enum WALMetricType: UInt8, Sendable, CaseIterable {
  case unknown = 0
  case counter = 1
  case gauge = 2
  case histogram = 3
  case gaugeHistogram = 4
  case summary = 5
  case info = 6
  case stateSet = 7
}

/// Metadata of one series in a decoded record; the texts lie inside the bytes that `RecordColumns` keeps.
package struct MetadataRow: Sendable {
  package var ref: UInt64
  package var type: WALMetricType
  package var unit: Range<Int>
  package var help: Range<Int>
}

package enum MetadataRecord {
  private static let unitName = Array("UNIT".utf8)
  private static let helpName = Array("HELP".utf8)

  package static func begin(_ output: inout ByteBuffer) { output.append(RecordKind.metadata.rawValue) }

  package static func append(
    ref: UInt64, type: WALMetricType, unit: LentBytes, help: LentBytes,
    to output: inout ByteBuffer
  ) {
    output.appendUvarint(ref)
    output.append(type.rawValue)
    output.appendUvarint(2)
    unitName.lend { append(text: $0, to: &output) }
    append(text: unit, to: &output)
    helpName.lend { append(text: $0, to: &output) }
    append(text: help, to: &output)
  }

  private static func append(text: LentBytes, to output: inout ByteBuffer) {
    output.appendUvarint(UInt64(text.count))
    output.append(text)
  }

  static func decode(_ body: ByteReader, bodyOffset: Int, into rows: inout [MetadataRow]) -> Bool {
    var reader = body
    while !reader.isAtEnd {
      guard let ref = reader.uvarint(), let type = reader.byte(), let fields = reader.uvarint(),
        fields <= UInt64(reader.remaining / 2)
      else { return false }
      let empty = bodyOffset..<bodyOffset
      var row = MetadataRow(ref: ref, type: WALMetricType(rawValue: type) ?? .unknown, unit: empty, help: empty)
      for _ in 0..<fields {
        guard let name = text(&reader, bodyOffset), let value = text(&reader, bodyOffset) else { return false }
        let nameBytes = body.bytes[(name.lowerBound - bodyOffset)..<(name.upperBound - bodyOffset)]
        if nameBytes.elementsEqual(unitName) { row.unit = value }
        if nameBytes.elementsEqual(helpName) { row.help = value }
      }
      rows.append(row)
    }
    return true
  }

  private static func text(_ reader: inout ByteReader, _ bodyOffset: Int) -> Range<Int>? {
    guard let length = reader.uvarint(), length <= UInt64(reader.remaining) else { return nil }
    let start = bodyOffset + reader.offset
    guard reader.take(Int(length)) != nil else { return nil }
    return start..<(start + Int(length))
  }
}

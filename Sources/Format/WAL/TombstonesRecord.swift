// Deleted intervals of series:   3 <1>   then per interval   ref <8>   from <varint>   to <varint>

package struct TombstoneRow: Sendable, Equatable {
  package var ref: UInt64
  /// Both ends belong to the interval; milliseconds.
  package var minTime: Int64
  package var maxTime: Int64

  package init(ref: UInt64, minTime: Int64, maxTime: Int64) {
    self.ref = ref
    self.minTime = minTime
    self.maxTime = maxTime
  }
}

package enum TombstonesRecord {
  package static func begin(_ output: inout ByteBuffer) { output.append(RecordKind.tombstones.rawValue) }

  package static func append(_ row: TombstoneRow, to output: inout ByteBuffer) {
    output.appendBigEndian(row.ref)
    output.appendVarint(row.minTime)
    output.appendVarint(row.maxTime)
  }

  static func decode(_ body: ByteReader, into rows: inout [TombstoneRow]) -> Bool {
    var reader = body
    while !reader.isAtEnd {
      guard let ref = reader.bigEndian(UInt64.self), let from = reader.varint(), let to = reader.varint() else {
        return false
      }
      rows.append(TombstoneRow(ref: ref, minTime: from, maxTime: to))
    }
    return true
  }
}

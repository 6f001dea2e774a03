// Only in the log of out-of-order samples: the samples of a series up to here are in a head chunk.
//
//   5 <1>   then per series   ref <8>   head chunk reference <8>

package struct MmapMarkerRow: Sendable, Equatable {
  package var ref: UInt64
  package var chunk: UInt64

  package init(ref: UInt64, chunk: UInt64) {
    self.ref = ref
    self.chunk = chunk
  }
}

package enum MmapMarkersRecord {
  package static func begin(_ output: inout ByteBuffer) { output.append(RecordKind.mmapMarkers.rawValue) }

  package static func append(_ row: MmapMarkerRow, to output: inout ByteBuffer) {
    output.appendBigEndian(row.ref)
    output.appendBigEndian(row.chunk)
  }

  static func decode(_ body: ByteReader, into rows: inout [MmapMarkerRow]) -> Bool {
    var reader = body
    while !reader.isAtEnd {
      guard let ref = reader.bigEndian(UInt64.self), let chunk = reader.bigEndian(UInt64.self) else { return false }
      rows.append(MmapMarkerRow(ref: ref, chunk: chunk))
    }
    return true
  }
}

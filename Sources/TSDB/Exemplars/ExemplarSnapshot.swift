import Format
import Model
import Platform

// The exemplars in a snapshot of the head (`HeadSnapshotWriter` has the layout of the file). Their series are told by
// their labels, since some have left the head already.
//
//   exemplar series (kind 3)   number uvarint  labels: bytes uvarint, packed
//   exemplars (kind 4)         number of the series uvarint  time varint  value u64  labels: bytes uvarint, packed
//
// The series come first; the exemplars are in the order they came.

enum ExemplarSnapshot {
  static let seriesKind: UInt8 = 3
  static let exemplarKind: UInt8 = 4
  /// Exemplars copied out under one lock.
  private static let exemplarsPerLockMax = 1024

  /// Encodes what the ring holds now; `finish` writes the block out and empties it. Exemplars that come meanwhile are
  /// behind the snapshot's position in the log; it leaves out those that go meanwhile.
  static func write(
    _ head: Head, _ block: inout ByteBuffer, finish: (UInt8, inout ByteBuffer) throws(DiskError) -> Void
  ) throws(DiskError) {
    let (series, first, count) = head.exemplars.withLock { ($0.numberedSeries(), $0.first, $0.count) }
    for (number, labels) in series.sorted(by: { $0.number < $1.number }) {
      block.appendUvarint(UInt64(number))
      append(labels.packed, to: &block)
      if block.count >= HeadSnapshotLayout.blockBytes { try finish(seriesKind, &block) }
    }
    try finish(seriesKind, &block)
    var place = 0
    while place < count {
      let part = place..<min(place + exemplarsPerLockMax, count)
      head.exemplars.withLock { ring in
        for place in part {
          let number = first &+ UInt32(place)
          if ring.holds(number) { ring.encode(number, into: &block) }
        }
      }
      if block.count >= HeadSnapshotLayout.blockBytes { try finish(exemplarKind, &block) }
      place = part.upperBound
    }
    try finish(exemplarKind, &block)
  }

  private static func append(_ bytes: [UInt8], to block: inout ByteBuffer) {
    block.appendUvarint(UInt64(bytes.count))
    block.append(bytes)
  }
}

extension ExemplarRing {
  fileprivate func encode(_ number: UInt32, into block: inout ByteBuffer) {
    let entry = pointer(number).pointee
    block.appendUvarint(UInt64(entry.series))
    block.appendVarint(entry.time)
    block.appendLittleEndian(entry.value)
    block.appendUvarint(UInt64(entry.labelBytes))
    block.append(labels(of: entry))
  }
}

/// Brings the exemplars of a snapshot back, block by block. One owner.
struct ExemplarSnapshotReader {
  private var labels: [UInt64: Labels] = [:]

  /// Reads one item of a block of either kind; false if it does not decode.
  mutating func restore(_ kind: UInt8, _ reader: inout ByteReader, to head: Head) -> Bool {
    guard let number = reader.uvarint() else { return false }
    if kind == ExemplarSnapshot.seriesKind {
      guard let read = ExemplarSnapshotReader.labels(&reader) else { return false }
      labels[number] = read
      return true
    }
    guard let series = labels[number], let time = reader.varint(), let value = reader.littleEndian(UInt64.self),
      let own = ExemplarSnapshotReader.labels(&reader)
    else { return false }
    return own.packed.lend { bytes in
      let exemplar = NewExemplar(labels: bytes.raw, time: time, value: value)
      if exemplar.fault != nil { return false }
      _ = head.exemplars.withLock { $0.append(exemplar, reference: 0, labels: series, restoring: true) }
      return true
    }
  }

  private static func labels(_ reader: inout ByteReader) -> Labels? {
    guard let length = reader.uvarint(), let bytes = reader.take(Int(clamping: length)) else { return nil }
    return Labels(checking: bytes)
  }
}

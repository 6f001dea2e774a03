import Format
import Model
import Platform

/// Why a snapshot is not used.
struct HeadSnapshotFault: Error, Equatable, CustomStringConvertible {
  var description: String
}

/// Reads a snapshot into a head (layout: `HeadSnapshotWriter`). Verified as a whole before the first series is made, so
/// that a damaged one leaves no trace.
struct HeadSnapshotReader {
  private let file: MappedFile
  let wal: WALPosition
  let wbl: WALPosition
  private let blocks: [(kind: UInt8, bytes: Range<Int>)]
  let seriesCount: Int

  /// Checks every checksum.
  init(_ file: MappedFile) throws(HeadSnapshotFault) {
    self.file = file
    let bytes = file.bytes
    guard bytes.count >= HeadSnapshotLayout.headerBytes, bytes.starts(with: HeadSnapshotLayout.magic) else {
      throw HeadSnapshotFault(description: "not a snapshot")
    }
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[8...]))
    guard let version = reader.littleEndian(UInt32.self), version >= HeadSnapshotLayout.oldestVersion,
      version <= HeadSnapshotLayout.version
    else {
      throw HeadSnapshotFault(description: "of another version")
    }
    var numbers: [UInt64] = []
    for _ in 0..<4 { numbers.append(reader.littleEndian(UInt64.self) ?? 0) }
    let checked = UnsafeRawBufferPointer(rebasing: bytes[..<(HeadSnapshotLayout.headerBytes - 4)])
    guard reader.littleEndian(UInt32.self) == checksum(checked), numbers.allSatisfy({ $0 <= UInt64(Int.max) }) else {
      throw HeadSnapshotFault(description: "the header is damaged")
    }
    wal = WALPosition(segment: Int(numbers[0]), offset: Int(numbers[1]))
    wbl = WALPosition(segment: Int(numbers[2]), offset: Int(numbers[3]))
    (blocks, seriesCount) = try HeadSnapshotReader.checkBlocks(bytes)
  }

  private static func checkBlocks(_ bytes: UnsafeRawBufferPointer) throws(HeadSnapshotFault) -> (
    [(kind: UInt8, bytes: Range<Int>)], Int
  ) {
    var blocks: [(kind: UInt8, bytes: Range<Int>)] = []
    var offset = HeadSnapshotLayout.headerBytes
    while bytes.count - offset >= 9 {
      let kind = bytes[offset]
      let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt32.self)))
      let payload = (offset + 5)..<(offset + 5 + length)
      guard length <= HeadSnapshotLayout.blockBytesMax, payload.upperBound + 4 <= bytes.count else { break }
      let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: payload.upperBound, as: UInt32.self))
      guard checksum(UnsafeRawBufferPointer(rebasing: bytes[offset..<payload.upperBound])) == stored else { break }
      if kind == 0 {
        guard length == 8 else { break }
        return (
          blocks, Int(UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: payload.lowerBound, as: UInt64.self)))
        )
      }
      blocks.append((kind, payload))
      offset = payload.upperBound + 4
    }
    throw HeadSnapshotFault(description: "damaged at byte \(offset)")
  }

  /// Makes the series of the snapshot. Throws where a checksummed block does not read as the layout says, which only
  /// another program's file can do; the head must not be used then.
  func restore(with restorer: HeadRestorer) throws(HeadSnapshotFault) {
    var exemplars = ExemplarSnapshotReader()
    for block in blocks {
      var reader = ByteReader(UnsafeRawBufferPointer(rebasing: file.bytes[block.bytes]))
      while !reader.isAtEnd {
        if block.kind == ExemplarSnapshot.seriesKind || block.kind == ExemplarSnapshot.exemplarKind {
          guard exemplars.restore(block.kind, &reader, to: restorer.head) else {
            throw HeadSnapshotFault(description: "an exemplar does not decode")
          }
          continue
        }
        if block.kind == 2 {
          guard restorer.restoreHistograms(&reader) else {
            throw HeadSnapshotFault(description: "a chunk of histograms does not decode")
          }
          continue
        }
        guard let length = reader.uvarint(), let packed = reader.take(Int(clamping: length)),
          restorer.restoreSeries(packed, &reader)
        else { throw HeadSnapshotFault(description: "a series does not decode") }
      }
    }
  }
}

extension HeadRestorer {
  /// Gives a series its histograms; false where they do not decode.
  fileprivate func restoreHistograms(_ reader: inout ByteReader) -> Bool {
    guard let reference = reader.uvarint(), let count = reader.uvarint() else { return false }
    let location = map.find(reference)
    for _ in 0..<count {
      guard let encoding = reader.byte(), let length = reader.uvarint(), let bytes = reader.take(Int(clamping: length))
      else { return false }
      var column = HistogramColumn()
      let isLate = encoding & HeadSnapshotLayout.lateBit != 0
      guard HistogramChunk.decode(bytes, encoding: encoding & ~HeadSnapshotLayout.lateBit, into: &column) else {
        return false
      }
      // The log that follows on the snapshot names series that came while it was written.
      if location.isNone { continue }
      for place in 0..<column.count {
        restore(
          column.times[place], column.values[place], isFloat: column.areFloats[place], isLate: isLate, to: location)
      }
    }
    return true
  }

  /// Makes one series from its labels and the state that follows; nil where that does not decode.
  fileprivate func restoreSeries(_ packed: UnsafeRawBufferPointer, _ reader: inout ByteReader) -> Bool {
    guard let reference = reader.uvarint(), reference > 0 else { return false }
    let chunks = takeUnclaimed(reference)
    let location = addSeries(reference, packed)
    if location.isNone { return false }
    let decoded = head.shards[location.shard].state.withLock { $0.decode(location.slot, &reader) }
    guard let decoded else { return false }
    head.newestTime.max(decoded.newest, ordering: .relaxed)
    if decoded.oldest != .max { head.oldestTime.min(decoded.oldest, ordering: .relaxed) }
    if let chunks { attach(chunks, to: location) }
    return true
  }
}

extension HeadShard {
  /// Reads a series' state into its (new) record; nil where it does not decode.
  fileprivate mutating func decode(_ slot: UInt32, _ reader: inout ByteReader) -> (oldest: Int64, newest: Int64)? {
    let record = records.pointer(slot)
    guard let flags = reader.byte(), let count = reader.uvarint(), count <= UInt64(UInt16.max),
      let lastTime = reader.varint(), let lastValue = reader.littleEndian(UInt64.self)
    else { return nil }
    record.pointee.flags = flags & ~HeadSeries.isFree
    record.pointee.tail = XORTail(lastTime: lastTime, lastValue: lastValue, count: UInt16(count))
    var oldest = Int64.max
    if count > 0 {
      guard decodeOpenChunk(record, &reader) else { return nil }
      oldest = record.pointee.chunkStart
      chunkCount += 1
    }
    guard decodeChunks(record, slot, &reader, &oldest), decodeLate(record, slot, &reader, &oldest) else { return nil }
    return (oldest, record.pointee.has(HeadSeries.isEmpty) ? .min : lastTime)
  }

  private mutating func decodeOpenChunk(_ record: UnsafeMutablePointer<HeadSeries>, _ reader: inout ByteReader) -> Bool
  {
    guard let start = reader.varint(), let cutAfter = reader.littleEndian(UInt32.self),
      let timeDelta = reader.littleEndian(UInt32.self), let bitCount = reader.littleEndian(UInt16.self),
      let leading = reader.byte(), let trailing = reader.byte(), let length = reader.uvarint(),
      let bytes = reader.take(Int(clamping: length))
    else { return false }
    record.pointee.chunkStart = start
    record.pointee.cutAfter = cutAfter
    record.pointee.tail.timeDelta = timeDelta
    record.pointee.tail.bitCount = bitCount
    record.pointee.tail.leading = leading
    record.pointee.tail.trailing = trailing
    if bytes.isEmpty { return true }
    guard bytes.count == record.pointee.tail.byteCount, let cell = store(bytes) else { return false }
    record.pointee.slab = cell.reference
    record.pointee.sizeClass = cell.sizeClass
    return true
  }

  private mutating func decodeChunks(
    _ record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32, _ reader: inout ByteReader, _ oldest: inout Int64
  ) -> Bool {
    guard let count = reader.uvarint() else { return false }
    for _ in 0..<count {
      guard let start = reader.varint(), let span = reader.littleEndian(UInt32.self), let flags = reader.byte(),
        let length = reader.uvarint(), let bytes = reader.take(Int(clamping: length)), let cell = store(bytes)
      else { return false }
      let chunk = SeriesChunk(
        start: start, span: span, file: SeriesChunk.inMemory, offset: cell.reference, byteCount: UInt16(bytes.count),
        sizeClass: cell.sizeClass, flags: flags & SeriesChunk.isLate)
      guard addChunk(chunk, to: record) else { return false }
      completed.append(CompletedChunk(slot: slot, reference: record.pointee.reference, slab: cell.reference))
      chunkCount += 1
      oldest = min(oldest, start)
    }
    return true
  }

  private mutating func decodeLate(
    _ record: UnsafeMutablePointer<HeadSeries>, _ slot: UInt32, _ reader: inout ByteReader, _ oldest: inout Int64
  ) -> Bool {
    guard let count = reader.uvarint(), count <= UInt64(SeriesHistory.lateSamplesMax) else { return false }
    for _ in 0..<count {
      guard let time = reader.varint(), let value = reader.littleEndian(UInt64.self) else { return false }
      guard insertLate(record, slot, time: time, value: value) != .exhausted else { return false }
      oldest = min(oldest, time)
    }
    return true
  }

  private mutating func store(_ bytes: UnsafeRawBufferPointer) -> (reference: UInt32, sizeClass: UInt8)? {
    guard !bytes.isEmpty, bytes.count <= SlabArena.sizes[SlabArena.sizes.count - 1] else { return nil }
    let sizeClass = SlabArena.sizeClass(for: bytes.count)
    guard let reference = slabs.allocate(sizeClass) else { return nil }
    UnsafeMutableRawPointer(slabs.pointer(reference)).copyMemory(
      from: bytes.baseAddress.unsafelyUnwrapped, byteCount: bytes.count)
    return (reference, sizeClass)
  }
}

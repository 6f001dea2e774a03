import Format
import Model
import Platform

/// The reason why a snapshot is not used at all.
struct HeadSnapshotDamage: Error, Equatable, CustomStringConvertible {
  var description: String
}

/// Reads a snapshot into a head (layout: `HeadSnapshotWriter`). Every checksum is verified before the first series is
/// made. From a damaged snapshot it uses the intact blocks; since nobody knows what the others held, all of the log
/// must follow.
struct HeadSnapshotReader {
  private let file: MappedFile
  /// The position from which a start reads the log after the snapshot; nil if the header is damaged.
  private(set) var wal: WALPosition?
  private(set) var wbl: WALPosition?
  private var blocks: [(kind: UInt8, bytes: Range<Int>)] = []
  /// The number of series that the snapshot's last block states; 0 if that block is missing.
  private(set) var seriesCount = 0
  /// The head-chunk files as the snapshot found them; nil in snapshots of older versions, and if the block is damaged.
  private(set) var inventory: HeadChunkInventory?
  /// The first damage found in the snapshot; nil if none was found.
  private(set) var damage: String?

  /// Throws if nothing can be read of it.
  init(_ file: MappedFile) throws(HeadSnapshotDamage) {
    self.file = file
    let bytes = file.bytes
    if bytes.isEmpty { throw HeadSnapshotDamage(description: "it is empty") }
    guard bytes.count >= HeadSnapshotLayout.headerBytes else {
      throw HeadSnapshotDamage(description: "it is too short")
    }
    try readHeader(bytes)
    readBlocks(bytes)
    if damage != nil && blocks.isEmpty { throw HeadSnapshotDamage(description: damage ?? "") }
    for block in blocks where block.kind == HeadChunkInventory.blockKind {
      var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[block.bytes]))
      inventory = HeadChunkInventory(&reader)
    }
  }

  /// The positions up to which the snapshot holds what the logs say; reads the header alone. Nil if the header is
  /// damaged.
  static func positions(_ file: MappedFile) throws(HeadSnapshotDamage) -> (wal: WALPosition, wbl: WALPosition)? {
    guard file.bytes.count >= HeadSnapshotLayout.headerBytes else {
      throw HeadSnapshotDamage(description: "it is too short")
    }
    var reader = HeadSnapshotReader(headerOf: file)
    try reader.readHeader(file.bytes)
    guard let wal = reader.wal, let wbl = reader.wbl else { return nil }
    return (wal, wbl)
  }

  private init(headerOf file: MappedFile) { self.file = file }

  private mutating func readHeader(_ bytes: UnsafeRawBufferPointer) throws(HeadSnapshotDamage) {
    let checked = UnsafeRawBufferPointer(rebasing: bytes[..<(HeadSnapshotLayout.headerBytes - 4)])
    var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[8..<HeadSnapshotLayout.headerBytes]))
    let version = reader.littleEndian(UInt32.self) ?? 0
    var numbers: [UInt64] = []
    for _ in 0..<4 { numbers.append(reader.littleEndian(UInt64.self) ?? 0) }
    guard reader.littleEndian(UInt32.self) == checksum(checked), bytes.starts(with: HeadSnapshotLayout.magic),
      numbers.allSatisfy({ $0 <= UInt64(Int.max) })
    else {
      damage = "its header is damaged"
      return
    }
    guard version >= HeadSnapshotLayout.oldestVersion, version <= HeadSnapshotLayout.version else {
      throw HeadSnapshotDamage(description: "it is of version \(version), which this program does not know")
    }
    wal = WALPosition(segment: Int(numbers[0]), offset: Int(numbers[1]))
    wbl = WALPosition(segment: Int(numbers[2]), offset: Int(numbers[3]))
  }

  /// Notes the intact blocks. A block whose length is damaged hides those behind it.
  private mutating func readBlocks(_ bytes: UnsafeRawBufferPointer) {
    var offset = HeadSnapshotLayout.headerBytes
    while bytes.count - offset >= 9 {
      let kind = bytes[offset]
      let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: offset + 1, as: UInt32.self)))
      let payload = (offset + 5)..<(offset + 5 + length)
      guard length <= HeadSnapshotLayout.blockBytesMax, payload.upperBound + 4 <= bytes.count else { break }
      let stored = UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: payload.upperBound, as: UInt32.self))
      if checksum(UnsafeRawBufferPointer(rebasing: bytes[offset..<payload.upperBound])) != stored {
        note("a block of \(length) bytes at byte \(offset) is damaged")
      } else if kind == 0 {
        if length == 8 {
          seriesCount = Int(
            clamping: UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: payload.lowerBound, as: UInt64.self)))
          return
        }
        break
      } else {
        blocks.append((kind, payload))
      }
      offset = payload.upperBound + 4
    }
    note("it ends at byte \(offset) without its last block")
  }

  private mutating func note(_ text: String) { damage = damage ?? text }

  /// Makes the series of the snapshot. If a block does not decode, which only another program's file can cause, it
  /// leaves out the rest of that block and says so in `damage`.
  mutating func restore(with restorer: HeadRestorer) {
    var exemplars = ExemplarSnapshotReader()
    for block in blocks where block.kind != HeadChunkInventory.blockKind {
      var reader = ByteReader(UnsafeRawBufferPointer(rebasing: file.bytes[block.bytes]))
      while !reader.isAtEnd {
        let isRead: Bool =
          switch block.kind {
          case ExemplarSnapshot.seriesKind, ExemplarSnapshot.exemplarKind:
            exemplars.restore(block.kind, &reader, to: restorer.head)
          case 2: restorer.restoreHistograms(&reader)
          case HeadSnapshotLayout.secondReferencesKind: restorer.restoreSecondReference(&reader)
          case HeadSnapshotLayout.nextReferenceKind: restorer.restoreNextReference(&reader)
          default: restorer.restoreNextSeries(&reader)
          }
        if isRead { continue }
        // Exemplars whose series was in a damaged block have told of that already.
        note("a block of kind \(block.kind) does not decode")
        break
      }
    }
  }
}

extension HeadRestorer {
  /// Gives a series its histograms; false if they do not decode.
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

  fileprivate func restoreSecondReference(_ reader: inout ByteReader) -> Bool {
    guard let second = reader.uvarint(), let first = reader.uvarint() else { return false }
    addReference(second, to: first)
    return true
  }

  fileprivate func restoreNextReference(_ reader: inout ByteReader) -> Bool {
    guard let next = reader.littleEndian(UInt64.self) else { return false }
    if next > 0 { noteReference(next - 1) }
    return true
  }

  fileprivate func restoreNextSeries(_ reader: inout ByteReader) -> Bool {
    guard let length = reader.uvarint(), let packed = reader.take(Int(clamping: length)), Labels.isPacked(packed)
    else { return false }
    return restoreSeries(packed, &reader)
  }

  /// Makes one series from its labels and the state that follows; false if that does not decode.
  private func restoreSeries(_ packed: UnsafeRawBufferPointer, _ reader: inout ByteReader) -> Bool {
    guard let reference = reader.uvarint(), reference > 0 else { return false }
    let chunks = takeUnclaimed(reference)
    let location = addSeries(reference, packed)
    if location.isNone { return false }
    let decoded = head.shards[location.shard].state.withLock { state in
      let decoded = state.decode(location.slot, &reader)
      if decoded == nil { state.forget(location.slot) }
      return decoded
    }
    guard let decoded else {
      if let chunks { attach(chunks, to: location) }
      return false
    }
    head.newestTime.max(decoded.newest, ordering: .relaxed)
    if decoded.oldest != .max { head.oldestTime.min(decoded.oldest, ordering: .relaxed) }
    if let chunks { attach(chunks, to: location) }
    return true
  }
}

extension HeadShard {
  /// Empties a record: half a state must not be read as a complete one.
  fileprivate mutating func forget(_ slot: UInt32) {
    let record = records.pointer(slot)
    freeMemory(of: record)
    record.pointee.tail = XORTail()
    record.pointee.flags = HeadSeries.isEmpty
    completed.removeAll { $0.slot == slot }
  }

  /// Reads a series' state into its (new) record; nil if it does not decode, or is none that a head can have.
  fileprivate mutating func decode(_ slot: UInt32, _ reader: inout ByteReader) -> (oldest: Int64, newest: Int64)? {
    let record = records.pointer(slot)
    guard let flags = reader.byte(), let count = reader.uvarint(), count <= UInt64(HeadShard.samplesPerChunkMax),
      let lastTime = reader.varint(), AppendBounds.times.contains(lastTime),
      let lastValue = reader.littleEndian(UInt64.self)
    else { return nil }
    record.pointee.flags = flags & ~HeadSeries.isFree
    record.pointee.tail = XORTail(lastTime: lastTime, lastValue: lastValue, count: UInt16(count))
    var oldest = Int64.max
    if count > 0 {
      chunkCount += 1
      guard decodeOpenChunk(record, &reader) else { return nil }
      oldest = record.pointee.chunkStart
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
    let isWindow = leading == XORChunk.noWindow || (leading <= 31 && trailing < 64 - leading)
    guard AppendBounds.times.contains(start), start <= record.pointee.tail.lastTime,
      record.pointee.tail.lastTime - start <= Int64(UInt32.max), isWindow,
      bytes.isEmpty || XORChunk.count(of: bytes) == Int(record.pointee.tail.count)
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
        AppendBounds.times.contains(start), AppendBounds.times.contains(start + Int64(span)),
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
      guard let time = reader.varint(), AppendBounds.times.contains(time),
        let value = reader.littleEndian(UInt64.self)
      else { return false }
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

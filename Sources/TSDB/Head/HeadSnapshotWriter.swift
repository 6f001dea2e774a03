import Format
import Model
import Platform

// A snapshot is the head as it was at a position of the log, so that a start reads it and only the log behind it.
//
//   file    magic "APUSHEAD"  version u32  wal segment u64, offset u64  wbl segment u64, offset u64  crc u32
//           block*            series count u64 (in a last block of kind 0)
//   block   kind u8 (1 series, 2 histograms, 3 and 4 exemplars (`ExemplarSnapshot`),
//           5 the head-chunk files (`HeadChunkInventory`), 6 second references (each: second uvarint, first uvarint),
//           7 the next reference u64, 0 end)  length u32  payload  crc u32 (of kind, length and payload)
//   series  labels: bytes uvarint, packed
//           ref uvarint  flags u8
//           open chunk: count uvarint, lastTime varint, lastValue u64; if count > 0: start varint, cutAfter u32,
//             timeDelta u32, bitCount u16, leading u8, trailing u8, bytes uvarint + bytes (0: constant)
//           chunks still in memory: count uvarint, each: start varint, span u32, flags u8, bytes uvarint + bytes
//           late samples: count uvarint, each: time varint, value u64
//   histograms   ref uvarint  count uvarint, each: encoding u8 (+ 128: late), bytes uvarint + bytes (a chunk);
//           only of series that have any
//
// Integers are little-endian. What is in head-chunk files is not repeated. Of a damaged snapshot the intact blocks are
// used, and all of the log is read on top of them.

enum HeadSnapshotLayout {
  static let magic: [UInt8] = Array("APUSHEAD".utf8)
  static let version: UInt32 = 4
  /// The version before exemplars (2), late histograms and the head-chunk files (3), and the next reference (4); a
  /// start reads it as well.
  static let oldestVersion: UInt32 = 1
  /// The block of second references.
  static let secondReferencesKind: UInt8 = 6
  /// The block of the next reference. A reference that is given to a second series would give it what the log of late
  /// samples, chunk files and deletions still hold of the first, also where that has left the head.
  static let nextReferenceKind: UInt8 = 7
  /// Set in the encoding of a chunk of late histograms.
  static let lateBit: UInt8 = 0x80
  static let headerBytes = 8 + 4 + 32 + 4
  /// A block is written once it has this many bytes.
  static let blockBytes = 1 << 20
  /// No valid block is larger; bounds what a reader takes memory for.
  static let blockBytesMax = 64 << 20
  /// Series copied out of a shard under one lock.
  static let seriesPerTurnMax = 512
}

/// Writes a snapshot while the head goes on working. One at a time (the maintenance thread).
struct HeadSnapshotWriter: ~Copyable {
  private let head: Head
  private var block = ByteBuffer(capacity: HeadSnapshotLayout.blockBytes + (64 << 10))
  private var labels: [UInt8] = []
  private var ids: [(id: UInt32, range: Range<Int>)] = []
  private var states = ByteBuffer(capacity: 256 << 10)
  private(set) var seriesCount = 0
  private(set) var bytes = 0

  init(_ head: Head) { self.head = head }

  /// Writes the snapshot and returns when it is durable under its name.
  mutating func write(to path: String, on disk: any Disk) throws(DiskError) {
    // The positions come first: everything logged before them is in memory already, and what is logged after them and
    // is in the snapshot as well is skipped by the restorer.
    let positions = (head.files.wal.position, head.files.wbl.position)
    let replacement = try AtomicReplace(path, on: disk, bufferBytes: 0)
    try writeHeader(positions.0, positions.1, replacement.file)
    for shard in 0..<SeriesLocation.shardCount { try writeShard(shard, replacement.file) }
    try finishBlock(kind: 1, replacement.file)
    try writeSecondReferences(replacement.file)
    for shard in head.shards { try writeHistograms(shard, replacement.file) }
    try writeExemplars(replacement.file)
    block.removeAll()
    HeadChunkInventory(head.files.chunks.inventory).encode(into: &block)
    try finishBlock(kind: HeadChunkInventory.blockKind, replacement.file)
    block.appendLittleEndian(head.nextReference.load(ordering: .relaxed))
    try finishBlock(kind: HeadSnapshotLayout.nextReferenceKind, replacement.file)
    block.appendLittleEndian(UInt64(seriesCount))
    try finishBlock(kind: 0, replacement.file)
    // The log must reach at least as far as the positions say before the snapshot counts: after a power loss they would
    // point into what is written later. And the chunk files must have what the snapshot does not repeat.
    try head.files.sync()
    try replacement.commit()
  }

  private mutating func writeSecondReferences(_ file: AppendFile) throws(DiskError) {
    for (second, first) in head.secondReferences.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
      block.appendUvarint(second)
      block.appendUvarint(first)
      if block.count >= HeadSnapshotLayout.blockBytes {
        try finishBlock(kind: HeadSnapshotLayout.secondReferencesKind, file)
      }
    }
    try finishBlock(kind: HeadSnapshotLayout.secondReferencesKind, file)
  }

  private mutating func writeHistograms(_ shard: Head.Shard, _ file: AppendFile) throws(DiskError) {
    // Chunks are shared with the head, so that copying them out is quick.
    let all = shard.state.withLock { state in
      state.histograms.series.map { slot, series in
        (state.records.pointer(slot).pointee.reference, series.inOrderChunks, series.lateChunks)
      }
    }
    // In one order, so that the same head is the same snapshot.
    for (reference, inOrder, late) in all.sorted(by: { $0.0 < $1.0 }) {
      block.appendUvarint(reference)
      block.appendUvarint(UInt64(inOrder.count + late.count))
      for (number, chunk) in (inOrder + late).enumerated() {
        block.append(chunk.encoding | (number < inOrder.count ? 0 : HeadSnapshotLayout.lateBit))
        block.appendUvarint(UInt64(chunk.bytes.count))
        block.append(chunk.bytes)
      }
      if block.count >= HeadSnapshotLayout.blockBytes { try finishBlock(kind: 2, file) }
    }
    try finishBlock(kind: 2, file)
  }

  private mutating func writeExemplars(_ file: AppendFile) throws(DiskError) {
    var exemplars = ByteBuffer(capacity: 64 << 10)
    var written = 0
    try ExemplarSnapshot.write(head, &exemplars) { (kind, block) throws(DiskError) in
      written += try HeadSnapshotWriter.write(block, kind: kind, file)
      block.removeAll()
    }
    bytes += written
  }

  private mutating func writeHeader(_ wal: WALPosition, _ wbl: WALPosition, _ file: AppendFile) throws(DiskError) {
    var header = ByteBuffer(capacity: HeadSnapshotLayout.headerBytes)
    header.append(HeadSnapshotLayout.magic)
    header.appendLittleEndian(HeadSnapshotLayout.version)
    for position in [wal, wbl] {
      header.appendLittleEndian(UInt64(position.segment))
      header.appendLittleEndian(UInt64(position.offset))
    }
    header.appendLittleEndian(checksum(header.bytes))
    _ = try file.append(header.bytes)
    bytes += header.count
  }

  private mutating func writeShard(_ shard: Int, _ file: AppendFile) throws(DiskError) {
    var slot: UInt32 = 0
    var slotCount = head.shards[shard].state.withLock { UInt32($0.records.slotCount) }
    while slot < slotCount {
      states.removeAll()
      ids.removeAll(keepingCapacity: true)
      let end = min(slot + UInt32(HeadSnapshotLayout.seriesPerTurnMax), slotCount)
      copyStates(shard, slot..<end)
      try writeStates(file)
      slot = end
      if slot == slotCount { slotCount = head.shards[shard].state.withLock { UInt32($0.records.slotCount) } }
    }
  }

  /// Copies the states of some series, without their labels, under the shard's lock.
  private mutating func copyStates(_ shard: Int, _ slots: Range<UInt32>) {
    head.shards[shard].state.withLock { state in
      for slot in slots {
        let record = state.records.pointer(slot)
        // A series without a number is being created: its body is not logged yet, or lies behind our position.
        if record.pointee.has(HeadSeries.isFree) || record.pointee.id == 0 { continue }
        let start = states.count
        state.encode(record, into: &states)
        ids.append((record.pointee.id, start..<states.count))
      }
    }
  }

  private mutating func writeStates(_ file: AppendFile) throws(DiskError) {
    for entry in ids {
      let found = head.index.state.withLock { state in state.packedLabels(of: entry.id, into: &labels) }
      if !found { continue }
      let state = UnsafeRawBufferPointer(rebasing: states.bytes[entry.range])
      block.appendUvarint(UInt64(labels.count))
      labels.withUnsafeBytes { block.append($0) }
      block.append(state)
      seriesCount += 1
      if block.count >= HeadSnapshotLayout.blockBytes { try finishBlock(kind: 1, file) }
    }
  }

  private mutating func finishBlock(kind: UInt8, _ file: AppendFile) throws(DiskError) {
    bytes += try HeadSnapshotWriter.write(block, kind: kind, file)
    block.removeAll()
  }

  /// Bytes written.
  private static func write(
    _ block: borrowing ByteBuffer, kind: UInt8, _ file: AppendFile
  ) throws(DiskError) -> Int {
    if block.count == 0 { return 0 }
    var head = ByteBuffer(capacity: 8)
    head.append(kind)
    head.appendLittleEndian(UInt32(block.count))
    var crc = checksum(head.bytes)
    crc = checksum(block.bytes, continuing: crc)
    _ = try file.append(head.bytes)
    _ = try file.append(block.bytes)
    head.removeAll()
    head.appendLittleEndian(crc)
    _ = try file.append(head.bytes)
    return block.count + 9
  }
}

extension HeadShard {
  /// Encodes one series' state as the layout above says, without its labels.
  func encode(_ record: UnsafeMutablePointer<HeadSeries>, into output: inout ByteBuffer) {
    let tail = record.pointee.tail
    output.appendUvarint(record.pointee.reference)
    output.append(record.pointee.flags)
    output.appendUvarint(UInt64(tail.count))
    output.appendVarint(tail.lastTime)
    output.appendLittleEndian(tail.lastValue)
    if tail.count > 0 {
      output.appendVarint(record.pointee.chunkStart)
      output.appendLittleEndian(record.pointee.cutAfter)
      output.appendLittleEndian(tail.timeDelta)
      output.appendLittleEndian(tail.bitCount)
      output.append(tail.leading)
      output.append(tail.trailing)
      let count = record.pointee.slab == 0 ? 0 : tail.byteCount
      output.appendUvarint(UInt64(count))
      if count > 0 {
        output.append(UnsafeRawBufferPointer(start: slabs.pointer(record.pointee.slab), count: count))
      }
    }
    encodeHistory(record, into: &output)
  }

  private func encodeHistory(_ record: UnsafeMutablePointer<HeadSeries>, into output: inout ByteBuffer) {
    var inMemory: [SeriesChunk] = []
    forEachChunk(of: record) { chunk in
      if chunk.pointee.isInMemory { inMemory.append(chunk.pointee) }
      return true
    }
    output.appendUvarint(UInt64(inMemory.count))
    for chunk in inMemory.reversed() {
      output.appendVarint(chunk.start)
      output.appendLittleEndian(chunk.span)
      output.append(chunk.flags & SeriesChunk.isLate)
      output.appendUvarint(UInt64(chunk.byteCount))
      output.append(UnsafeRawBufferPointer(start: slabs.pointer(chunk.offset), count: Int(chunk.byteCount)))
    }
    guard let history = history(of: record) else { return output.appendUvarint(0) }
    let count = Int(history.pointee.lateCount)
    output.appendUvarint(UInt64(count))
    if count == 0 { return }
    let samples = lateSamples(history)
    for index in 0..<count {
      output.appendVarint(samples[index].time)
      output.appendLittleEndian(samples[index].value)
    }
  }
}

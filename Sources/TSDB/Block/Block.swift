import Format
import Model
import Platform
import Synchronization

/// A block on disk, its files mapped. Immutable; any thread. What is mapped stays readable after the files are removed.
package final class Block: Sendable {
  package let directory: String
  package let meta: BlockMeta
  package let tombstones: Tombstones
  package let index: IndexFile
  private let files: Files
  /// Chunks that could not be read, since the block was opened.
  package let chunksUnreadable = Counter()

  /// The mappings, shared by a block and what it becomes when something is deleted from it.
  private final class Files: Sendable {
    let index: MappedFile
    let segments: [MappedFile]
    let bytes: Int

    init(index: MappedFile, segments: [MappedFile]) {
      self.index = index
      self.segments = segments
      bytes = segments.reduce(index.bytes.count) { $0 + $1.bytes.count }
    }
  }

  package init(_ directory: String, on disk: any Disk) throws(BlockFault) {
    self.directory = directory
    let description = try Block.map(directory + "/meta.json", disk)
    guard let meta = BlockMeta(json: description.bytes) else {
      throw .corrupt(path: description.path, reason: "not the description of a block")
    }
    self.meta = meta
    tombstones = try Block.readTombstones(directory + "/tombstones", disk)
    let mapped = try Block.map(directory + "/index", disk)
    do throws(IndexDamage) {
      index = try IndexFile(mapped.bytes, owner: mapped)
    } catch {
      throw .corrupt(path: mapped.path, reason: "\(error)")
    }
    files = Files(index: mapped, segments: try Block.segments(directory + "/chunks", disk))
  }

  private init(_ block: Block, _ meta: BlockMeta, _ tombstones: Tombstones) {
    directory = block.directory
    self.meta = meta
    self.tombstones = tombstones
    index = block.index
    files = block.files
  }

  /// The same block with something deleted from it.
  package func with(meta: BlockMeta, tombstones: Tombstones) -> Block { Block(self, meta, tombstones) }

  /// Of index and chunks.
  package var sizeBytes: Int { files.bytes }

  private static func map(_ path: String, _ disk: any Disk) throws(BlockFault) -> MappedFile {
    try BlockFault.wrap { () throws(DiskError) in try disk.map(path) }
  }

  /// No file means that nothing was deleted.
  private static func readTombstones(_ path: String, _ disk: any Disk) throws(BlockFault) -> Tombstones {
    let file: MappedFile
    do throws(DiskError) {
      file = try disk.map(path)
    } catch {
      if error.isNotFound { return Tombstones() }
      throw .disk(error)
    }
    guard let tombstones = Tombstones(file: file.bytes) else {
      throw .corrupt(path: path, reason: "not a list of deletions, or damaged")
    }
    return tombstones
  }

  private static func segments(_ directory: String, _ disk: any Disk) throws(BlockFault) -> [MappedFile] {
    let names = try BlockFault.wrap { () throws(DiskError) in try disk.list(directory) }
      .filter { !$0.isEmpty && $0.utf8.allSatisfy { $0 >= 0x30 && $0 <= 0x39 } }
    var segments: [MappedFile] = []
    for (number, name) in names.enumerated() {
      let path = DiskPath.join(directory, name)
      guard name == ChunkSegment.fileName(number) else {
        throw .corrupt(path: path, reason: "chunk files are missing before it")
      }
      let file = try map(path, disk)
      guard ChunkSegment.hasHeader(file.bytes) else { throw .corrupt(path: path, reason: "not a file of chunks") }
      segments.append(file)
    }
    return segments
  }

  /// A chunk's encoding and data, which live as long as this block; nil where none lies there whole, its checksum included.
  package func chunk(_ reference: UInt64) -> (encoding: UInt8, data: UnsafeRawBufferPointer)? {
    let segment = Int(reference >> 32)
    guard segment < files.segments.count,
      let chunk = ChunkSegment.chunk(at: Int(reference & 0xffff_ffff), in: files.segments[segment].bytes),
      ChunkSegment.isWhole(chunk)
    else { return nil }
    return (chunk.encoding, chunk.data)
  }
}

// Reading series.
extension Block {
  /// Symbol numbers as packed labels; nil where one is no symbol.
  package func labels(_ numbers: [UInt32]) -> Labels? {
    var packed: [UInt8] = []
    packed.reserveCapacity(numbers.count * 12)
    for number in numbers {
      guard let symbol = index.symbol(Int(number)) else { return nil }
      var length = symbol.count
      while length >= 0x80 {
        packed.append(UInt8(truncatingIfNeeded: length) | 0x80)
        length >>= 7
      }
      packed.append(UInt8(length))
      packed.append(contentsOf: symbol)
    }
    return Labels(packed: packed)
  }

  /// Appends the samples of the chunks of a series that reach into the time between two times, without those deleted. What
  /// cannot be read is left out and counted.
  package func read(
    _ series: borrowing DecodedSeries, _ reference: UInt32, from first: Int64, through last: Int64,
    into samples: inout SeriesSamples
  ) {
    let deleted = tombstones.isEmpty ? [] : tombstones.intervals(of: UInt64(reference))
    let start = samples.count
    for chunk in series.chunks where chunk.minTime <= last && chunk.maxTime >= first {
      if deleted.contains(where: { $0.lowerBound <= chunk.minTime && $0.upperBound >= chunk.maxTime }) { continue }
      guard let (encoding, data) = self.chunk(chunk.reference), encoding == XORChunk.encoding,
        samples.append(chunk: data)
      else {
        chunksUnreadable.add()
        continue
      }
    }
    samples.drop(deleted, from: start)
  }
}

extension SeriesSamples {
  /// Drops the samples at deleted times, from a place on behind which they are sorted by time.
  fileprivate mutating func drop(_ deleted: [ClosedRange<Int64>], from first: Int) {
    if deleted.isEmpty { return }
    var kept = first
    for index in first..<count where !deleted.contains(where: { $0.contains(times[index]) }) {
      times[kept] = times[index]
      values[kept] = values[index]
      kept += 1
    }
    times.resize(to: kept)
    values.resize(to: kept)
  }
}

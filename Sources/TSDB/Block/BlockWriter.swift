import Format
import Model
import Platform

/// Writes one block into a temporary folder, which gets its name when all of it is durable: a crash leaves the whole block
/// or none. Owned by one thread.
///
/// First all symbols (label names and values) in the order of their bytes, then the series in the order of their labels,
/// each with its chunks in the order of time.
package struct BlockWriter: ~Copyable {
  package static let temporarySuffix = ".tmp-for-creation"

  package let ulid: ULID
  private let root: String
  private let folder: String
  private let disk: any Disk
  private var index: IndexFileWriter
  private var chunks: ChunkSegmentsWriter
  private var labels: [UInt32] = []
  private var metas: [ChunkMeta] = []
  private var lastEncoding = XORChunk.encoding
  private var stats = BlockMeta.Stats()
  private var isEnded = false

  package init(_ disk: any Disk, root: String, ulid: ULID) throws(BlockError) {
    self.disk = disk
    self.root = root
    self.ulid = ulid
    let folder = DiskPath.join(root, "\(ulid)" + BlockWriter.temporarySuffix)
    self.folder = folder
    try BlockError.wrap { () throws(DiskError) in
      try disk.makeDirectory(folder)
      try disk.makeDirectory(folder + "/chunks")
    }
    do throws(BlockError) {
      index = try IndexFileWriter(folder + "/index", on: disk)
    } catch {
      try? disk.removeTree(folder)
      throw error
    }
    chunks = ChunkSegmentsWriter(folder + "/chunks", on: disk)
  }

  deinit {
    // Only tidiness: a start removes such folders.
    if !isEnded { try? disk.removeTree(folder) }
  }

  /// Adds a symbol. Symbols are numbered from 0 in the order they come.
  package mutating func addSymbol(_ bytes: UnsafeRawBufferPointer) throws(BlockError) { try index.addSymbol(bytes) }

  /// Begins a series. `labels`: symbol numbers of names and values in alternation, names ascending.
  package mutating func beginSeries(_ labels: [UInt32]) { labels.withUnsafeBufferPointer { beginSeries($0) } }

  package mutating func beginSeries(_ labels: UnsafeBufferPointer<UInt32>) {
    self.labels.removeAll(keepingCapacity: true)
    self.labels.append(contentsOf: labels)
    metas.removeAll(keepingCapacity: true)
  }

  package mutating func addChunk(
    minTime: Int64, maxTime: Int64, encoding: UInt8, sampleCount: Int, _ data: UnsafeRawBufferPointer
  ) throws(BlockError) {
    if minTime > maxTime { throw .misused("a chunk ends before it begins") }
    if let last = metas.last {
      // Chunks that the compaction cannot decode are kept whole beside what they overlap.
      let mayOverlap = encoding != XORChunk.encoding || lastEncoding != XORChunk.encoding
      if minTime <= last.maxTime && !(mayOverlap && minTime >= last.minTime) {
        throw .misused("chunks are out of order")
      }
    }
    lastEncoding = encoding
    do throws(DiskError) {
      let reference = try chunks.append(encoding: encoding, LentBytes(data))
      metas.append(ChunkMeta(minTime: minTime, maxTime: maxTime, reference: reference))
    } catch {
      throw .disk(error)
    }
    stats.chunks += 1
    stats.samples += Int64(sampleCount)
    if encoding == XORChunk.encoding {
      stats.floatSamples += Int64(sampleCount)
    } else {
      stats.histogramSamples += Int64(sampleCount)
    }
  }

  /// Ends the series and returns its reference; nil if it got no chunk and is left out.
  @discardableResult
  package mutating func endSeries() throws(BlockError) -> UInt64? {
    if metas.isEmpty { return nil }
    let result: Result<UInt32, BlockError> = labels.withUnsafeBufferPointer { labels in
      metas.withUnsafeBufferPointer { metas in
        do throws(BlockError) { return .success(try index.addSeries(labels, metas)) } catch { return .failure(error) }
      }
    }
    let reference = try result.get()
    stats.series += 1
    return UInt64(reference)
  }

  /// Bytes written so far, those that wait in buffers not counted.
  package var byteCount: Int { chunks.byteCount + index.byteCount }

  /// Gives the block its name. `meta` says which times it covers and where it comes from; its statistics are filled in.
  /// Nil, and no block, where no series had a chunk.
  package mutating func finish(
    _ meta: BlockMeta, tombstones: Tombstones = Tombstones()
  ) throws(BlockError) -> BlockMeta? {
    if stats.series == 0 {
      abandon()
      return nil
    }
    try index.finish()
    var meta = meta
    meta.ulid = ulid
    meta.stats = stats
    meta.stats.tombstones = Int64(tombstones.count)
    do throws(DiskError) {
      try chunks.finish()
      try disk.syncDirectory(folder + "/chunks")
      for name in tombstones.isEmpty ? [BlockDeletions.fileName] : BlockDeletions.fileNames {
        try BlockWriter.write(tombstones.file, DiskPath.join(folder, name), disk)
      }
      for name in [BlockDescription.copyName, BlockDescription.fileName] {
        try BlockWriter.write(meta.json, DiskPath.join(folder, name), disk)
      }
      try disk.syncDirectory(folder)
      try disk.rename(folder, to: DiskPath.join(root, "\(ulid)"))
      isEnded = true
      try disk.syncDirectory(root)
    } catch {
      // Nobody serves it, and a start would: it goes. What cannot be removed holds nothing that the next attempt will not.
      if isEnded { try? BlockFolder(root: root, disk: disk).remove(ulid) }
      throw .disk(error)
    }
    return meta
  }

  package mutating func abandon() {
    index.abandon()
    chunks.abandon()
    // Where it cannot be removed now, the next start does.
    try? disk.removeTree(folder)
    isEnded = true
  }

  /// Writes a small file durably; its entry in the folder is not durable yet.
  private static func write(_ bytes: [UInt8], _ path: String, _ disk: any Disk) throws(DiskError) {
    let file = try AppendFile(path, on: disk, .create)
    try file.append(bytes)
    try file.sync()
    try file.close()
  }
}

import Format
import Model
import PlatformSimulation

@testable import Platform
@testable import TSDB

// A block: its index alone, its chunks alone, and all of it as a database meets it.
extension FuzzTarget {
  static let blocks = [index, chunkSegment, block]

  /// Two bytes of offset, then a file; and the rest as the data of a chunk that is written and found again.
  private static let chunkSegment = FuzzTarget(
    name: "chunk-segment",
    seeds: { [[0, 8], [0, 8] + (FileSeeds.files.first { $0.path.contains("/chunks/") }?.bytes ?? [])] }
  ) { bytes in
    var input = FuzzInput(bytes)
    let offset = input.number16()
    _ = ChunkSegment.hasHeader(input.rest)
    if let chunk = ChunkSegment.chunk(at: offset, in: input.rest) {
      precondition(chunk.data.count + ChunkSegment.headerBytes + 6 <= input.rest.count)
      _ = ChunkSegment.isWhole(chunk)
    }
    var file = ByteBuffer()
    ChunkSegment.appendHeader(to: &file)
    ChunkSegment.append(encoding: bytes.first ?? 0, input.rest, to: &file)
    precondition(file.count == ChunkSegment.headerBytes + ChunkSegment.byteCount(of: input.rest.count))
    guard let written = ChunkSegment.chunk(at: ChunkSegment.headerBytes, in: file.bytes) else {
      preconditionFailure("a chunk is not found again")
    }
    precondition(ChunkSegment.isWhole(written) && written.data.elementsEqual(input.rest))
  }

  /// Each five bytes change one byte of a real block: which file, where, and how; then every checksum is made right.
  private static let block = FuzzTarget(
    name: "block", seeds: { [[], [0, 0, 0, 9, 1], [1, 0, 0, 20, 3], [2, 0, 0, 20, 3], [3, 0, 0, 1, 2]] }
  ) { edits in
    var files = BlockFiles.real
    var input = FuzzInput(edits)
    for _ in 0..<16 where !input.isEmpty {
      let number = Int(input.byte() & 3) % files.parts.count
      FuzzEdits.apply(input.take(4), to: &files.parts[number].bytes)
    }
    files.mend()
    let disk = SimulatedDisk()
    for file in files.parts { write(file.bytes, to: BlockFiles.directory + file.name, on: disk) }
    _ = try? BlockVerification(BlockFiles.directory, on: disk)
    guard let block = try? Block(BlockFiles.directory, on: disk) else { return }
    _ = try? BlockRepair(block) { false }
    var decoded = DecodedSeries()
    var samples = SeriesSamples()
    for reference in (try? block.allSeries()) ?? [] where block.readSeries(reference, into: &decoded) {
      samples.removeAll()
      _ = block.readLabels(of: decoded, reference)
      block.read(decoded, reference, from: .min + 1, through: .max - 1, into: &samples)
    }
    useServer(on: disk)
  }
}

/// The files of a block and where their checksums lie. A value.
private struct BlockFiles {
  static let directory =
    FileSeeds.files.first { $0.path.hasSuffix("/meta.json") }
    .map { String($0.path.dropLast("/meta.json".utf8.count)) } ?? FuzzServer.root
  static let real = BlockFiles()

  var parts: [(name: String, bytes: [UInt8])]
  private let index: IndexSums
  private var chunks: [Range<Int>] = []

  private init() {
    let suffixes = ["/meta.json", "/index", "/chunks/000001"]
    parts = suffixes.map { suffix in
      (suffix, FileSeeds.files.first { $0.path.hasSuffix(suffix) }?.bytes ?? [])
    }
    parts.append(("/tombstones", FileSeeds.tombstones[0]))
    index = IndexSums(parts[1].bytes)
    parts[2].bytes.withUnsafeBytes { bytes in
      var offset = ChunkSegment.headerBytes
      while let chunk = ChunkSegment.chunk(at: offset, in: bytes) {
        let end = offset + ChunkSegment.byteCount(of: chunk.data.count) - 4
        chunks.append((end - chunk.data.count - 1)..<end)
        offset = end + 4
      }
    }
  }

  mutating func mend() {
    index.mend(&parts[1].bytes)
    for range in chunks {
      let sum = parts[2].bytes.withUnsafeBytes { checksum(UnsafeRawBufferPointer(rebasing: $0[range])) }
      withUnsafeBytes(of: sum.bigEndian) {
        parts[2].bytes.replaceSubrange(range.upperBound..<(range.upperBound + 4), with: $0)
      }
    }
    parts[3].bytes = parts[3].bytes.withUnsafeBytes { Array(FuzzTarget.withSum($0, from: 5)) }
  }
}

import Format
import Model
import Platform
import PlatformSimulation

@testable import TSDB

// What a start brings the head back from: its snapshot, the files of its chunks, the segments of its logs. Each is put
// together from parts of the input with the right checksums, or taken as it is, and read by its reader, then by a server.
extension FuzzTarget {
  static let headFiles = [headSnapshot, headChunkFile, walSegment]

  /// Blocks: kind, two bytes of length, payload. An odd first byte: the file as it is.
  private static let headSnapshot = FuzzTarget(name: "head-snapshot", seeds: { snapshotSeeds }) { bytes in
    var input = FuzzInput(bytes)
    let how = input.byte()
    let disk = SimulatedDisk()
    write(how & 1 == 1 ? Array(input.rest) : snapshot(&input), to: layout.snapshot, on: disk)
    useServer(on: disk)
  }

  private static func snapshot(_ input: inout FuzzInput) -> [UInt8] {
    var file = ByteBuffer()
    file.append(HeadSnapshotLayout.magic)
    file.appendLittleEndian(HeadSnapshotLayout.version)
    for _ in 0..<4 { file.appendLittleEndian(UInt64(0)) }
    file.appendLittleEndian(checksum(file.bytes))
    while !input.isEmpty {
      let kind = input.byte()
      appendBlock(kind, input.part(), to: &file)
    }
    withUnsafeBytes(of: UInt64(1).littleEndian) { appendBlock(0, $0, to: &file) }
    return Array(file.bytes)
  }

  private static func appendBlock(_ kind: UInt8, _ payload: UnsafeRawBufferPointer, to file: inout ByteBuffer) {
    let start = file.count
    file.append(kind)
    file.appendLittleEndian(UInt32(payload.count))
    file.append(payload)
    file.appendLittleEndian(checksum(UnsafeRawBufferPointer(rebasing: file.bytes[start...])))
  }

  /// A real snapshot as a whole, and its blocks.
  private static var snapshotSeeds: [[UInt8]] {
    guard let file = FileSeeds.files.first(where: { $0.path.hasSuffix("/apus.head") })?.bytes else { return [[]] }
    var parts: [UInt8] = [0]
    var offset = HeadSnapshotLayout.headerBytes
    while file.count - offset >= 9 {
      let length = (1...4).reversed().reduce(0) { $0 << 8 | Int(file[offset + $1]) }
      let payload = Array(file[(offset + 5)..<(offset + 5 + length)])
      if file[offset] != 0 { parts += [file[offset]] + payload.asPart }
      offset += 9 + length
    }
    return [[1] + file, parts]
  }

  // MARK: chunks

  /// Chunks: number of the series, encoding, where the times begin, data. An odd first byte: the file as it is.
  private static let headChunkFile = FuzzTarget(name: "head-chunk-file", seeds: { headChunkSeeds }) { bytes in
    var input = FuzzInput(bytes)
    let how = input.byte()
    let file = how & 1 == 1 ? Array(input.rest) : headChunks(&input)
    var (end, chunks) = (HeadChunkLayout.fileHeaderBytes, 0)
    file.withUnsafeBytes { bytes in
      let scan = HeadChunkScan(LentBytes(bytes), number: 1) { chunk in
        precondition(chunk.ref.offset >= end && chunk.data.upperBound <= bytes.count, "a chunk lies in another")
        end = chunk.data.upperBound
        chunks += 1
      }
      precondition(scan.chunkCount == chunks)
      precondition(scan.damages.allSatisfy { $0.bytes > 0 && $0.offset + $0.bytes <= bytes.count })
      if how & 1 == 0 { precondition(scan.damages.isEmpty, "whole chunks are damage") }
    }
    let disk = SimulatedDisk()
    // The log names the series that the chunks belong to.
    for seed in FileSeeds.files where seed.path.contains("/wal/") { write(seed.bytes, to: seed.path, on: disk) }
    write(file, to: layout.headChunks + "/000001", on: disk)
    useServer(on: disk)
  }

  private static func headChunks(_ input: inout FuzzInput) -> [UInt8] {
    var file = ByteBuffer()
    HeadChunkLayout.appendFileHeader(to: &file)
    while !input.isEmpty {
      let series = UInt64(input.byte() & 7) + 1
      let encoding = input.byte()
      let start = WriteSeeds.time + Int64(input.number16()) * 1000
      let length = Int64(input.number16()) * 1000
      HeadChunkLayout.appendChunk(
        series: series, minTime: start, maxTime: start + length, encoding: encoding & 0x7f,
        isOutOfOrder: encoding & HeadChunkLayout.outOfOrderBit != 0, data: input.part(), to: &file)
    }
    return Array(file.bytes)
  }

  private static var headChunkSeeds: [[UInt8]] {
    let chunk = FileSeeds.xorChunks.last ?? []
    let file = FileSeeds.files.first { $0.path.contains("/chunks_head/") }?.bytes
    return [
      [0], [0, 0, 1, 0, 0, 0, 75] + chunk.asPart,
      [0, 0, 1, 0, 0, 0, 75] + chunk.asPart + [1, 0x81, 0, 9, 0, 75] + chunk.asPart, [1] + (file ?? []),
    ]
  }

  // MARK: logs

  /// The first byte says which log or checkpoint; then records: compression, two bytes of length, bytes. An odd first byte:
  /// the segment as it is.
  private static let walSegment = FuzzTarget(name: "wal-segment", seeds: { segmentSeeds }) { bytes in
    var input = FuzzInput(bytes)
    let how = input.byte()
    let segment = how & 1 == 1 ? Array(input.rest) : framed(&input)
    scan(segment, isWhole: how & 1 == 0)
    let disk = SimulatedDisk()
    let folder = [layout.wal, layout.wbl, layout.wal + "/checkpoint.00000000"][Int(how >> 1) % 3]
    write(segment, to: folder + "/00000000", on: disk)
    if how & 8 != 0 {
      for seed in FileSeeds.files where seed.path.contains("/wal/") {
        write(seed.bytes, to: layout.wal + "/00000001", on: disk)
      }
    }
    useServer(on: disk)
  }

  private static func framed(_ input: inout FuzzInput) -> [UInt8] {
    var framer = RecordFramer()
    var segment = ByteBuffer()
    var zstd = ZstdEncoder()
    while !input.isEmpty {
      let how = input.byte()
      let record = input.part()
      var bytes = ByteBuffer()
      switch how % 5 {
      case 0: framer.append(record, compression: .none, to: &segment)
      // As it is, though it says that it is compressed.
      case 1: framer.append(record, compression: .snappy, to: &segment)
      case 2: framer.append(record, compression: .zstd, to: &segment)
      case 3:
        Snappy.encode(record, into: &bytes)
        framer.append(bytes.bytes, compression: .snappy, to: &segment)
      default:
        guard (try? zstd.encode(record, into: &bytes)) != nil else { continue }
        framer.append(bytes.bytes, compression: .zstd, to: &segment)
      }
    }
    return Array(segment.bytes)
  }

  /// Page by page, as the replay reads a segment.
  private static func scan(_ segment: [UInt8], isWhole: Bool) {
    segment.withUnsafeBytes { bytes in
      var scanner = PageScanner()
      scanner.beginSegment()
      var (intact, records) = (0, 0)
      for start in stride(from: 0, to: bytes.count, by: WALPage.pageBytes) {
        let page = bytes[start..<min(start + WALPage.pageBytes, bytes.count)]
        scanner.begin(page: UnsafeRawBufferPointer(rebasing: page), at: start)
        reading: while true {
          switch scanner.next() {
          case .record:
            records += 1
            precondition(scanner.intactEnd > intact && scanner.intactEnd <= bytes.count, "a record goes backwards")
            intact = scanner.intactEnd
          case .damage(let damage):
            precondition(!isWhole, "whole records are damage: \(damage)")
            precondition(damage.offset >= 0 && damage.offset <= bytes.count)
          case .endOfPage: break reading
          }
        }
      }
      let rest = scanner.endSegment()
      precondition(!isWhole || rest == nil)
      precondition(records <= bytes.count)
    }
  }

  private static var segmentSeeds: [[UInt8]] {
    let segment = FileSeeds.files.first { $0.path.contains("/wal/") }?.bytes ?? []
    var records: [[UInt8]] = []
    segment.withUnsafeBytes { bytes in
      var scanner = PageScanner()
      scanner.beginSegment()
      scanner.begin(page: UnsafeRawBufferPointer(rebasing: bytes[..<min(WALPage.pageBytes, bytes.count)]), at: 0)
      while case .record(let record, let compression) = scanner.next() {
        var plain = ByteBuffer()
        if compression == .none {
          records.append(Array(record))
        } else if (try? Snappy.decode(record, into: &plain, decodedBytesMax: 1 << 16)) != nil {
          records.append(Array(plain.bytes))
        }
      }
    }
    let parts: [UInt8] = records.flatMap { record -> [UInt8] in [3] + record.asPart }
    let all: [UInt8] = FileSeeds.records.flatMap { record -> [UInt8] in [0] + record.asPart }
    return [[1] + segment.prefix(4096), [0] + parts, [2] + parts, [4] + parts, [8] + all, [10] + all, [12] + all]
  }
}

import Model
import Format
import Platform
import PlatformSimulation
import Testing

@testable import TSDB

@Suite struct HeadChunkTests {
  private func open(
    _ disk: any Disk, fileBytesMax: Int = 4096, log: Log = KeptLog().log
  ) throws -> (chunks: HeadChunks, report: HeadChunkReport, found: [HeadChunkInfo]) {
    var found: [HeadChunkInfo] = []
    let (chunks, report) = try HeadChunks.open(
      disk, path: "/data/chunks_head", damaged: damagedFiles(disk, log: log), fileBytesMax: fileBytesMax, log: log
    ) { found.append($0) }
    return (chunks, report, found)
  }

  /// The data of chunk `i`: a sample count, then bytes that tell it from others.
  private func data(_ i: Int) -> [UInt8] {
    [UInt8(i >> 8 & 0x7f), UInt8(i & 0xff)] + (0..<(20 + i % 100)).map { UInt8(truncatingIfNeeded: $0 * i) }
  }

  /// Appends chunks with the numbers of `range`, ten in a batch, and returns their references.
  @discardableResult
  private func append(_ range: Range<Int>, to chunks: HeadChunks) throws -> [HeadChunkRef] {
    var batch = HeadChunkBatch()
    var refs: [HeadChunkRef] = []
    for start in stride(from: range.lowerBound, to: range.upperBound, by: 10) {
      batch.removeAll()
      for i in start..<min(start + 10, range.upperBound) {
        data(i).withUnsafeBytes {
          batch.append(
            series: UInt64(i + 1), minTime: Int64(i * 10), maxTime: Int64(i * 10 + 9), encoding: 1,
            isOutOfOrder: i % 7 == 0, data: LentBytes($0))
        }
      }
      try chunks.append(&batch)
      refs += batch.refs
    }
    return refs
  }

  private func check(_ chunks: HeadChunks, _ refs: [HeadChunkRef], from first: Int = 0) throws {
    for (i, ref) in refs.enumerated() {
      let chunk = try chunks.read(ref)
      #expect(chunk.withData { Array($0) } == data(first + i))
      #expect(chunk.info.series == UInt64(first + i + 1) && chunk.info.ref == ref)
      #expect(chunk.info.isOutOfOrder == ((first + i) % 7 == 0) && chunk.info.encoding == 1)
    }
  }

  @Test("chunks are readable as soon as they are appended, across files, and after a restart")
  func roundTrip() throws {
    let disk = SimulatedDisk()
    let (chunks, _, none) = try open(disk)
    #expect(none.isEmpty)
    var refs: [HeadChunkRef] = []
    for start in stride(from: 0, to: 200, by: 20) {
      refs += try append(start..<(start + 20), to: chunks)
      try check(chunks, refs)
    }
    #expect(chunks.fileTimes.count > 3 && chunks.fileTimes.map(\.maxTime) == chunks.fileTimes.map(\.maxTime).sorted())
    try chunks.close()
    let (again, report, found) = try open(disk)
    #expect(found.map(\.ref) == refs)
    #expect(found.map(\.sampleCount) == (0..<200).map { $0 & 0x7fff })
    #expect(found.map(\.minTime) == (0..<200).map { Int64($0 * 10) })
    #expect(report.chunks == 200 && report.lost.isEmpty)
    try check(again, refs)
    let more = try append(200..<210, to: again)
    #expect(more[0].file == refs[199].file + 1, "a new process begins a new file")
    #expect(again.sizeBytes > chunks.sizeBytes)
  }

  @Test("the bytes are those Prometheus writes")
  func knownBytes() throws {
    let disk = SimulatedDisk()
    let (chunks, _, _) = try open(disk)
    var batch = HeadChunkBatch()
    [UInt8(0), 1, 0xaa].withUnsafeBytes {
      batch.append(series: 258, minTime: -1, maxTime: 2, encoding: 1, isOutOfOrder: true, data: LentBytes($0))
    }
    try chunks.append(&batch)
    #expect(batch.refs.map(\.rawValue) == [1 << 32 | 8])
    let bytes = try disk.readFile("/data/chunks_head/000001")
    #expect(Array(bytes[..<8]) == [0x01, 0x30, 0xbc, 0x91, 1, 0, 0, 0])
    #expect(Array(bytes[8..<16]) == [0, 0, 0, 0, 0, 0, 1, 2])
    #expect(Array(bytes[16..<24]) == Array(repeating: 0xff, count: 8))
    #expect(Array(bytes[24..<37]) == [0, 0, 0, 0, 0, 0, 0, 2, 0x81, 3, 0, 1, 0xaa])
    #expect(bytes.count == 41)
  }

  @Test("truncation removes the oldest files only, never the newest, and readers keep what they have")
  func truncation() throws {
    let disk = SimulatedDisk()
    let (chunks, _, _) = try open(disk)
    let refs = try append(0..<200, to: chunks)
    let held = try chunks.read(refs[0])
    let times = chunks.fileTimes
    try chunks.truncate(before: times[2].maxTime)
    #expect(chunks.fileTimes.map(\.file) == times.dropFirst(2).map(\.file))
    #expect(throws: HeadChunksError.noFile(refs[0])) { try chunks.read(refs[0]) }
    #expect(held.withData { Array($0) } == data(0))
    try chunks.truncate(beforeFile: .max)
    #expect(chunks.fileTimes.count == 1)
    let next = try append(200..<201, to: chunks)
    #expect(next[0].file == times[times.count - 1].file + 1)
    try check(chunks, next, from: 200)
    #expect(try disk.list("/data/chunks_head").count == 2)
  }

  @Test("a torn last file loses its last chunk only; references before it stay valid", arguments: [1, 3, 20, 40])
  func tornTail(_ cut: Int) throws {
    let disk = SimulatedDisk()
    let refs = try append(0..<50, to: open(disk, fileBytesMax: 1 << 20).chunks)
    let path = "/data/chunks_head/000001"
    let file = try disk.open(path, .readWrite)
    try file.truncate(to: disk.status(path).size - cut)
    let torn = try disk.readFile(path)
    let keptLog = KeptLog()
    let (chunks, report, found) = try open(disk, log: keptLog.log)
    #expect(found.map(\.ref) == Array(refs[..<49]))
    #expect(report.lost == [refs[49]])
    #expect(keptLog.lines.contains { $0.contains("torn end") })
    try check(chunks, Array(refs[..<49]))
    #expect(try disk.readFile("/data/quarantine/chunks_head-000001") == torn)
    #expect(try open(disk).report.lost == [refs[49]], "whoever is killed before the end finds it again")
    try chunks.close()
    chunks.mendDamaged()
    #expect(try disk.status(path).size == refs[49].offset)
    #expect(try open(disk).report.lost.isEmpty, "it was mended")
    #expect(try disk.list("/data/quarantine") == ["chunks_head-000001"])
  }

  @Test(
    "a damaged byte costs the chunk it is in, whatever file that is in; the original is kept", arguments: [1, 2, 0])
  func damagedFile(_ number: Int) throws {
    let disk = SimulatedDisk()
    let refs = try append(0..<200, to: open(disk).chunks)
    let (number, offset) = number == 0 ? (refs[199].file, 0) : (number, 300)
    let victim = try #require(refs.firstIndex { $0.file == number && $0.offset > offset })
    let path = "/data/chunks_head/00000\(number)"
    let file = try disk.open(path, .readWrite)
    try [UInt8(0xee)].withUnsafeBytes { try file.write($0, at: refs[victim].offset + 30) }
    let damaged = try disk.readFile(path)
    let keptLog = KeptLog()
    let (chunks, report, found) = try open(disk, log: keptLog.log)
    #expect(report.lost == [refs[victim]])
    #expect(keptLog.lines.contains { $0.contains("damaged") })
    let expected = refs.filter { $0 != refs[victim] }
    #expect(found.map(\.ref) == expected)
    #expect(try disk.list("/data/quarantine") == ["chunks_head-00000\(number)"])
    for ref in expected { _ = try chunks.read(ref) }
    #expect(throws: HeadChunksError.corrupt(refs[victim])) { try chunks.read(refs[victim]) }
    try chunks.close()
    chunks.mendDamaged()
    let (_, mended, left) = try open(disk)
    #expect(mended.lost.isEmpty && left.count == 199, "it was mended")
    #expect(left.map(\.minTime) == found.map(\.minTime))
    #expect(try disk.readFile("/data/quarantine/chunks_head-00000\(number)") == damaged)
  }

  @Test("any changed byte of the files costs one chunk at most, and is told")
  func everyByte() throws {
    let disk = SimulatedDisk()
    let refs = try append(0..<12, to: open(disk, fileBytesMax: 1 << 20).chunks)
    let path = "/data/chunks_head/000001"
    let bytes = try disk.readFile(path)
    for place in bytes.indices {
      var changed = bytes
      changed[place] ^= UInt8(1 << (place % 8))
      let scan = changed.withUnsafeBytes { HeadChunkScan(LentBytes($0), number: 1) { _ in } }
      let isInHeader = place < 8
      #expect(scan.chunkCount == (isInHeader ? 12 : 11), "byte \(place)")
      #expect(isInHeader ? place > 4 || !scan.hasHeader : scan.damages.count == 1, "byte \(place)")
    }
    // Two bytes in chunks side by side are one damaged place.
    var changed = bytes
    for chunk in [4, 5, 9] { changed[refs[chunk].offset + 28] ^= 1 }
    let scan = changed.withUnsafeBytes { HeadChunkScan(LentBytes($0), number: 1) { _ in } }
    #expect(scan.chunkCount == 9 && scan.damages.map(\.offset) == [refs[4].offset, refs[9].offset])
    #expect(!scan.isTornOnly)
  }

  @Test("bytes made to be searched for long end the search")
  func boundedSearch() {
    // A chunk of a megabyte could begin at each of them.
    var bytes = ByteBuffer(capacity: 4 << 20)
    HeadChunkLayout.appendFileHeader(to: &bytes)
    while bytes.count < 3 << 20 {
      bytes.appendBigEndian(UInt64(1))
      for _ in 0..<2 { bytes.appendBigEndian(UInt64(1)) }
      bytes.append(UInt8(1))
      bytes.appendUvarint(1 << 20)
      bytes.appendBigEndian(UInt32(0x0202_0202))
    }
    let scan = HeadChunkScan(bytes.lent, number: 1) { _ in }
    #expect(scan.chunkCount == 0 && scan.damages.count == 1)
  }

  @Test("a file without its header is read all the same; an empty one goes, and is missing unless it is the last")
  func headers() throws {
    let disk = SimulatedDisk()
    let refs = try append(0..<200, to: open(disk).chunks)
    let last = refs[199].file
    try disk.open("/data/chunks_head/00000\(last + 1)", .create).close()
    let file = try disk.open("/data/chunks_head/000001", .readWrite)
    try [UInt8(9)].withUnsafeBytes { try file.write($0, at: 0) }
    try disk.open("/data/chunks_head/000002", .truncate).close()
    let keptLog = KeptLog()
    let (chunks, report, found) = try open(disk, log: keptLog.log)
    #expect(report.lost.isEmpty && report.missing == [2])
    #expect(keptLog.lines.contains { $0.contains("header") && $0.contains("000001") })
    #expect(found.map(\.ref) == refs.filter { $0.file != 2 })
    #expect(try !disk.list("/data/chunks_head").contains("000002"))
    #expect(try disk.list("/data/quarantine") == ["chunks_head-000001"])
    #expect(try append(200..<201, to: chunks)[0].file == last + 1)
  }

  @Test("a file with a bad sector gives the chunks of the others, one that cannot be opened leaves its number alone")
  func unreadable() throws {
    let disk = SimulatedDisk()
    let refs = try append(0..<200, to: open(disk, fileBytesMax: 9000).chunks)
    let last = refs[199].file
    let first = "/data/chunks_head/000001"
    // The whole window fails, then its first sector.
    disk.inject(SimulatedFault(code: 5, times: 2) { operation, path in operation == .read && path == first })
    let newest = "/data/chunks_head/00000\(last)"
    disk.inject(SimulatedFault(code: 13) { operation, path in operation == .open && path == newest })
    let (chunks, report, found) = try open(disk)
    #expect(report.lost == [HeadChunkRef(file: 1, offset: 8), HeadChunkRef(file: last, offset: 0)])
    let expected = refs.filter { $0.file != last && ($0.file != 1 || $0.offset >= 4096) }
    #expect(found.map(\.ref) == expected && expected.first?.file == 1)
    #expect(try append(200..<201, to: chunks)[0].file == last + 1)
  }

  @Test("a file that was removed while its sync waited does not come back", arguments: [false, true])
  func removedStaysRemoved(_ isDoubtful: Bool) throws {
    let disk = SimulatedDisk()
    try append(0..<200, to: open(disk).chunks)
    let (chunks, _, _) = try open(disk)
    if isDoubtful {
      disk.inject(SimulatedFault(code: 5) { operation, _ in operation == .sync })
      #expect(throws: HeadChunksError.self) { try chunks.sync() }
      disk.removeFaults()
    }
    try append(200..<220, to: chunks)
    try chunks.truncate(beforeFile: .max)
    try chunks.close()
    #expect(try disk.list("/data/chunks_head").count == 1)
    let (_, report, found) = try open(disk)
    #expect(report.isWhole && found.count == 20)
  }

  @Test("zeros behind the last chunk are the end of a file")
  func preallocated() throws {
    let disk = SimulatedDisk()
    let refs = try append(0..<20, to: open(disk, fileBytesMax: 1 << 20).chunks)
    let file = try disk.open("/data/chunks_head/000001", .readWrite)
    try [UInt8](repeating: 0, count: 5000).withUnsafeBytes { try file.write($0, at: file.size()) }
    let (_, report, found) = try open(disk)
    #expect(found.map(\.ref) == refs && report.lost.isEmpty)
  }

  @Test("a failed write gives no references and does not harm what follows")
  func failedWrite() throws {
    for truncateFails in [false, true] {
      let disk = SimulatedDisk()
      let (chunks, _, _) = try open(disk, fileBytesMax: 1 << 20)
      var refs = try append(0..<10, to: chunks)
      disk.inject(SimulatedFault(code: 28, times: 1, writtenBytes: 100) { operation, _ in operation == .write })
      if truncateFails { disk.inject(SimulatedFault(code: 5, times: 1) { operation, _ in operation == .truncate }) }
      #expect(throws: HeadChunksError.self) { try append(10..<20, to: chunks) }
      refs += try append(10..<20, to: chunks)
      try check(chunks, refs)
      #expect(Set(refs.map(\.file)).count == (truncateFails ? 2 : 1))
      try chunks.close()
      // What could not be taken back may hold whole chunks that nobody refers to.
      let found = try open(disk).found.map(\.ref)
      #expect(found.filter { refs.contains($0) } == refs && (truncateFails || found == refs))
    }
  }

  @Test("a file whose first write fails is used by the next one, with the right references", arguments: [0, 5, 8, 100])
  func failedFirstWrite(left: Int) throws {
    for attempts in 1...3 {
      let disk = SimulatedDisk()
      let (chunks, _, _) = try open(disk, fileBytesMax: 1 << 20)
      disk.inject(
        SimulatedFault(code: 28, times: attempts, writtenBytes: left) { operation, _ in operation == .write })
      for _ in 0..<attempts { #expect(throws: HeadChunksError.self) { try append(0..<10, to: chunks) } }
      let refs = try append(0..<20, to: chunks)
      #expect(refs[0] == HeadChunkRef(file: 1, offset: 8))
      try check(chunks, refs)
      try chunks.close()
      #expect(try open(disk).found.map(\.ref) == refs)
    }
  }

  @Test("what was synced survives a power loss, with its references")
  func powerLoss() throws {
    for seed in 0..<60 as Range<UInt64> {
      let disk = SimulatedDisk()
      let (chunks, _, _) = try open(disk)
      var numbers = SeededNumbers(seed: seed)
      let synced = Int.random(in: 1..<80, using: &numbers)
      let refs = try append(0..<synced, to: chunks)
      try chunks.sync()
      try append(synced..<100, to: chunks)
      let kind = disk.crash(seed: seed)
      let (again, _, found) = try open(disk)
      #expect(found.map(\.ref).starts(with: refs), "seed \(seed) \(kind)")
      try check(again, refs)
      try again.close()
      again.mendDamaged()
      #expect(try open(disk).report.lost.isEmpty)
    }
  }

  @Test("chunks can be read while others are appended")
  func readersAndWriter() throws {
    let folder = try WALFolder()
    let (chunks, _) = try HeadChunks.open(
      LinuxDisk(), path: folder.path + "/chunks_head",
      damaged: damagedFiles(LinuxDisk(), root: folder.path, log: KeptLog().log), fileBytesMax: 20_000,
      log: KeptLog().log
    ) { _ in }
    let published = Monitor<[HeadChunkRef]>([])
    let failures = KeptLog()
    let readers = try (0..<3).map { reader in
      try NamedThread(name: "reader") { [self] in
        var numbers = SeededNumbers(seed: UInt64(reader))
        var known: [HeadChunkRef] = []
        while known.count < 2000 {
          known = published.withLock { $0 }
          for i in known.indices.suffix(3) + (known.isEmpty ? [] : [Int.random(in: known.indices, using: &numbers)]) {
            do {
              let chunk = try chunks.read(known[i])
              if chunk.withData({ Array($0) }) != data(i) { failures.log.error("other bytes at \(i)") }
            } catch { failures.log.error("\(error)") }
          }
        }
      }
    }
    for start in stride(from: 0, to: 2000, by: 10) {
      let refs = try append(start..<(start + 10), to: chunks)
      published.withLock { $0 += refs }
    }
    for reader in readers { reader.join() }
    #expect(failures.lines.isEmpty, "\(failures.lines.prefix(3))")
    #expect(chunks.fileTimes.count > 5)
  }

  @Test("no damage keeps the other files from being read, nor a reference from being refused")
  func mutations() throws {
    let seed: UInt64 = 31
    var numbers = SeededNumbers(seed: seed)
    let disk = SimulatedDisk()
    let refs = try append(0..<100, to: open(disk).chunks)
    let files = try disk.list("/data/chunks_head")
    let originals = try files.map { try disk.readFile("/data/chunks_head/\($0)") }
    for _ in 0..<150 {
      for (name, bytes) in zip(files, originals) {
        let file = try disk.open("/data/chunks_head/\(name)", .truncate)
        try bytes.withUnsafeBytes { try file.write($0, at: 0) }
      }
      let place = Int.random(in: 0..<files.count, using: &numbers)
      let file = try disk.open("/data/chunks_head/\(files[place])", .readWrite)
      let offset = Int.random(in: 0..<originals[place].count, using: &numbers)
      try [UInt8.random(in: 0...255, using: &numbers)].withUnsafeBytes { try file.write($0, at: offset) }
      let (chunks, _, found) = try open(disk)
      let others = refs.filter { $0.file != place + 1 }
      #expect(Set(found.map(\.ref)).isSuperset(of: others), "seed \(seed)")
      for _ in 0..<20 {
        let ref = HeadChunkRef(rawValue: UInt64.random(in: 0..<(4 << 32), using: &numbers) & 0x3_0000_1fff)
        if let chunk = try? chunks.read(ref) { #expect(refs.contains(chunk.info.ref)) }
      }
    }
  }
}

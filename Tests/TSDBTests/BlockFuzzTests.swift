import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

/// A small block on a simulated disk whose files can be changed.
struct BlockBytes {
  static let root = "/blocks"
  static let ulid = ULID(high: 1 << 60, low: 7)
  static let directory = "\(root)/\(ulid)"

  let disk = SimulatedDisk()
  let samples: PlainSamples

  init(series: Int, samplesPerSeries: Int, seed: UInt64) throws {
    var source = RandomSource(seed: seed)
    var all: PlainSamples = [:]
    for number in 0..<series {
      var pairs = [("__name__", "m\(number % 3)"), ("host", "h\(number)")]
      if number % 2 == 0 { pairs.append(("zone", "z\(source.below(9))")) }
      for sample in 0..<samplesPerSeries {
        all[Labels(pairs), default: [:]][Int64(1000 + 15_000 * sample)] = Double(source.below(50)).bitPattern
      }
    }
    samples = all
    try disk.makeDirectory(BlockBytes.root)
    _ = try BlockFixture.write(all, to: BlockBytes.root, on: disk, ulid: BlockBytes.ulid)
  }

  func file(_ name: String) throws -> [UInt8] { try disk.readFile("\(BlockBytes.directory)/\(name)") }

  func replace(_ name: String, _ bytes: [UInt8]) throws {
    let file = try disk.open("\(BlockBytes.directory)/\(name)", .truncate)
    try bytes.withUnsafeBytes { bytes throws in try file.write(bytes, at: 0) }
    try file.close()
  }

  func verify() throws -> BlockVerification { try BlockVerification(BlockBytes.directory, on: disk) }
}

@Suite struct BlockFuzzTests {
  @Test("the verification of a whole block finds nothing, and counts what there is")
  func whole() throws {
    let block = try BlockBytes(series: 40, samplesPerSeries: 150, seed: 1)
    let verification = try block.verify()
    #expect(verification.isWhole, "\(verification.findings)")
    #expect(verification.stats.series == 40 && verification.stats.samples == 6000 && verification.stats.chunks == 80)
  }

  @Test(
    "no changed byte of a block goes unnoticed but the zeros between the parts", arguments: ["index", "chunks/000001"])
  func changes(name: String) throws {
    var source = RandomSource(for: "changed bytes")
    let block = try BlockBytes(series: 6, samplesPerSeries: 20, seed: 2)
    let bytes = try block.file(name)
    for place in stride(from: source.below(4), to: bytes.count, by: 4) {
      var changed = bytes
      changed[place] ^= UInt8(1 << source.below(8))
      try block.replace(name, changed)
      let isNoticed = try !block.verify().isWhole
      // Three bytes of a chunk file's header say nothing.
      #expect(isNoticed || bytes[place] == 0, "\(name), byte \(place)")
    }
  }

  /// Where the parts with a checksum of their own begin and end in an index.
  private func parts(_ index: [UInt8]) throws -> [Range<Int>] {
    try index.withUnsafeBytes { bytes in
      let contents = try IndexContents(bytes)
      var parts: [Range<Int>] = [contents.end..<(bytes.count - 4)]
      func framed(_ start: Int) -> Range<Int> {
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        return (start + 4)..<(start + 4 + Int(reader.bigEndian(UInt32.self) ?? 0))
      }
      parts += [framed(contents.symbols), framed(contents.postingsTable)]
      var start = contents.postings
      while start < contents.postingsTable {
        let part = framed(start)
        parts.append(part)
        start = (part.upperBound + 4 + 3) / 4 * 4
      }
      start = contents.series
      while start < contents.seriesEnd {
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: bytes[start...]))
        let length = Int(reader.uvarint() ?? 0)
        parts.append((start + reader.offset)..<(start + reader.offset + length))
        start = (start + reader.offset + length + 4 + 15) / 16 * 16
      }
      return parts
    }
  }

  @Test("an index whose bytes are wrong while its checksums are right is read without harm")
  func forged() throws {
    var source = RandomSource(for: "forged indices")
    let block = try BlockBytes(series: 12, samplesPerSeries: 130, seed: 3)
    let index = try block.file("index")
    let parts = try parts(index)
    let matchers = [
      [try CompiledMatcher(Matcher(.regex, "host", "h[0-5]"))],
      [try CompiledMatcher(Matcher(.equal, "zone", "")), try CompiledMatcher(Matcher(.notEqual, "__name__", "m1"))],
      [try CompiledMatcher(Matcher(.equal, "__name__", "m2")), try CompiledMatcher(Matcher(.regex, "zone", ".+"))],
    ]
    var opened = 0
    for _ in 0..<250 {
      var forged = index
      for _ in 0...source.below(2) {
        let part = parts[source.below(parts.count)]
        if part.isEmpty { continue }
        for _ in 0...source.below(2) {
          forged[part.lowerBound + source.below(part.count)] =
            [0, 0xff, 0x80, 1, UInt8(source.below(256))][source.below(5)]
        }
        let crc = forged[part].withUnsafeBytes { checksum($0) }
        for place in 0..<4 {
          forged[part.upperBound + place] = UInt8(truncatingIfNeeded: crc >> UInt32(24 - 8 * place))
        }
      }
      try block.replace("index", forged)
      _ = try block.verify()
      guard let found = try? Block(BlockBytes.directory, on: block.disk) else { continue }
      opened += 1
      exercise(found, matchers)
    }
    #expect(opened > 10)
  }

  /// Reads a block in every way; whatever it gives, it must give it without harm.
  private func exercise(_ block: Block, _ selectors: [[CompiledMatcher]]) {
    var series = DecodedSeries()
    var samples = SeriesSamples()
    var labels = IndexLabels(block.index)
    for matchers in selectors {
      for reference in (try? block.select(matchers)) ?? [] {
        guard block.index.read(reference, into: &series) else { continue }
        _ = block.labels(series.labels)?.description
        _ = labels.labels(of: series)?.description
        samples.removeAll()
        block.read(series, reference, from: .min, through: .max, into: &samples)
        samples.sortByTime()
      }
    }
    block.forEachName { name in
      block.forEachValue(of: String(decoding: name, as: UTF8.self)) { _ in true }
    }
  }

  @Test("missing and cut files are told by name")
  func missing() throws {
    for name in ["index", "meta.json", "chunks/000001"] {
      let block = try BlockBytes(series: 5, samplesPerSeries: 5, seed: 4)
      let bytes = try block.file(name)
      try block.replace(name, Array(bytes.prefix(bytes.count / 2)))
      let verification = try block.verify()
      #expect(!verification.isWhole && verification.findings.allSatisfy { $0.path.contains(BlockBytes.directory) })
      try block.disk.removeFile("\(BlockBytes.directory)/\(name)")
      if name == "meta.json" { try block.disk.removeFile("\(BlockBytes.directory)/apus.meta") }
      if name == "chunks/000001" {
        #expect(try !block.verify().isWhole)
      } else {
        #expect(throws: BlockError.self) { try Block(BlockBytes.directory, on: block.disk) }
      }
    }
  }

  @Test("damage is told once for a block, and counted each time")
  func report() throws {
    let bytes = try BlockBytes(series: 20, samplesPerSeries: 5, seed: 5)
    var chunks = try bytes.file("chunks/000001")
    for place in stride(from: 12, to: chunks.count, by: 5) { chunks[place] ^= 0x55 }
    try bytes.replace("chunks/000001", chunks)
    let lines = Lines()
    let report = BlockReport(log: Log(level: .info, format: .logfmt) { lines.add($0) })
    let block = try Block(BlockBytes.directory, on: bytes.disk, report: report)
    var series = DecodedSeries()
    var samples = SeriesSamples()
    for reference in try block.selectReadable([CompiledMatcher(Matcher(.regex, "host", ".+"))]) {
      #expect(block.index.read(reference, into: &series))
      block.read(series, reference, from: .min, through: .max, into: &samples)
    }
    #expect(report.unreadable.value == 20 && samples.count == 0)
    #expect(lines.all.count == 1 && lines.all[0].contains("\(BlockBytes.ulid)"))
  }
}

/// Log lines that were written.
private final class Lines: Sendable {
  private let state = Monitor<[String]>([])
  func add(_ line: String) { state.withLock { $0.append(line) } }
  var all: [String] { state.withLock { $0 } }
}

import Model
import Format
import TestKit
import Testing

/// Whoever has the bytes outlives the index here.
private final class Nobody: Sendable {}

@Suite struct IndexFileTests {
  private static func fixture(
    _ random: inout RandomSource, series: Int, hasLabelIndices: Bool = false
  ) -> IndexFixture {
    let all = (0..<series).map { number in
      var labels = ["__name__", "m\(random.below(3))", "host", "h\(number)"]
      // A name whose values take more than one byte to measure, and one with an empty value.
      if random.below(3) == 0 { labels += ["path", String(repeating: "ö/", count: 40 + random.below(60))] }
      if random.below(2) == 0 { labels += ["zone", "z\(random.below(90))"] }
      var time = Int64(random.below(2_000_000)) - 1_000_000
      let chunks = (0..<random.below(5)).map { chunk in
        let first = time
        time += Int64(random.below(100_000))
        defer { time += 1 }
        return ChunkMeta(minTime: first, maxTime: time, reference: random.next() >> 24 &+ UInt64(chunk))
      }
      return IndexFixture.Series(labels: labels, chunks: chunks)
    }
    return IndexFixture(all, hasLabelIndices: hasLabelIndices)
  }

  private func text(_ bytes: UnsafeRawBufferPointer?) -> String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

  @Test("an index is read as the format says, with label indices and without", arguments: [false, true])
  func contents(hasLabelIndices: Bool) throws {
    var random = RandomSource(for: "indices")
    for count in [0, 1, 2, 31, 32, 33, 64, 65, 300] {
      let fixture = IndexFileTests.fixture(&random, series: count, hasLabelIndices: hasLabelIndices)
      try fixture.bytes.withUnsafeBytes { bytes in
        let index = try IndexFile(bytes, owner: Nobody())
        #expect(index.symbolCount == fixture.symbols.count)
        for (number, symbol) in fixture.symbols.enumerated() {
          #expect(text(index.symbol(number)) == symbol)
          #expect(Array(symbol.utf8).withUnsafeBytes { index.symbols.number(of: $0) } == UInt32(number))
          #expect(Array((symbol + "\0").utf8).withUnsafeBytes { index.symbols.number(of: $0) } == nil)
        }
        #expect(index.symbol(fixture.symbols.count) == nil)
        for (pair, references) in fixture.postings where pair != ["", ""] {
          let list = try Array(pair[0].utf8).withUnsafeBytes { name in
            try Array(pair[1].utf8).withUnsafeBytes { try index.postings(name, $0) }
          }
          #expect((0..<list.count).map { list[$0] } == references)
        }
        let all = try index.everySeries()
        #expect((0..<all.count).map { all[$0] } == fixture.references)
        var series = DecodedSeries()
        for (wanted, reference) in zip(fixture.series, fixture.references) {
          try index.decode(reference, into: &series)
          #expect(series.labels.map { text(index.symbols[$0]) } == wanted.labels)
          #expect(series.chunks == wanted.chunks)
        }
      }
    }
  }

  /// Reads all of an index in every way; what it gives does not matter.
  private func exercise(_ bytes: UnsafeRawBufferPointer) throws(IndexDamage) {
    let index = try IndexFile(bytes, owner: Nobody())
    var seen = 0
    index.symbols.forEach { seen += $0.count }
    for place in 0..<index.table.nameCount {
      let name = index.table.name(place)
      _ = index.symbols.number(of: name)
      index.table.forEachValue(place) { value, offset in
        _ = index.table.postings(place, value)
        if let list = try? index.postings(at: offset) {
          for entry in 0..<list.count { seen += list.gallop(0, to: list[entry]) }
        }
        return true
      }
    }
    var series = DecodedSeries()
    var labels = IndexLabels(index)
    // Also where no series begins.
    for reference in 0...UInt32(bytes.count / 16 + 1) where index.read(reference, into: &series) {
      seen += labels.labels(of: series)?.count ?? 0
    }
  }

  @Test("no byte behind an index is read, whichever byte is changed and wherever it is cut")
  func changed() throws {
    var random = RandomSource(for: "changed indices")
    let whole = IndexFileTests.fixture(&random, series: 12, hasLabelIndices: true).bytes
    let memory = GuardedMemory(bytesMax: whole.count)
    try exercise(memory.lay(whole))
    var refused = 0
    for place in whole.indices {
      #expect(throws: IndexDamage.self, "cut at \(place)") { try exercise(memory.lay(Array(whole[..<place]))) }
      var bytes = whole
      bytes[place] ^= UInt8(1 << random.below(8))
      do throws(IndexDamage) { try exercise(memory.lay(bytes)) } catch { refused += 1 }
    }
    // Symbols, the table of postings and the contents are looked at as a whole.
    #expect(refused > 100)
  }

  @Test("no byte behind an index is read where its checksums are those of nonsense")
  func forged() throws {
    var random = RandomSource(for: "forged indices")
    let fixture = IndexFileTests.fixture(&random, series: 12)
    let memory = GuardedMemory(bytesMax: fixture.bytes.count)
    var opened = 0
    for round in 0..<3000 {
      var bytes = fixture.bytes
      // The last part holds the offsets of all others.
      let part =
        round % 4 == 0 ? fixture.parts[fixture.parts.count - 1] : fixture.parts[random.below(fixture.parts.count)]
      for _ in 0...random.below(3) {
        bytes[part.lowerBound + random.below(part.count)] =
          [0, 1, 0x7f, 0x80, 0xff, UInt8(random.below(256))][random.below(6)]
      }
      let sum = bytes[part].withUnsafeBytes { checksum($0) }
      withUnsafeBytes(of: sum.bigEndian) { bytes.replaceSubrange(part.upperBound..<(part.upperBound + 4), with: $0) }
      do throws(IndexDamage) {
        try exercise(memory.lay(bytes))
        opened += 1
      } catch {
        #expect(error.offset <= bytes.count, "\(error)")
      }
    }
    #expect(opened > 100)
  }

  @Test("no byte behind a file of chunks, of deletions, or a description is read")
  func others() {
    var random = RandomSource(for: "changed files of blocks")
    var segment = ByteBuffer()
    ChunkSegment.appendHeader(to: &segment)
    for length in [0, 1, 127, 128, 300] {
      random.bytes(length).withUnsafeBytes { ChunkSegment.append(encoding: 1, $0, to: &segment) }
    }
    var deletions = ByteBuffer()
    var tombstones = Tombstones()
    for _ in 0..<20 {
      let first = Int64(bitPattern: random.next()) / 2
      tombstones.add(first...(first + Int64(random.below(1 << 40))), to: random.next() >> UInt64(random.below(60)))
    }
    tombstones.encode(into: &deletions)
    var meta = BlockMeta(ulid: ULID(high: 1, low: 2), minTime: -5, maxTime: 5)
    meta.compaction.hints = ["\u{1}\"ö"]
    for (whole, read) in [
      (Array(segment.bytes), readChunks), (Array(deletions.bytes), { _ = Tombstones(file: LentBytes($0)) }),
      (meta.json, { _ = BlockMeta(json: LentBytes($0)) }),
    ] as [([UInt8], (UnsafeRawBufferPointer) -> Void)] {
      let memory = GuardedMemory(bytesMax: whole.count)
      for place in whole.indices {
        read(memory.lay(Array(whole[..<place])))
        for value in [0, 0x7f, 0x80, 0xff, UInt8(random.below(256))] {
          var bytes = whole
          bytes[place] = value
          read(memory.lay(bytes))
          read(memory.lay(Array(bytes[...place])))
        }
      }
    }
  }

  private func readChunks(_ file: UnsafeRawBufferPointer) {
    _ = ChunkSegment.hasHeader(file)
    for offset in -1...(file.count + 1) {
      if let chunk = ChunkSegment.chunk(at: offset, in: file) { _ = ChunkSegment.isWhole(chunk) }
    }
  }
}

import Format
import TestKit
import Testing

@testable import TSDB

@Suite struct CompactionMergeTests {
  private struct Source {
    var samples: [(time: Int64, value: UInt64)] = []
    var rank = 0
    var encoding: UInt8 = 1
    var bytes: [UInt8] = []

    init(_ samples: [(time: Int64, value: UInt64)], rank: Int = 0) {
      self.samples = samples
      self.rank = rank
      bytes = encodedChunk(samples)
    }

    init(_ times: [Int64], rank: Int = 0) { self.init(times.map { ($0, UInt64(bitPattern: $0)) }, rank: rank) }
  }

  private struct Merged: Equatable {
    var times: [Int64]
    var encoding: UInt8 = 1
    var isHandedOn = false
  }

  /// Lends the sources' bytes to a merge and gives what came out.
  private func merge(
    _ sources: [Source], deleted: DeletedTimes? = nil, deletedByRank: [DeletedTimes] = [],
    check: (borrowing ChunkMerge) -> Void = { _ in }
  ) throws -> [Merged] {
    let buffers = sources.map { source in
      let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: source.bytes.count, alignment: 8)
      copy.copyBytes(from: source.bytes)
      return copy
    }
    defer { buffers.forEach { $0.deallocate() } }
    let pieces = zip(sources, buffers).map { source, buffer in
      ChunkPiece(
        minTime: source.samples.first?.time ?? 0, maxTime: source.samples.last?.time ?? 0, encoding: source.encoding,
        bytes: UnsafeRawBufferPointer(buffer), rank: source.rank)
    }
    var merge = ChunkMerge()
    let ranks = max(deletedByRank.count, 1 + (sources.map(\.rank).max() ?? 0))
    var gone = Array(repeating: deleted ?? DeletedTimes(), count: ranks)
    for (rank, times) in deletedByRank.enumerated() { gone[rank] = times }
    try merge.merge(pieces, deleted: gone)
    check(merge)
    return merge.chunks.map { chunk in
      let isHandedOn = buffers.contains { $0.baseAddress == UnsafeMutableRawPointer(mutating: chunk.bytes.baseAddress) }
      guard chunk.encoding == 1 else { return Merged(times: [], encoding: chunk.encoding, isHandedOn: isHandedOn) }
      let samples = decodedChunk(chunk.bytes) ?? []
      #expect(samples.first?.time == chunk.minTime && samples.last?.time == chunk.maxTime)
      return Merged(times: samples.map(\.time), isHandedOn: isHandedOn)
    }
  }

  private func times(_ range: Range<Int>, step: Int = 1) -> [Int64] {
    stride(from: range.lowerBound, to: range.upperBound, by: step).map(Int64.init)
  }

  @Test("large chunks that stand alone are handed on byte by byte")
  func handedOn() throws {
    let merged = try merge([Source(times(200..<390)), Source(times(0..<200)), Source(times(500..<620))])
    #expect(merged.map(\.isHandedOn) == [true, true, true])
    #expect(merged.map { $0.times.first } == [0, 200, 500])
  }

  @Test("small neighbours become one chunk, up to the size of a chunk")
  func joined() throws {
    let merged = try merge([Source(times(0..<120)), Source(times(120..<200)), Source(times(200..<241))])
    #expect(merged == [Merged(times: times(0..<200)), Merged(times: times(200..<241), isHandedOn: true)])
    #expect(try merge([Source([1]), Source([2]), Source([3])]) == [Merged(times: [1, 2, 3])])
  }

  @Test("samples too far apart for one chunk stay in two")
  func farApart() throws {
    let far = Int64(1) << 33
    #expect(try merge([Source([0]), Source([far])]).map(\.isHandedOn) == [true, true])
    #expect(try merge([Source([0]), Source([.max - 5]), Source([.min + 5])]).count == 3)
    // Nor does a rewrite bring them together.
    let merged = try merge([Source([0, 5]), Source([3], rank: 1), Source([4, far], rank: 2)])
    #expect(merged.map(\.times) == [[0, 3, 4, 5], [far]])
  }

  @Test("overlapping chunks become one sorted run, each time once, the lower block's value first")
  func overlapping() throws {
    let one = Source((0..<100).map { (Int64($0 * 2), 1) })
    let two = Source((0..<100).map { (Int64($0 * 2 - $0 % 2), 2) }, rank: 1)
    var values: [UInt64: Int] = [:]
    let merged = try merge([two, one]) { merge in
      for chunk in merge.chunks {
        for sample in decodedChunk(chunk.bytes) ?? [] { values[sample.value, default: 0] += 1 }
      }
    }
    let expected = Set(one.samples.map(\.time) + two.samples.map(\.time)).sorted()
    #expect(merged.flatMap(\.times) == expected && merged.map(\.times.count) == [150])
    #expect(values == [1: 100, 2: 50])
  }

  @Test("the same chunk in two blocks is handed on once")
  func doubled() throws {
    let chunks = [Source(times(0..<200)), Source(times(200..<400))]
    let again = chunks.map { Source($0.samples, rank: 1) }
    let merged = try merge(chunks + again)
    #expect(merged.map(\.isHandedOn) == [true, true])
  }

  @Test("deleted times leave; a chunk that is deleted whole is not even read")
  func deletions() throws {
    var unreadable = Source(times(200..<300))
    unreadable.bytes = [0xff]
    let deleted = DeletedTimes([10...19, 200...299, 400...400])
    let merged = try merge([Source(times(0..<150)), unreadable, Source(times(300..<400))], deleted: deleted)
    #expect(
      merged == [Merged(times: times(0..<10) + times(20..<150)), Merged(times: times(300..<400), isHandedOn: true)])
    #expect(try merge([Source(times(0..<100))], deleted: DeletedTimes([0...99])).isEmpty)
    #expect(try merge([Source([1, 3, 5])], deleted: DeletedTimes([1...2, 3...3, 5...9])).isEmpty)
  }

  @Test("what is deleted in one block is not deleted in another")
  func deletionsOfOneBlock() throws {
    let merged = try merge(
      [Source([1, 2, 3]), Source([2, 3, 4], rank: 1)], deletedByRank: [DeletedTimes([2...9]), DeletedTimes([3...3])])
    #expect(merged == [Merged(times: [1, 2, 4])])
    let same = try merge([Source([1, 2, 3]), Source([1, 2, 3], rank: 1)], deletedByRank: [DeletedTimes([2...2])])
    #expect(same == [Merged(times: [1, 2, 3])])
  }

  @Test("a chunk that cannot be decoded stays whole beside what overlaps it, and keeps its deletions")
  func histograms() throws {
    var histogram = Source(times(10..<50))
    histogram.encoding = 3
    var doubled = histogram
    doubled.rank = 1
    var deletedWhole = Source(times(60..<65))
    deletedWhole.encoding = 2
    let merged = try merge(
      [Source(times(0..<90)), histogram, doubled, deletedWhole, Source(times(90..<100))],
      deleted: DeletedTimes([40...70])
    ) { merge in
      #expect(merge.keptDeletions == DeletedTimes([40...49]))
    }
    #expect(
      merged == [
        Merged(times: times(0..<40) + times(71..<100)), Merged(times: [], encoding: 3, isHandedOn: true),
      ])
  }

  @Test("a chunk that cannot be read and has to be is an error that names its block")
  func unreadable() throws {
    var broken = Source(times(5..<100), rank: 7)
    broken.bytes.removeLast(20)
    #expect(throws: ChunkDamage(rank: 7)) { try merge([Source(times(0..<10)), broken]) }
  }

  @Test("long overlaps are written in parts, and nothing is lost, doubled or out of order")
  func longOverlap() throws {
    let count = 3 * ChunkMerge.heldSamplesMax / 120
    var sources: [Source] = []
    for index in 0..<count {
      let start = index * 240
      sources.append(Source(times(start..<(start + 242), step: 2)))
      sources.append(Source(times((start + 121)..<(start + 361), step: 2), rank: 1))
    }
    let expected = Set(sources.flatMap { $0.samples.map(\.time) }).sorted()
    let merged = try merge(sources).flatMap(\.times)
    let isSame = merged == expected
    #expect(isSame)
  }

  @Test("whatever overlaps, is deleted or small: the samples are those of a plain dictionary")
  func model() throws {
    var random = RandomSource(for: "merging chunks")
    for round in 0..<400 {
      var sources: [Source] = []
      var expected: SampleMap = [:]
      var deleted: [DeletedTimes] = []
      for rank in 0..<(1 + random.below(4)) {
        deleted.append(
          DeletedTimes(
            (0..<random.below(4)).map { _ in
              let start = Int64(random.below(900))
              return start...(start + Int64(random.below(100)))
            }))
        var time = Int64(random.below(300))
        for _ in 0..<random.below(5) {
          let length = 1 + random.below(random.below(3) == 0 ? 120 : 10)
          var samples: [(time: Int64, value: UInt64)] = []
          for _ in 0..<length {
            samples.append((time, UInt64(rank * 1000 + random.below(3))))
            time += Int64(1 + random.below(4))
          }
          time += Int64(random.below(200))
          for sample in samples where expected[sample.time] == nil && !deleted[rank].contains(sample.time) {
            expected[sample.time] = sample.value
          }
          sources.append(Source(samples, rank: rank))
        }
      }
      var found: [(Int64, UInt64)] = []
      _ = try merge(sources.shuffled(using: &random), deletedByRank: deleted) { merge in
        for chunk in merge.chunks { found += (decodedChunk(chunk.bytes) ?? []).map { ($0.time, $0.value) } }
      }
      let isRising = zip(found, found.dropFirst()).allSatisfy { $0.0 < $1.0 }
      let isSame = found.count == expected.count && found.allSatisfy { expected[$0.0] == $0.1 }
      #expect(isRising && isSame, "seed \(random.seed) round \(round)")
    }
  }

  @Test("deleted times are those of a plain set, and never touch each other")
  func deletedTimes() {
    var random = RandomSource(for: "deleted times")
    for round in 0..<300 {
      var deleted = DeletedTimes()
      var expected = Set<Int64>()
      for _ in 0..<random.below(8) {
        let start = Int64(random.below(40))
        let range = start...(start + Int64(random.below(8)))
        deleted.add(range)
        expected.formUnion(range)
      }
      let isSame = (-2..<60).allSatisfy { deleted.contains($0) == expected.contains($0) }
      let isApart = zip(deleted.intervals, deleted.intervals.dropFirst()).allSatisfy {
        $0.upperBound + 1 < $1.lowerBound
      }
      #expect(isSame && isApart, "seed \(random.seed) round \(round)")
    }
    #expect(DeletedTimes([.min ... .max, 5...6]).intervals == [.min ... .max])
    #expect(DeletedTimes([5...6, .min ... .max]).intervals == [.min ... .max])
    #expect(DeletedTimes([0...9, 20...29]).clamped(to: 5...24) == DeletedTimes([5...9, 20...24]))
  }
}

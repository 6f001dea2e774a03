import TestKit
import Testing

@testable import TSDB

@Suite struct HeadStructureTests {
  @Test("slots are counted up, used again once recycled, and hold their records across segments")
  func recordArena() {
    var arena = RecordArena()
    for slot in 0..<10_000 as Range<UInt32> {
      let allocated = arena.allocate()
      #expect(allocated == slot)
      arena.pointer(slot).pointee = HeadSeries(reference: UInt64(slot) + 1, id: slot, flags: 0)
    }
    arena.checkInvariants()
    let gone = (0..<10_000 as Range<UInt32>).filter { $0 % 7 == 0 }
    for slot in gone { arena.retire(slot) }
    // Retired is not yet free: the next slot is a new one.
    let next = arena.allocate()
    #expect(next == 10_000)
    arena.pointer(10_000).pointee = HeadSeries(reference: 10_001, id: 10_000, flags: 0)
    arena.recycle(gone)
    arena.checkInvariants()
    var present: [UInt32] = []
    arena.forEach { slot, record in
      present.append(slot)
      #expect(record.pointee.reference == UInt64(slot) + 1 && record.pointee.id == slot)
    }
    #expect(present == (0...10_000).filter { $0 % 7 != 0 })
    var again = Set<UInt32>()
    for _ in gone { if let slot = arena.allocate() { again.insert(slot) } }
    #expect(again == Set(gone) && arena.slotCount == 10_001)
  }

  @Test("a segmented column is an array, at the borders of its segments too")
  func segmentedColumn() {
    var column = SegmentedColumn<UInt64>(gone: .max)
    for number in 0..<40_000 as Range<UInt64> { column.append(number &* 0x9e37_79b9) }
    #expect(column.count == 40_000 && column.byteCount >= 3 * 16384 * 8)
    for number in [0, 1, 16383, 16384, 32767, 32768, 39_999] {
      #expect(column[number] == UInt64(number) &* 0x9e37_79b9)
    }
    column[16384] = 7
    #expect(column[16384] == 7 && column[16383] == 16383 &* 0x9e37_79b9 && column[16385] == 16385 &* 0x9e37_79b9)
    // Only a full segment of which nothing is left is given back.
    let before = column.byteCount
    for number in 16384..<32768 { column[number] = .max }
    for segment in 0..<3 { column.release(segment: segment) { $0 == .max } }
    #expect(column.byteCount == before - 16384 * 8)
    #expect(column[16384] == .max && column[32767] == .max)
    #expect(column[16383] == 16383 &* 0x9e37_79b9 && column[32768] == 32768 &* 0x9e37_79b9)
    column.append(1)
    #expect(column[40_000] == 1 && column.count == 40_001)
  }

  @Test("a reference map is a dictionary, for references close together and far apart")
  func referenceMap() {
    var random = RandomSource(seed: 11)
    var map = ReferenceMap()
    var plain: [UInt64: UInt32] = [:]
    for step in 0..<20_000 {
      let reference: UInt64 =
        switch random.below(4) {
        case 0: UInt64(random.below(10_000))
        case 1: 4096 * UInt64(random.below(50)) + (random.below(2) == 0 ? 0 : 4095)
        case 2: 1 << UInt64(random.below(63)) | UInt64(random.below(5000))
        default: .max - UInt64(random.below(5000))
        }
      if random.below(2) == 0 {
        plain[reference] = UInt32(step)
        map.set(reference, SeriesLocation(raw: UInt32(step)))
      }
      let found = map.find(reference).raw
      #expect(found == plain[reference] ?? SeriesLocation.none.raw)
    }
    #expect(map.highest == plain.keys.max())
    for (reference, location) in plain {
      let found = map.find(reference).raw
      #expect(found == location)
    }
  }

  @Test("a page that is looked for before it exists is found once it does")
  func referenceMapMissThenSet() {
    var map = ReferenceMap()
    var found = [map.find(5)]
    map.set(5, SeriesLocation(raw: 1))
    found += [map.find(5), map.find(6), map.find(5000)]
    map.set(6, SeriesLocation(raw: 2))
    map.set(5000, SeriesLocation(raw: 3))
    found += [map.find(6), map.find(5000), map.find(5)]
    let none = SeriesLocation.none.raw
    #expect(found.map(\.raw) == [none, 1, none, none, 2, 3, 1])
  }

  @Test("rows come out grouped by shard, each once, in their order")
  func shardStarts() {
    var random = RandomSource(seed: 3)
    for count in [0, 1, 2, 15, 16, 17, 500] {
      let shards = (0..<count).map { _ in random.below(random.below(2) == 0 ? 16 : 3) }
      var starts = ShardStarts()
      for shard in shards { starts.add(shard) }
      starts.finish()
      var order = [Int](repeating: -1, count: count)
      for (row, shard) in shards.enumerated() { order[starts.place(shard)] = row }
      for shard in 0..<16 {
        #expect(Array(order[starts.range(shard)]) == shards.indices.filter { shards[$0] == shard })
      }
    }
  }

  @Test("a series' list of chunks is an array: adding, removing any of them, replacing")
  func chunkList() {
    for seed in 1...20 as ClosedRange<UInt64> {
      var random = RandomSource(seed: seed)
      var shard = HeadShard(number: 3)
      guard let location = shard.create(reference: 9, flags: 0, high: 1, low: 3) else {
        Issue.record("no memory")
        return
      }
      let record = shard.records.pointer(location.slot)
      var plain: [Int64] = []
      var next: Int64 = 0
      for _ in 0..<60 {
        for _ in 0..<random.below(25) {
          let isLate = random.below(4) == 0
          let chunk = SeriesChunk(
            start: next * 100, span: 99, file: 1, offset: UInt32(next), byteCount: 0, sizeClass: 0,
            flags: isLate ? SeriesChunk.isLate : 0)
          let added = shard.addChunk(chunk, to: record)
          #expect(added)
          shard.chunkCount += 1
          plain.append(next * 100)
          next += 1
        }
        if random.below(2) == 0 {
          let border = Int64(random.below(Int(next) + 1)) * 100
          let keepsOdd = random.below(2) == 0
          let removed = shard.removeChunks(of: record) { $0.start < border && ($0.start / 100 % 2 == 0 || !keepsOdd) }
          let before = plain.count
          plain.removeAll { $0 < border && ($0 / 100 % 2 == 0 || !keepsOdd) }
          #expect(removed == before - plain.count)
        }
        var found: [Int64] = []
        shard.forEachChunk(of: record) { chunk in
          found.append(chunk.pointee.start)
          return true
        }
        #expect(found == plain.reversed())
        shard.checkInvariants()
      }
      shard.freeMemory(of: record)
      #expect(shard.slabs.usedBytes == 0 && shard.chunkCount == 0)
    }
  }

  @Test("a chunk in memory is replaced by its copy in a file, and only by its own")
  func replaceInMemory() {
    var shard = HeadShard(number: 0)
    guard let location = shard.create(reference: 9, flags: 0, high: 1, low: 0) else {
      Issue.record("no memory")
      return
    }
    let record = shard.records.pointer(location.slot)
    for start in [1000, 2000] as [Int64] {
      for time in 0..<10 {
        _ = shard.appendInOrder(record, location.slot, time: start + Int64(time), value: UInt64(time))
      }
      let completed = shard.completeChunk(record, location.slot)
      #expect(completed)
    }
    shard.checkInvariants()
    let filed = SeriesChunk(start: 1000, span: 9, file: 4, offset: 8, byteCount: 0, sizeClass: 0, flags: 0)
    var other = filed
    other.span = 8
    let late = SeriesChunk(
      start: 1000, span: 9, file: 4, offset: 8, byteCount: 0, sizeClass: 0, flags: SeriesChunk.isLate)
    var inMemory = shard.chunksInMemory(of: record)
    var replaced: [Bool] = []
    for chunk in [other, late, filed, filed] {
      let place = inMemory.removeValue(forKey: ChunkExtent(chunk))
      if let place { shard.replaceInMemory(place, by: chunk) }
      replaced.append(place != nil)
    }
    #expect(replaced == [false, false, true, false])
    shard.checkInvariants()
    var files: [UInt32] = []
    shard.forEachChunk(of: record) { chunk in
      files.append(chunk.pointee.file)
      return true
    }
    #expect(files == [SeriesChunk.inMemory, 4])
  }

  @Test("sorting by time keeps of equal times the first, clipping keeps what is inside, in any mixture of runs")
  func seriesSamples() {
    for seed in 1...300 as ClosedRange<UInt64> {
      var random = RandomSource(seed: seed)
      var samples = SeriesSamples()
      var plain: [Int64: UInt64] = [:]
      for _ in 0..<random.below(6) {
        var time = Int64(random.below(60)) - 20
        for _ in 0..<random.below(12) {
          let value = random.next()
          samples.append(time: time, value: value)
          plain[time] = plain[time] ?? value
          time += Int64(random.below(5)) + (random.below(3) == 0 ? 0 : 1)
        }
      }
      samples.sortByTime()
      #expect(samples.count == plain.count, "seed \(seed)")
      #expect((0..<samples.count).map { samples.times[$0] } == plain.keys.sorted(), "seed \(seed)")
      for index in 0..<samples.count { #expect(samples.values[index] == plain[samples.times[index]], "seed \(seed)") }
      for time in -22...100 as ClosedRange<Int64> { #expect(samples.value(at: time) == plain[time], "seed \(seed)") }
      let first = Int64(random.below(80)) - 30
      let last = first + Int64(random.below(60)) - 3
      samples.clip(first, last)
      let inside = plain.keys.filter { $0 >= first && $0 <= last }.sorted()
      #expect((0..<samples.count).map { samples.times[$0] } == inside, "seed \(seed)")
    }
  }

  @Test("samples are sorted wherever the first late one is, and however far apart their times are")
  func longRuns() {
    let extremes: [Int64] = [.min, .min + 1, -1 << 62, -1, 0, 1 << 62, (1 << 62) - 1, .max - 1, .max]
    for late in 0..<60 {
      for time in extremes + [Int64(late) - 1, Int64(late) - 30] {
        var samples = SeriesSamples()
        var plain: [Int64: UInt64] = [:]
        for place in 0..<60 {
          let at = place == late ? time : Int64(place)
          samples.append(time: at, value: UInt64(place))
          plain[at] = plain[at] ?? UInt64(place)
        }
        samples.sortByTime()
        let times = (0..<samples.count).map { samples.times[$0] }
        #expect(times == plain.keys.sorted(), "\(late) \(time)")
        #expect((0..<samples.count).allSatisfy { samples.values[$0] == plain[times[$0]] }, "\(late) \(time)")
      }
    }
  }
}

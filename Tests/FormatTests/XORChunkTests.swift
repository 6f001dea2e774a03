import Format
import TestKit
import Testing

@Suite struct XORChunkTests {
  /// Writes the whole series into memory that is full of ones, and says so where something did not fit.
  private func written(_ series: XORSeries, capacity: Int, _ memory: borrowing GuardedMemory) -> [UInt8]? {
    let room = memory.room(capacity)
    room.initializeMemory(as: UInt8.self, repeating: 0xff)
    let base = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
    var tail = XORTail()
    XORChunk.start(time: series.times[0], value: series.values[0], tail: &tail, at: base, capacity: capacity)
    for (time, value) in zip(series.times, series.values).dropFirst() {
      if !XORChunk.append(time: time, value: value, to: &tail, at: base, capacity: capacity) { return nil }
    }
    return Array(room.prefix(tail.byteCount))
  }

  @Test(
    "short chunks are the bytes that the format's description gives",
    arguments: [
      ([0], [0], [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
      ([1, 2, 3], [1, 1, 1], [0, 3, 2, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 1, 0b000_00000]),
      ([1, 2], [1, 2], [0, 2, 2, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0, 1, 0xc2, 0x5f, 0xff]),
      ([0, 10, 30], [0, 0, 0], [0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0x40, 0x05, 0x00]),
      ([0, 10, 19], [0, 0, 0], [0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 10, 0x5f, 0xff, 0x80]),
      ([-64, 236], [0, 0], [0, 2, 0x7f, 0, 0, 0, 0, 0, 0, 0, 0, 0xac, 0x02, 0]),
    ] as [([Int64], [Double], [UInt8])])
  func handComputed(_ times: [Int64], _ values: [Double], _ expected: [UInt8]) {
    let memory = GuardedMemory(bytesMax: 4096)
    let series = XORSeries(times: times, values: values.map(\.bitPattern))
    let chunk = written(series, capacity: 64, memory)
    #expect(chunk == expected)
    #expect(series.reference().bytes == expected)
  }

  @Test("every kind of series is written as the format says and read back bit for bit")
  func roundTrip() {
    var maker = XORSeriesMaker(random: RandomSource(for: "series for chunks"))
    let memory = GuardedMemory(bytesMax: 8192)
    for _ in 0..<1500 {
      let series = maker.series(1 + maker.random.below(130))
      let expected = series.reference().bytes
      let capacity = max(20, expected.count + maker.random.below(9))
      guard let chunk = written(series, capacity: capacity, memory), chunk == expected else {
        Issue.record("written otherwise: \(series)")
        return
      }
      let read = decodedXOR(memory.lay(chunk))
      guard read.times == series.times, read.values == series.values else {
        Issue.record("read otherwise: \(series)")
        return
      }
    }
  }

  @Test("times on either side of each border of the time encoding come back")
  func timeBorders() {
    let memory = GuardedMemory(bytesMax: 4096)
    for border in XORSeriesMaker.borders {
      for next in XORSeriesMaker.borders {
        var times: [Int64] = [1_700_000_000_000]
        var delta: Int64 = border < 0 ? 4_200_000_000 : 10
        times.append(times[0] + delta)
        for second in [border, next] where (1...0xffff_ffff).contains(delta + second) {
          delta += second
          times.append(times[times.count - 1] + delta)
        }
        let series = XORSeries(times: times, values: times.map { _ in 7 })
        let chunk = written(series, capacity: 120, memory)
        #expect(chunk == series.reference().bytes)
        let read = decodedXOR(memory.lay(chunk ?? []))
        #expect(read.times == times)
      }
    }
  }

  @Test("a sample is refused exactly where it does not fit, and then nothing has changed")
  func everyCapacity() {
    var maker = XORSeriesMaker(random: RandomSource(for: "series for every capacity"))
    let memory = GuardedMemory(bytesMax: 4096)
    for _ in 0..<60 {
      let series = maker.series(2 + maker.random.below(16))
      let reference = series.reference()
      for capacity in 20...max(reference.bytes.count, 20) {
        let room = memory.room(capacity)
        room.initializeMemory(as: UInt8.self, repeating: 0xaa)
        let base = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
        var tail = XORTail()
        XORChunk.start(time: series.times[0], value: series.values[0], tail: &tail, at: base, capacity: capacity)
        for index in series.times.indices.dropFirst() {
          let before = (tail.all, Array(room.prefix(tail.byteCount)))
          let fits = XORChunk.append(
            time: series.times[index], value: series.values[index], to: &tail, at: base, capacity: capacity)
          let isRight =
            fits
            ? Int(tail.bitCount) == reference.bitCounts[index]
            : tail.all == before.0 && Array(room.prefix(tail.byteCount)) == before.1
          if !isRight || fits != (reference.bitCounts[index] <= capacity * 8) {
            Issue.record("sample \(index) at \(capacity) bytes of \(series)")
            return
          }
          if !fits { break }
        }
      }
    }
  }

  @Test("a chunk that moves to larger memory in the middle goes on as if nothing had happened")
  func growing() {
    var maker = XORSeriesMaker(random: RandomSource(for: "series for growing chunks"))
    for _ in 0..<100 {
      let series = maker.series(60)
      var memory = [UInt8](repeating: 0xaa, count: 20)
      var tail = XORTail()
      memory.withUnsafeMutableBufferPointer {
        XORChunk.start(time: series.times[0], value: series.values[0], tail: &tail, at: $0.baseAddress!, capacity: 20)
      }
      for index in series.times.indices.dropFirst() {
        while true {
          let capacity = memory.count
          let fits = memory.withUnsafeMutableBufferPointer {
            XORChunk.append(
              time: series.times[index], value: series.values[index], to: &tail, at: $0.baseAddress!,
              capacity: capacity)
          }
          if fits { break }
          let room = [UInt8](repeating: 0x55, count: capacity + 1 + index % 16 - tail.byteCount)
          memory = memory.prefix(tail.byteCount) + room
        }
      }
      #expect(Array(memory.prefix(tail.byteCount)) == series.reference().bytes)
    }
  }

  @Test("a constant chunk written at once is the one written sample by sample, and goes on like it")
  func constants() {
    let memory = GuardedMemory(bytesMax: 4096)
    let other = GuardedMemory(bytesMax: 4096)
    for first in [0, 1, -1, 63, 64, -64, -65, 1_700_000_000_000, Int64.min / 2] {
      for delta in [1, 127, 128, 15_000, 16_383, 16_384, UInt32.max] {
        for count in [1, 2, 3, 4, 8, 9, 10, 11, 31, 32, 33, 119, 120, 121] {
          let series = XORSeries(
            times: (0..<count).map { first + Int64($0) * Int64(delta) },
            values: Array(repeating: 0x7ff0_0000_0000_0002, count: count))
          let expected = series.reference()
          let capacity = max(20, expected.bytes.count)
          let bitCount = XORChunk.constantBitCount(firstTime: first, timeDelta: delta, count: count)
          #expect(bitCount == expected.bitCounts[count - 1])
          let room = memory.room(capacity)
          room.initializeMemory(as: UInt8.self, repeating: 0xff)
          let base = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
          var tail = XORTail(
            lastTime: series.times[count - 1], lastValue: 0x7ff0_0000_0000_0002, timeDelta: count == 1 ? 0 : delta,
            count: UInt16(count))
          let isWritten = XORChunk.writeConstant(tail: &tail, firstTime: first, at: base, capacity: capacity)
          #expect(isWritten)
          #expect(Array(room.prefix(tail.byteCount)) == expected.bytes)
          let oneByOne = written(series, capacity: capacity, other)
          #expect(oneByOne == expected.bytes)
          if expected.bytes.count > 20 {
            let short = expected.bytes.count - 1
            let cramped = memory.room(short).baseAddress!.assumingMemoryBound(to: UInt8.self)
            var copy = tail
            let fits = XORChunk.writeConstant(tail: &copy, firstTime: first, at: cramped, capacity: short)
            #expect(!fits && copy.all == tail.all)
          }
        }
      }
    }
    // Going on: the next sample is as if all had been appended one by one.
    var series = XORSeries(times: [0, 10, 20, 30], values: [5, 5, 5, 5])
    let room = memory.room(100)
    let base = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
    var tail = XORTail(lastTime: 30, lastValue: 5, timeDelta: 10, count: 4)
    let isWritten = XORChunk.writeConstant(tail: &tail, firstTime: 0, at: base, capacity: 100)
    let isAppended = XORChunk.append(time: 55, value: 1 << 40, to: &tail, at: base, capacity: 100)
    #expect(isWritten && isAppended)
    series.times.append(55)
    series.values.append(1 << 40)
    #expect(Array(room.prefix(tail.byteCount)) == series.reference().bytes)
  }

  @Test("a chunk of equal values that a Prometheus goes on with after a restart has a window of all bits")
  func reopened() {
    let memory = GuardedMemory(bytesMax: 4096)
    let room = memory.room(64)
    let base = room.baseAddress!.assumingMemoryBound(to: UInt8.self)
    var tail = XORTail()
    XORChunk.start(time: 10, value: 1.0.bitPattern, tail: &tail, at: base, capacity: 64)
    #expect(XORChunk.append(time: 20, value: 1.0.bitPattern, to: &tail, at: base, capacity: 64))
    // What its reader of the chunk knows then: no leading and no trailing zeros.
    tail.leading = 0
    tail.trailing = 0
    for (time, value) in [(30, 2.5), (40, 2.5), (50, -7.0)] as [(Int64, Double)] {
      #expect(XORChunk.append(time: time, value: value.bitPattern, to: &tail, at: base, capacity: 64))
    }
    let read = decodedXOR(memory.lay(Array(room.prefix(tail.byteCount))))
    #expect(read.times == [10, 20, 30, 40, 50])
    #expect(read.values.map { Double(bitPattern: $0) } == [1, 1, 2.5, 2.5, -7])
  }

  @Test("a cut chunk gives the samples before the cut, and nothing behind it is read")
  func everyCut() {
    var maker = XORSeriesMaker(random: RandomSource(for: "cut chunks"))
    let memory = GuardedMemory(bytesMax: 4096)
    for _ in 0..<60 {
      let series = maker.series(1 + maker.random.below(24))
      let (chunk, bitCounts) = series.reference()
      for length in 0...chunk.count {
        let read = decodedXOR(memory.lay(Array(chunk.prefix(length))))
        let whole = bitCounts.prefix { $0 <= length * 8 }.count
        #expect(read.said == (length < 2 ? nil : series.times.count))
        #expect(read.times == Array(series.times.prefix(whole)))
        #expect(read.values == Array(series.values.prefix(whole)))
      }
    }
  }

  @Test("a damaged chunk does no harm: at most as many samples as it says, and nothing behind it is read")
  func damaged() {
    var maker = XORSeriesMaker(random: RandomSource(for: "damaged chunks"))
    var mutations = WALRandom(seed: maker.random.seed)
    let memory = GuardedMemory(bytesMax: 8192)
    var short = 0
    for _ in 0..<4000 {
      var chunk = maker.series(1 + maker.random.below(40)).reference().bytes
      for _ in 0..<(1 + maker.random.below(4)) { chunk = mutated(chunk, &mutations) }
      let read = decodedXOR(memory.lay(chunk))
      #expect(read.times.count <= read.said ?? 0)
      if read.times.count < read.said ?? 0 { short += 1 }
    }
    for _ in 0..<2000 {
      let read = decodedXOR(memory.lay(maker.random.bytes(maker.random.below(200))))
      #expect(read.times.count <= read.said ?? 0)
    }
    #expect(short > 500)
  }

  @Test("the cost of a sample is printed: encode and decode of a counter scraped every 15 s")
  func cost() {
    var random = RandomSource(seed: 42)
    var value = 0.0
    let series = XORSeries(
      times: (0..<120).map { 1_700_000_000_000 + $0 * 15_000 + Int64(random.below(5)) },
      values: (0..<120).map { _ in
        value += Double(random.below(1000))
        return value.bitPattern
      })
    let rounds = 400
    let memory = GuardedMemory(bytesMax: 4096)
    let base = memory.room(2048).baseAddress!.assumingMemoryBound(to: UInt8.self)
    var tail = XORTail()
    let clock = ContinuousClock()
    let encoding = clock.measure {
      for _ in 0..<rounds {
        XORChunk.start(time: series.times[0], value: series.values[0], tail: &tail, at: base, capacity: 2048)
        for index in 1..<120 {
          _ = XORChunk.append(
            time: series.times[index], value: series.values[index], to: &tail, at: base, capacity: 2048)
        }
      }
    }
    let chunk = UnsafeRawBufferPointer(start: base, count: tail.byteCount)
    #expect(Array(chunk) == series.reference().bytes)
    var times = [Int64](repeating: 0, count: 120)
    var values = [UInt64](repeating: 0, count: 120)
    var decoded = 0
    let decoding = clock.measure {
      for _ in 0..<rounds { decoded += XORChunk.decode(chunk, times: &times, values: &values) }
    }
    #expect(decoded == rounds * 120)
    let perSample = { (time: Duration) in Double(time.components.attoseconds) / 1e9 / Double(rounds * 120) }
    print("XOR chunk, ns a sample: encode \(perSample(encoding)), decode \(perSample(decoding)), bytes \(chunk.count)")
  }
}

import Testing

@testable import TSDB

@Suite struct PostingsListTests {
  /// Writes ids to a list one by one and checks what a copy of each prefix says, at the lengths asked for.
  private func roundTrip(_ ids: [UInt32], checkEvery: Int = 1) -> Bool {
    var store = PostingsStore()
    let list = store.makeList()
    var copy = PostingsCopy()
    for (index, id) in ids.enumerated() {
      store.append(id, to: list)
      if index % checkEvery != 0 && index != ids.count - 1 { continue }
      copy.removeAll()
      copy.append(store[list], of: store.blocks)
      if copy.ids(0) != Array(ids[...index]) || copy.entries[0].last != id { return false }
    }
    store.blocks.clear(store[list])
    return store.blocks.byteCount == 0 && store[list].pointee.count == 0
  }

  @Test("every subset of the first twelve ids comes back, at every length")
  func subsets() {
    for bits in 1..<UInt32(1 << 12) {
      let ids = (UInt32(0)..<12).filter { bits >> $0 & 1 != 0 }
      #expect(roundTrip(ids), "\(ids)")
    }
  }

  @Test("gaps of every length class, runs of every length class, and the last id there is")
  func extremes() {
    #expect(roundTrip([0]))
    #expect(roundTrip([UInt32.max]))
    #expect(roundTrip([0, UInt32.max - 1, UInt32.max]))
    for shift in 0..<32 {
      let gap = UInt32(1) << UInt32(shift)
      #expect(roundTrip([gap - 1, gap, gap &+ gap / 2 &+ 1].sorted()))
    }
    for run in [2, 3, 127, 128, 129, 130, 16384, 16386, 70000] {
      let ids = Array(UInt32(5)..<UInt32(5 + run)) + Array(UInt32(5 + run + 2)..<UInt32(5 + 2 * run))
      #expect(roundTrip(ids, checkEvery: max(run / 3, 1)), "\(run)")
    }
  }

  @Test("lists of every length up to 400 cross each block border, for gaps of one, two and three bytes")
  func borders() {
    for gap in [2, 300, 20000] as [UInt32] {
      #expect(roundTrip((0..<400).map { 7 + $0 * gap }))
    }
    #expect(roundTrip((0..<30_000).map { 1 + $0 * 3 }, checkEvery: 1997))
  }

  @Test("random mixtures of runs and gaps come back")
  func mixtures() {
    var random = SystemRandomNumberGenerator()
    let seed = UInt64.random(in: 0...UInt64.max, using: &random)
    var generator = SplitMix(state: seed)
    for round in 0..<200 {
      var ids: [UInt32] = []
      var id = UInt32.random(in: 0...1000, using: &generator)
      for _ in 0..<Int.random(in: 1...60, using: &generator) {
        for _ in 0..<Int.random(in: 1...5, using: &generator) {
          ids.append(id)
          id += 1
        }
        id += UInt32.random(in: 1...(Bool.random(using: &generator) ? 4 : 100_000), using: &generator)
      }
      #expect(roundTrip(ids), "seed \(seed) round \(round)")
    }
  }

  @Test("a run appended at once is the run appended id by id")
  func appendedRuns() {
    var store = PostingsStore()
    let list = store.makeList()
    store.blocks.append(run: 10, count: 5, to: store[list])
    store.blocks.append(run: 15, count: 1, to: store[list])
    store.blocks.append(run: 20, count: 1, to: store[list])
    store.blocks.append(run: 21, count: 300, to: store[list])
    store.blocks.append(run: UInt32.max - 1, count: 2, to: store[list])
    var copy = PostingsCopy()
    copy.append(store[list], of: store.blocks)
    #expect(copy.ids(0) == Array(10...15) + Array(20...320) + [UInt32.max - 1, UInt32.max])
  }

  @Test("freed blocks are used again before new memory is taken")
  func reuse() {
    var store = PostingsStore()
    let list = store.makeList()
    for id in 0..<40_000 as Range<UInt32> { store.append(id * 2, to: list) }
    let full = store.blocks.byteCount
    #expect(full > 40_000 && full < 44_000, "\(full)")
    for _ in 0..<4 {
      store.blocks.clear(store[list])
      for id in 0..<40_000 as Range<UInt32> { store.append(id * 2, to: list) }
      #expect(store.blocks.byteCount == full)
    }
    #expect(store.blocks.slabCount == 1)
  }
}

/// Random numbers that a seed replays.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ (word >> 30)) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ (word >> 27)) &* 0x94d0_49bb_1331_11eb
    return word ^ (word >> 31)
  }
}

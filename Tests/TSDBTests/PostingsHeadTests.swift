import TestKit
import Testing

@testable import TSDB

/// The index as plain dictionaries.
private struct PlainIndex {
  var labels: [UInt32: [SymbolID: SymbolID]] = [:]

  func ids(_ name: SymbolID, _ value: SymbolID) -> [UInt32] { labels.filter { $1[name] == value }.keys.sorted() }
  func ids(having name: SymbolID) -> [UInt32] { labels.filter { $1[name] != nil }.keys.sorted() }
  func values(_ name: SymbolID) -> Set<SymbolID> { Set(labels.values.compactMap { $0[name] }) }
}

@Suite struct PostingsHeadTests {
  private func add(_ postings: inout HeadPostings, _ id: UInt32, _ labels: [SymbolID: SymbolID]) {
    let pairs = labels.map { LabelPair(name: $0, value: $1) }
    pairs.withUnsafeBufferPointer { postings.add(id, $0) }
  }

  private func expectSame(_ postings: borrowing HeadPostings, _ plain: PlainIndex, _ note: String) {
    postings.checkInvariants()
    #expect(postings.seriesCount == plain.labels.count, "\(note)")
    var copy = PostingsCopy()
    postings.copyAll(into: &copy)
    #expect(copy.ids(0) == plain.labels.keys.sorted(), "\(note)")
    let names = Set(plain.labels.values.flatMap { $0.keys })
    #expect(Set(postings.nameSymbols) == names, "\(note)")
    for name in names {
      copy.removeAll()
      #expect(postings.copy(having: name, into: &copy))
      #expect(copy.ids(0) == plain.ids(having: name), "\(note)")
      #expect(postings.count(having: name) == copy.ids(0).count)
      let values = plain.values(name)
      let listed = postings.values(of: name)?.withIDs { Set($0) }
      #expect(listed?.isSuperset(of: values) == true, "\(note)")
      for value in values {
        copy.removeAll()
        #expect(postings.copy(name, value, into: &copy))
        #expect(copy.ids(0) == plain.ids(name, value), "\(note)")
        #expect(postings.count(name, value) == copy.ids(0).count)
      }
    }
  }

  private func randomLabels(_ generator: inout SplitMix) -> [SymbolID: SymbolID] {
    var labels: [SymbolID: SymbolID] = [:]
    for name in 1...7 as ClosedRange<SymbolID> where Int.random(in: 0..<4, using: &generator) != 0 {
      // Name 7 has a value of its own for nearly every series, name 6 for a few, the others share.
      let range: UInt32 = name == 7 ? 1 << 20 : name == 6 ? 60 : name * 2
      labels[name] = 100 + UInt32.random(in: 0..<range, using: &generator)
    }
    return labels
  }

  @Test("adding, sweeping in slices and adding meanwhile: the index stays what plain dictionaries say")
  func againstPlain() {
    let seed = RandomSource(for: "head postings").seed
    var generator = SplitMix(state: seed)
    for round in 0..<12 {
      var postings = HeadPostings(seed: generator.next())
      var plain = PlainIndex()
      var next: UInt32 = 0
      for step in 0..<6 {
        for _ in 0..<Int.random(in: 1...120, using: &generator) {
          next += UInt32.random(in: 1...3, using: &generator)
          let labels = randomLabels(&generator)
          add(&postings, next, labels)
          plain.labels[next] = labels
        }
        let note = "seed \(seed) round \(round) step \(step)"
        expectSame(postings, plain, note)
        let odds = Int.random(in: 1...8, using: &generator)
        let removed = plain.labels.keys.filter { _ in Int.random(in: 0..<8, using: &generator) < odds }.sorted()
        var sweep = PostingsSweep(removing: removed)
        while !postings.sweep(&sweep, bytesMax: Int.random(in: 1...2000, using: &generator)) {
          if Int.random(in: 0..<3, using: &generator) == 0 {
            next += 1
            let labels = randomLabels(&generator)
            add(&postings, next, labels)
            plain.labels[next] = labels
          }
        }
        for id in removed { plain.labels[id] = nil }
        expectSame(postings, plain, note + " swept")
      }
    }
  }

  @Test("an index that lost every series is empty, gives its blocks back, and fills again")
  func emptied() {
    var postings = HeadPostings(seed: 1)
    for round in 0..<3 as Range<UInt32> {
      let ids = Array(round * 5000..<(round + 1) * 5000)
      for id in ids { add(&postings, id, [1: 10, 2: 20 + id % 7, 3: 1000 + id]) }
      #expect(postings.seriesCount == 5000 && postings.nameCount == 3 && postings.pairCount == 5008)
      var sweep = PostingsSweep(removing: ids)
      while !postings.sweep(&sweep, bytesMax: 10_000) {}
      #expect(postings.seriesCount == 0 && postings.nameCount == 0 && postings.pairCount == 0)
      #expect(postings.store.blocks.byteCount == 0)
      postings.checkInvariants()
    }
  }

  @Test("a value that ends and comes back while a sweep is under way is there once")
  func comesBack() {
    var postings = HeadPostings(seed: 2)
    for id in 0..<100 as Range<UInt32> { add(&postings, id, [1: 500 + id]) }
    var sweep = PostingsSweep(removing: Array(0..<50))
    #expect(!postings.sweep(&sweep, bytesMax: 1000))
    for id in 0..<20 as Range<UInt32> { add(&postings, 1000 + id, [1: 500 + id]) }
    while !postings.sweep(&sweep, bytesMax: 1000) {}
    postings.checkInvariants()
    #expect(postings.pairCount == 70)
    #expect(postings.values(of: 1)?.count == 70)
    #expect(postings.count(1, 505) == 1)
    #expect(postings.count(1, 530) == 0)
  }

  @Test("snapshots of values keep what they saw, whatever comes after")
  func snapshots() {
    var postings = HeadPostings(seed: 3)
    for id in 0..<10 as Range<UInt32> { add(&postings, id, [1: 100 + id]) }
    let early = postings.values(of: 1)
    for id in 10..<5000 as Range<UInt32> { add(&postings, id, [1: 100 + id]) }
    var sweep = PostingsSweep(removing: Array(0..<4000))
    while !postings.sweep(&sweep, bytesMax: 1 << 20) {}
    #expect(early?.withIDs { Array($0) } == Array(100..<110))
    #expect(postings.values(of: 1)?.withIDs { Array($0) } == Array(4100..<5100))
  }

  @Test("more labels than one group of look-ups, and more names than the first table")
  func manyLabels() {
    var postings = HeadPostings(seed: 4)
    var plain = PlainIndex()
    for id in 0..<40 as Range<UInt32> {
      var labels: [SymbolID: SymbolID] = [:]
      for name in 0..<(id * 3 + 1) { labels[name + 1] = 1 + (name + id) % 11 }
      add(&postings, id, labels)
      plain.labels[id] = labels
    }
    expectSame(postings, plain, "many labels")
  }
}

import TestKit
import Testing

@testable import TSDB

@Suite struct SeriesSetTests {
  /// Coded lists of the given ids.
  private func coded(_ lists: [Set<UInt32>]) -> PostingsCopy {
    var store = PostingsStore()
    var copy = PostingsCopy()
    for ids in lists {
      let list = store.makeList()
      for id in ids.sorted() { store.append(id, to: list) }
      copy.append(store[list], of: store.blocks)
    }
    return copy
  }

  private func randomSet(_ generator: inout SplitMix, _ range: Range<UInt32>) -> Set<UInt32> {
    var ids = Set<UInt32>()
    for _ in 0..<Int.random(in: 0...40, using: &generator) {
      let first = UInt32.random(in: range, using: &generator)
      let length = Bool.random(using: &generator) ? 1 : UInt32.random(in: 1...150, using: &generator)
      for id in first..<(first + min(length, range.upperBound - first)) { ids.insert(id) }
    }
    return ids
  }

  @Test("unions, intersections and differences are those of plain sets, dense and sparse, at both ends of the ids")
  func algebra() {
    let seed = RandomSource(for: "series sets").seed
    var generator = SplitMix(state: seed)
    let ranges: [Range<UInt32>] = [0..<700, 100..<100_000, 0..<UInt32.max, (UInt32.max - 900)..<UInt32.max]
    for round in 0..<80 {
      let range = ranges[round % ranges.count]
      let first = (0..<Int.random(in: 1...3, using: &generator)).map { _ in randomSet(&generator, range) }
      let second = (0..<Int.random(in: 0...3, using: &generator)).map { _ in randomSet(&generator, range) }
      let copy = coded(first + second)
      let ours = 0..<first.count
      let theirs = first.count..<(first.count + second.count)
      let left = first.reduce(into: Set()) { $0.formUnion($1) }
      let right = second.reduce(into: Set()) { $0.formUnion($1) }

      let union = SeriesSet(copy, ours)
      #expect(union.ids == left.sorted() && union.count == left.count, "seed \(seed) round \(round)")
      let wrong = left.union(right).union([0, 63, 64, UInt32.max]).filter { union.contains($0) != left.contains($0) }
      #expect(wrong.isEmpty, "seed \(seed) round \(round)")
      for (list, ids) in zip(theirs, second) {
        #expect(union.intersects(copy.runs(list)) == !left.isDisjoint(with: ids), "seed \(seed) round \(round)")
      }
      var both = SeriesSet(copy, ours)
      both.keep(copy, theirs)
      #expect(both.ids == left.intersection(right).sorted() && both.count == both.ids.count, "seed \(seed) \(round)")
      var rest = SeriesSet(sorted: left.sorted())
      rest.remove(copy, theirs)
      #expect(rest.ids == left.subtracting(right).sorted() && rest.count == rest.ids.count, "seed \(seed) \(round)")
      var others = SeriesSet(copy, ours)
      others.remove(SeriesSet(sorted: right.sorted()))
      #expect(others.ids == left.subtracting(right).sorted(), "seed \(seed) round \(round)")
    }
  }

  @Test("the next member and the next gap are found from every place")
  func neighbours() {
    for ids in [[], [0], [5], [63, 64, 65], [0, 1, 2, 100_000], Array(60..<200), [1, 3, 5, 7, 1_000_000]] as [[UInt32]]
    {
      let set = SeriesSet(sorted: ids)
      for start in 0..<UInt64(210) {
        for end in [start, start + 1, start + 70] {
          let members = (start..<end).filter { id in ids.contains(UInt32(id)) }
          let gap = (start..<end).first { !members.contains($0) } ?? end
          if set.firstMember(in: start..<end) != members.first ?? end || set.firstNonMember(in: start..<end) != gap {
            Issue.record("\(ids) from \(start) to \(end)")
          }
        }
      }
    }
  }
}

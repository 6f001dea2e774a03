import Model
import Synchronization
import TestKit
import Testing

@testable import TSDB

private func compiled(_ kind: MatchKind, _ name: String, _ value: String) throws -> CompiledMatcher {
  try CompiledMatcher(Matcher(kind, name, value))
}

private func key(_ generator: inout SplitMix) -> (UInt64, UInt64) { (generator.next(), generator.next()) }

/// An index and the same series as plain labels.
private final class Fixture {
  let index: SharedHeadIndex
  var series: [UInt32: Labels] = [:]
  var next: UInt32 = 0

  init(_ generator: inout SplitMix) { index = SharedHeadIndex(key: key(&generator)) }

  func add(_ labels: Labels, gap: UInt32 = 1) {
    next += gap
    series[next] = labels
    let id = next
    index.update { index in
      var pairs: [LabelPair] = []
      #expect(index.intern(labels, into: &pairs))
      #expect(index.labels(pairs) == labels)
      index.add(id, pairs)
    }
  }

  func remove(_ ids: [UInt32]) {
    var sweep = PostingsSweep(removing: ids.sorted())
    var isDone = false
    while !isDone { isDone = index.update { $0.postings.sweep(&sweep, bytesMax: 5000) } }
    for id in ids { series[id] = nil }
  }

  func expected(_ matchers: [CompiledMatcher]) -> [UInt32] {
    series.filter { entry in matchers.allSatisfy { $0.matches(entry.value) } }.keys.sorted()
  }
}

private final class WriterFlag: Sendable {
  let isDone = Atomic(false)
}

@Suite struct PostingsSelectionTests {
  private func randomMatcher(_ generator: inout SplitMix) throws -> CompiledMatcher {
    let name = ["a", "b", "c", "d", "never"].randomElement(using: &generator) ?? ""
    let patterns = [
      "", ".*", ".+", "1", "2|3", "1|", "|", "1.*", ".*1", "[12]", "\\d", "\\d*", "(?i)x.*", "x.+|1", "none", "none|",
      "[^1]",
      "[^1]*", "x[0-9]+", "..",
    ]
    let kind = [MatchKind.equal, .notEqual, .regex, .notRegex].randomElement(using: &generator) ?? .equal
    let values = kind == .equal || kind == .notEqual ? ["", "1", "2", "x12", "none"] : patterns
    return try compiled(kind, name, values.randomElement(using: &generator) ?? "")
  }

  private func randomLabels(_ generator: inout SplitMix) -> Labels {
    var pairs: [(name: String, value: String)] = []
    for (name, range) in [("a", 3), ("b", 12), ("c", 30)] where Int.random(in: 0..<3, using: &generator) != 0 {
      let number = Int.random(in: 0..<range, using: &generator)
      pairs.append((name, number > 4 ? "x\(number)" : "\(number)"))
    }
    if Int.random(in: 0..<8, using: &generator) == 0 { pairs.append(("d", "X\(generator.next())")) }
    if pairs.isEmpty { pairs.append(("e", "1")) }
    return Labels(pairs)
  }

  @Test("random matchers select what a filter over all series selects, before and after removals, dense and sparse")
  func againstFilter() throws {
    let seed = RandomSource(for: "matchers").seed
    var generator = SplitMix(state: seed)
    var selected = 0
    for round in 0..<12 {
      let fixture = Fixture(&generator)
      let gap: UInt32 = [1, 1, 50, 5000][round % 4]
      for _ in 0..<Int.random(in: 0...400, using: &generator) {
        fixture.add(randomLabels(&generator), gap: UInt32.random(in: 1...gap, using: &generator))
      }
      for step in 0..<2 {
        for _ in 0..<50 {
          let matchers = try (0..<Int.random(in: 0...4, using: &generator)).map { _ in try randomMatcher(&generator) }
          let wanted = fixture.expected(matchers)
          let got = try PostingsSelection.select(matchers, in: fixture.index)
          selected += wanted.count
          if got.ids != wanted || !got.deferred.isEmpty {
            Issue.record(
              "\(matchers.map { $0.matcher }) \(got.ids.count) of \(wanted.count); seed \(seed) round \(round)")
          }
          let part = try PostingsSelection.select(matchers, in: fixture.index, deferring: true)
          let rest = part.ids.filter { id in
            part.deferred.allSatisfy { $0.matches(fixture.series[id] ?? .empty) }
          }
          if rest != wanted { Issue.record("deferring \(matchers.map { $0.matcher }); seed \(seed) round \(round)") }
        }
        if step == 0 {
          fixture.remove(fixture.series.keys.filter { _ in Bool.random(using: &generator) })
          if round % 3 == 0 { fixture.index.sweepSymbols() }
        }
      }
    }
    #expect(selected > 3_000)
  }

  @Test("the matchers that every guide to Prometheus warns of")
  func emptyMatching() throws {
    var generator = SplitMix(state: 1)
    let fixture = Fixture(&generator)
    fixture.add(Labels([("n", "1")]))
    fixture.add(Labels([("n", "1"), ("i", "a")]))
    fixture.add(Labels([("n", "1"), ("i", "b")]))
    fixture.add(Labels([("n", "2")]))
    fixture.add(Labels([("n", "2.5")]))
    let n1 = try compiled(.equal, "n", "1")
    let cases: [([CompiledMatcher], [UInt32])] = try [
      ([n1], [1, 2, 3]),
      ([n1, compiled(.equal, "i", "a")], [2]),
      ([n1, compiled(.equal, "i", "missing")], []),
      ([compiled(.equal, "missing", "")], [1, 2, 3, 4, 5]),
      ([n1, compiled(.notEqual, "i", "")], [2, 3]),
      ([n1, compiled(.equal, "i", "")], [1]),
      ([n1, compiled(.notEqual, "i", "a")], [1, 3]),
      ([n1, compiled(.regex, "i", "^$")], [1]),
      ([n1, compiled(.regex, "i", "^.*$")], [1, 2, 3]),
      ([n1, compiled(.regex, "i", "^.+$")], [2, 3]),
      ([n1, compiled(.notRegex, "i", "^$")], [2, 3]),
      ([n1, compiled(.notRegex, "i", "^.*$")], []),
      ([n1, compiled(.notRegex, "i", "^.+$")], [1]),
      ([n1, compiled(.regex, "i", "a|b|")], [1, 2, 3]),
      ([n1, compiled(.regex, "i", "a|")], [1, 2]),
      ([n1, compiled(.notRegex, "i", "a|")], [3]),
      ([n1, compiled(.notEqual, "i", "b"), compiled(.regex, "i", "^(b|a).*$")], [2]),
      ([compiled(.regex, "n", "^2.*$")], [4, 5]),
      ([compiled(.regex, "n", "2[.]5|1\\d?")], [1, 2, 3, 5]),
      ([compiled(.notRegex, "n", "^1$")], [4, 5]),
      ([compiled(.notEqual, "n", "1"), compiled(.notEqual, "n", "2")], [5]),
      ([], [1, 2, 3, 4, 5]),
    ]
    for (matchers, wanted) in cases {
      #expect(try PostingsSelection.select(matchers, in: fixture.index).ids == wanted, "\(matchers.map { $0.matcher })")
    }
  }

  @Test("with few candidates the expensive matchers are handed back, with many they are not")
  func deferring() throws {
    var generator = SplitMix(state: 2)
    let fixture = Fixture(&generator)
    for index in 0..<3000 {
      fixture.add(Labels([("n", index < 10 ? "few" : "many"), ("i", "host-\(index)"), ("j", "\(index % 7)")]))
    }
    let scan = try compiled(.regex, "i", "host-\\d5")
    let few = try PostingsSelection.select([scan, compiled(.equal, "n", "few")], in: fixture.index, deferring: true)
    #expect(few.ids == Array(1...10) && few.deferred.map { $0.matcher } == [scan.matcher])
    let many = try PostingsSelection.select([scan, compiled(.equal, "n", "many")], in: fixture.index, deferring: true)
    #expect(many.deferred.isEmpty && many.ids.count == 9)
    let alone = try PostingsSelection.select([scan], in: fixture.index, deferring: true)
    #expect(alone.deferred.isEmpty && alone.ids.count == 9)
  }

  @Test("a stopped query ends with that, at each place it can be stopped")
  func stopping() throws {
    var generator = SplitMix(state: 3)
    let fixture = Fixture(&generator)
    for index in 0..<5000 { fixture.add(Labels([("n", "x"), ("i", "host-\(index)")])) }
    let matchers = try [compiled(.regex, "i", "host-\\d*5"), compiled(.notRegex, "n", "y\\d*")]
    var asked = 0
    _ = try PostingsSelection.select(matchers, in: fixture.index) {
      asked += 1
      return false
    }
    #expect(asked >= 8)
    for limit in 1...asked {
      var calls = 0
      #expect(throws: QueryStopped.self) {
        _ = try PostingsSelection.select(matchers, in: fixture.index) {
          calls += 1
          return calls >= limit
        }
      }
    }
    #expect(throws: QueryStopped.self) { _ = try fixture.index.labelValues(of: "i", in: [1], shouldStop: { true }) }
    #expect(throws: QueryStopped.self) { _ = try fixture.index.labelNames(shouldStop: { true }) }
    #expect(throws: QueryStopped.self) {
      _ = try CardinalityStatistics.read(fixture.index, limit: 1, shouldStop: { true })
    }
  }

  @Test("names and values, of all series and of some, sorted and cut")
  func labelQueries() throws {
    let seed = RandomSource(for: "label queries").seed
    var generator = SplitMix(state: seed)
    let fixture = Fixture(&generator)
    for _ in 0..<600 { fixture.add(randomLabels(&generator)) }
    func check(_ chosen: [UInt32]?, _ note: String) throws {
      let sets = chosen.map { $0.compactMap { fixture.series[$0] } } ?? Array(fixture.series.values)
      let names = Set(sets.flatMap { $0.pairs.map { $0.name } }).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      #expect(try fixture.index.labelNames(in: chosen).texts == names, "seed \(seed) \(note)")
      #expect(try fixture.index.labelNames(in: chosen, limit: 2).texts == Array(names.prefix(2)))
      for name in ["a", "b", "c", "d", "e", "never", ""] {
        let values = Set(sets.compactMap { $0[name] }).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        let got = try fixture.index.labelValues(of: name, in: chosen)
        #expect(got.texts == values && !got.isTruncated && got.count == values.count, "\(name) seed \(seed) \(note)")
        let cut = try fixture.index.labelValues(of: name, in: chosen, limit: 3)
        #expect(cut.texts == Array(values.prefix(3)) && cut.isTruncated == (values.count > 3))
      }
    }
    try check(nil, "all")
    for size in [0, 1, 5, 100] {
      try check(fixture.series.keys.shuffled(using: &generator).prefix(size).sorted(), "\(size)")
    }
    fixture.remove(fixture.series.keys.filter { $0 % 3 == 0 })
    try check(nil, "after removal")
    // In the middle of a sweep values without series are not told.
    let removed = fixture.series.keys.filter { $0 % 2 == 0 }.sorted()
    var sweep = PostingsSweep(removing: removed)
    var isDone = false
    while !isDone {
      isDone = fixture.index.update { $0.postings.sweep(&sweep, bytesMax: 300) }
      let names = try fixture.index.labelNames().texts
      for name in names where name != "e" {
        let values = Set(try fixture.index.labelValues(of: name).texts)
        let living = Set(fixture.series.filter { $0.key % 2 == 1 }.values.compactMap { $0[name] })
        let known = Set(fixture.series.values.compactMap { $0[name] })
        #expect(values.isSuperset(of: living) && values.isSubset(of: known), "seed \(seed)")
      }
    }
    for id in removed { fixture.series[id] = nil }
    try check(nil, "after the sweep")
  }

  @Test("statistics are the counts of a dictionary, the largest first")
  func statistics() throws {
    var generator = SplitMix(state: 4)
    let fixture = Fixture(&generator)
    for index in 0..<2000 {
      fixture.add(Labels([("__name__", "m\(index % 7)"), ("id", "\(index)"), ("zone", index % 3 == 0 ? "a" : "bb")]))
    }
    let all = try CardinalityStatistics.read(fixture.index, limit: 5)
    #expect(all.seriesCount == 2000 && all.labelPairCount == 2009)
    #expect(all.seriesCountByMetricName.map { $0.name } == ["m0", "m1", "m2", "m3", "m4"])
    #expect(all.seriesCountByMetricName.map { $0.count } == [286, 286, 286, 286, 286])
    #expect(
      all.valueCountByLabelName == [
        .init(name: "id", count: 2000), .init(name: "__name__", count: 7), .init(name: "zone", count: 2),
      ])
    #expect(
      all.seriesCountByLabelPair.prefix(2) == [
        .init(name: "zone=bb", count: 1333), .init(name: "zone=a", count: 667),
      ])
    let packed = fixture.series.values.reduce(0) { $0 + $1.packed.count }
    #expect(all.memoryBytesByLabelName.reduce(0) { $0 + $1.count } == packed)
    #expect(try CardinalityStatistics.read(fixture.index, limit: 0).seriesCountByLabelPair.isEmpty)
    let empty = try CardinalityStatistics.read(SharedHeadIndex(key: (1, 2)), limit: 5)
    #expect(empty.seriesCount == 0 && empty.labelPairCount == 0 && empty.valueCountByLabelName.isEmpty)
  }

  @Test("queries on other threads always find the series that stay, while series come, go and symbols are renamed")
  func concurrent() async throws {
    var generator = SplitMix(state: 5)
    let fixture = Fixture(&generator)
    for index in 0..<500 { fixture.add(Labels([("kind", "stays"), ("i", "s\(index)"), ("half", "\(index % 2)")])) }
    let index = fixture.index
    let writer = WriterFlag()
    try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<3 {
        group.addTask {
          let stays = try compiled(.equal, "kind", "stays")
          let scan = try compiled(.regex, "i", "s\\d+")
          let half = try compiled(.notRegex, "half", "0|x\\d")
          var rounds = 0
          repeat {
            #expect(try PostingsSelection.select([scan, stays], in: index).ids == Array(1...500))
            #expect(try PostingsSelection.select([stays, half], in: index).ids.count == 250)
            if task == 0 { #expect(try index.labelValues(of: "i", in: Array(1...500)).count == 500) }
            if task == 1 { #expect(try CardinalityStatistics.read(index, limit: 3).labelPairCount > 500) }
            rounds += 1
            await Task.yield()
          } while !writer.isDone.load(ordering: .relaxed)
          return rounds
        }
      }
      group.addTask {
        var next: UInt32 = 501
        for round in 0..<30 {
          let first = next
          for _ in 0..<200 {
            let labels = Labels([("kind", "goes"), ("i", "g\(next)"), ("round", "r\(round)")])
            let id = next
            index.update { index in
              var pairs: [LabelPair] = []
              _ = index.intern(labels, into: &pairs)
              index.add(id, pairs)
            }
            next += 1
          }
          var sweep = PostingsSweep(removing: Array(first..<next))
          var isSwept = false
          while !isSwept { isSwept = index.update { $0.postings.sweep(&sweep, bytesMax: 3000) } }
          if round % 5 == 4 { index.sweepSymbols() }
        }
        writer.isDone.store(true, ordering: .relaxed)
        return 1
      }
      for try await rounds in group { #expect(rounds > 0) }
    }
    index.withIndex { $0.postings.checkInvariants() }
    #expect(index.withIndex { $0.postings.pairCount } == 503)
    index.sweepSymbols()
    #expect(index.withIndex { $0.symbols.count } == 507)
  }
}

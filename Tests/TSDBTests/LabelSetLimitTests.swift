import Format
import Model
import Platform
import TestKit
import Testing

@testable import TSDB

/// The counts of limited label sets, against a plain count over all series.
@Suite struct LabelSetLimitTests {
  private func labels(_ pairs: KeyValuePairs<String, String>) -> Labels {
    Labels(pairs.map { (name: $0.key, value: $0.value) })
  }

  @Test("the empty set is that of the series which no other set is about")
  func rest() {
    var counts = LabelSetCounts()
    counts.begin(
      [
        LabelSetLimit(labels: labels([:]), seriesMax: 2), LabelSetLimit(labels: labels(["a": "1"]), seriesMax: 1),
        LabelSetLimit(labels: labels(["b": "1"]), seriesMax: 0),
      ], numberOfNext: 0)
    func add(_ pairs: KeyValuePairs<String, String>) {
      labels(pairs).packed.withUnsafeBytes { counts.add($0, 1) }
    }
    func broken(_ pairs: KeyValuePairs<String, String>) -> Int? {
      labels(pairs).packed.withUnsafeBytes { counts.broken(by: $0) }?.seriesMax
    }
    add(["c": "1"])
    add(["b": "1", "c": "1"])
    #expect(broken(["c": "2"]) == nil && broken(["a": "1"]) == nil)
    add(["c": "2"])
    add(["a": "1", "b": "1"])
    #expect(counts.sets.map(\.count) == [2, 1, 2])
    #expect(broken(["c": "3"]) == 2 && broken(["a": "1", "x": "1"]) == 1 && broken(["b": "1", "x": "1"]) == nil)
  }

  @Test("a set holds the series that have all its labels, wherever they stand")
  func holds() {
    let series = labels(["__name__": "m", "b": "1", "d": "2", "e": ""])
    let cases: [(Labels, Bool)] = [
      (labels([:]), true), (labels(["__name__": "m"]), true), (labels(["d": "2"]), true),
      (labels(["__name__": "m", "b": "1", "d": "2"]), true), (labels(["b": "1", "d": "2"]), true),
      (labels(["b": "2"]), false), (labels(["a": "1"]), false), (labels(["c": "1"]), false),
      (labels(["z": "1"]), false),
      (labels(["b": "1", "c": "1"]), false), (labels(["d": "2", "z": "1"]), false), (labels(["d": "22"]), false),
    ]
    for (set, isHeld) in cases {
      let limit = LabelSetLimit(labels: set, seriesMax: 1)
      #expect(series.packed.withUnsafeBytes { limit.holds($0) } == isHeld, "\(set)")
    }
  }

  @Test("counts follow series that come, end, and are there before their set is limited")
  func counts() throws {
    let setup = DatabaseSetup()
    var database = try setup.open()
    let writer = HeadWriter()
    let sets = [
      LabelSetLimit(labels: labels(["team": "t1"]), seriesMax: 0),
      LabelSetLimit(labels: labels(["__name__": "m2", "team": "t0"]), seriesMax: 0),
      LabelSetLimit(labels: labels([:]), seriesMax: 0),
    ]
    func limit(_ sets: [LabelSetLimit]) {
      database.reconfigure { $0.head.limits.labelSets = sets }
    }
    func check(_ sets: [LabelSetLimit], _ note: String) throws {
      let all = try database.head.everything().keys
      func isIn(_ set: LabelSetLimit, _ series: Labels) -> Bool { series.packed.withUnsafeBytes { set.holds($0) } }
      let named = sets.filter { !$0.labels.isEmpty }
      let expected = sets.map { set in
        all.count { series in
          set.labels.isEmpty ? !named.contains { isIn($0, series) } : isIn(set, series)
        }
      }
      #expect(database.head.labelSetCounts.map(\.count) == expected, "\(note)")
      #expect(database.head.labelSetCounts.map(\.limit) == sets)
    }
    func write(_ numbers: Range<Int>, minute: Int64) throws {
      let time = DatabaseSetup.epoch + minute * 60_000
      let body = numbers.map { number in
        SentSeries(
          [("__name__", "m\(number % 4)"), ("instance", "\(number)"), ("team", "t\(number % 3)")],
          [(time, Double(number).bitPattern)])
      }
      try writer.write(body, to: database.head, now: time)
    }
    try write(0..<500, minute: 1)
    limit(sets)
    try check(sets, "there before")
    try write(400..<900, minute: 200)
    try check(sets, "more come")
    _ = database.head.truncate(before: DatabaseSetup.epoch + 100 * 60_000)
    #expect(database.head.seriesCount == 500)
    try check(sets, "some end")
    limit([sets[1]])
    try check([sets[1]], "another list")
    limit(sets)
    limit(sets)
    try check(sets, "and back")
    limit([])
    try check([], "none")
    try setup.close(database)
    database = try setup.open()
    limit(sets)
    try check(sets, "after a restart")
  }

  @Test("a series that ends while older ones are still being counted is counted exactly while it lives")
  func walk() {
    // Every order of turns over forty numbers and removals in between, against a plain set.
    for seed in 1...50 as ClosedRange<UInt64> {
      var random = RandomSource(seed: seed)
      var counts = LabelSetCounts()
      let packed = labels(["a": "1"]).packed
      var alive = Set(0..<20)
      counts.begin([LabelSetLimit(labels: labels(["a": "1"]), seriesMax: 5)], numberOfNext: 20)
      var next = 20
      while !counts.isWalkOver || next < 40 {
        switch random.below(3) {
        case 0:
          for number in counts.nextTurn(1 + random.below(4)) where alive.contains(number) {
            packed.withUnsafeBytes { counts.add($0, 1) }
          }
        case 1 where next < 40:
          alive.insert(next)
          next += 1
          packed.withUnsafeBytes { counts.add($0, 1) }
        default:
          guard let number = alive.sorted().dropFirst(random.below(max(1, alive.count))).first else { continue }
          if counts.isCounted(number) { packed.withUnsafeBytes { counts.add($0, -1) } }
          alive.remove(number)
        }
        #expect(counts.sets[0].count == alive.count { counts.isCounted($0) }, "seed \(seed)")
      }
      #expect(counts.sets[0].count == alive.count)
      #expect(packed.withUnsafeBytes { counts.broken(by: $0) } == (alive.count >= 5 ? counts.sets[0].limit : nil))
    }
  }
}

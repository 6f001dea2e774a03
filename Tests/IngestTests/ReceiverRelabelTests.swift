import Format
import Ingest
import Model
import TestKit
import Testing

@Suite struct ReceiverRelabelTests {
  let now = ReceiverBench.now

  private func series(_ metric: String, _ labels: [(String, String)], _ time: Int64) -> [UInt8] {
    rawSeries(
      [label("__name__", metric), label("job", "test")] + labels.map { label($0.0, $0.1) }, [(time, Double(time))])
  }

  private func series(_ metric: String, _ time: Int64) -> [UInt8] { series(metric, [], time) }

  private func rules(_ relabel: [RelabelRule], renames: [IngestRules.Rename] = []) -> IngestRules {
    var rules = IngestRules()
    rules.relabel = relabel
    rules.renames = renames
    return rules
  }

  private func times(_ bench: ReceiverBench) throws -> [String: [Int64]] {
    try bench.stored().mapValues { $0.map(\.time) }
  }

  @Test("a metric is stored under its new name, however often it comes, and its rules are asked once")
  func rename() throws {
    let bench = try ReceiverBench()
    let rename = IngestRules.Rename(from: "(ecs_task_.*)_(Megabytes|Percent)", to: "$1")
    try bench.intake.reconfigure(rules([], renames: [rename]))
    for step in 0..<5 {
      let body = series("ecs_task_memory_utilized_Megabytes", now + Int64(step)) + series("up", now + Int64(step))
      #expect(bench.receive(body) == .stored)
    }
    let all = (0..<5).map { now + $0 }
    #expect(
      try times(bench) == [
        #"{__name__="ecs_task_memory_utilized", job="test"}"#: all, #"{__name__="up", job="test"}"#: all,
      ])
    #expect(bench.intake.metrics.relabelled.value == 2)
  }

  @Test("what the rules drop is no error, is counted, and costs the rules nothing the second time")
  func dropped() throws {
    let bench = try ReceiverBench()
    try bench.intake.reconfigure(rules([RelabelRule(.drop, of: ["__name__"], regex: "go_.*")]))
    for step in 0..<3 {
      var body: [UInt8] = []
      for number in 0..<100 { body += series("go_\(number)", now + Int64(step)) }
      #expect(bench.receive(body + series("kept", now + Int64(step))) == .stored)
    }
    #expect(try times(bench) == [#"{__name__="kept", job="test"}"#: [now, now + 1, now + 2]])
    #expect(bench.intake.metrics.relabelled.value == 101)
    #expect(bench.intake.metrics.relabelDropped.value == 300)
    #expect(bench.intake.metrics.samples.value == 3)
    #expect(bench.database.head.spellingCounts.dropped == 100)
  }

  @Test("two spellings that become one series are one series, and what was there before is found")
  func merged() throws {
    let bench = try ReceiverBench()
    #expect(bench.receive(series("m", now)) == .stored)
    try bench.intake.reconfigure(rules([RelabelRule(.labeldrop, regex: "pod")]))
    for step in stride(from: Int64(1), to: 9, by: 3) {
      #expect(bench.receive(series("m", [("pod", "a")], now + step)) == .stored)
      #expect(bench.receive(series("m", [("pod", "b")], now + step + 1)) == .stored)
      #expect(bench.receive(series("m", now + step + 2)) == .stored)
    }
    #expect(try times(bench) == [#"{__name__="m", job="test"}"#: (0...9).map { now + $0 }])
    #expect(bench.database.head.seriesCount == 1)
  }

  @Test(
    "other rules hold from the next body on, for dropped and kept spellings alike, and the old ones leave no name behind"
  )
  func reload() throws {
    let bench = try ReceiverBench()
    func next(_ rules: IngestRules, _ step: Int64) throws {
      try bench.intake.reconfigure(rules)
      #expect(bench.receive(series("a", now + step) + series("b", now + step)) == .stored)
      #expect(bench.receive(series("a", now + step) + series("b", now + step)) == .stored)
    }
    let dropA = rules([RelabelRule(.drop, of: ["__name__"], regex: "a")])
    let aIsC = rules([], renames: [.init(from: "a", to: "c")])
    try next(IngestRules(), 0)
    try next(dropA, 1)
    try next(aIsC, 2)
    try next(IngestRules(), 3)
    // More changes than there are numbers for rules.
    for step in 0..<40 { try next(step % 2 == 0 ? dropA : aIsC, Int64(4 + step)) }
    try next(IngestRules(), 44)
    let odd = (0..<40).filter { $0 % 2 == 1 }.map { now + Int64(4 + $0) }
    #expect(
      try times(bench) == [
        #"{__name__="a", job="test"}"#: [now, now + 3, now + 44],
        #"{__name__="b", job="test"}"#: (0...44).map { now + $0 },
        #"{__name__="c", job="test"}"#: [now + 2] + odd,
      ])
    #expect(bench.database.head.spellingCounts == (3, 0))
    // The same rules again are no change.
    try bench.intake.reconfigure(dropA)
    _ = bench.receive(series("a", now + 50))
    let before = bench.intake.metrics.relabelled.value
    try bench.intake.reconfigure(dropA)
    _ = bench.receive(series("a", now + 50))
    #expect(bench.intake.metrics.relabelled.value == before)
  }

  @Test("limits and checks are those of the labels the rules have made")
  func checkedAfterwards() throws {
    var limits = IngestLimits()
    limits.labelsPerSeriesMax = 3
    let bench = try ReceiverBench(limits)
    try bench.intake.reconfigure(
      rules([
        RelabelRule(.labeldrop, regex: "x.*"), RelabelRule(.replace, of: ["name"], regex: "(.+)", to: "__name__"),
        RelabelRule(.labeldrop, regex: "name"), RelabelRule(.labelmap, regex: "twice_(.*)", replacement: "$1"),
      ]))
    #expect(bench.receive(series("m", [("x1", "1"), ("x2", "2"), ("x3", "3")], now)) == .stored)
    #expect(bench.receive(rawSeries([label("job", "test"), label("name", "n")], [(now, 1)])) == .stored)
    #expect(try bench.stored().keys.sorted() == [#"{__name__="m", job="test"}"#, #"{__name__="n", job="test"}"#])
    let message = try #require(bench.receive(series("m", [("twice_1", "1")], now)).partly)
    #expect(message.hasPrefix("series has too many labels (actual: 4, limit: 3)"), "\(message)")
    // What the rules cannot read never reaches them.
    let doubled = rawSeries([label("__name__", "m"), label("job", "test"), label("job", "test")], [(now, 1)])
    #expect(bench.receive(doubled).partly?.hasPrefix("duplicate label name") == true)
    let broken = rawSeries([label("__name__", "m"), ("job".utf8.map { $0 }, [0xff])], [(now, 1)])
    #expect(bench.receive(broken).partly?.hasPrefix("sample invalid label") == true)
    try bench.intake.reconfigure(rules([RelabelRule(.labeldrop)]))
    // Nothing is left: nothing to store, and nobody's fault.
    #expect(bench.receive(series("m", now + 1)) == .stored)
    #expect(bench.intake.metrics.relabelDropped.value == 1)
  }

  @Test("dropped and unknown rows in one body with several samples each: only the others are stored and logged")
  func mixed() throws {
    let bench = try ReceiverBench()
    try bench.intake.reconfigure(rules([RelabelRule(.drop, of: ["drop"], regex: "yes")]))
    for round in 0..<4 {
      var body: [UInt8] = []
      for number in 0..<64 {
        let labels = [
          label("__name__", "m\(number)"), label("drop", number % 3 == 0 ? "yes" : "no"), label("job", "test"),
        ]
        let time = now + Int64(round * 10)
        body += rawSeries(labels, [(time, 1), (time + 1, 2), (time + 2, 3)])
      }
      #expect(bench.receive(body) == .stored)
    }
    let stored = try bench.stored()
    #expect(stored.count == 42)
    #expect(stored.values.allSatisfy { $0.count == 12 })
    #expect(bench.intake.metrics.relabelDropped.value == 4 * 22 * 3)
  }

  @Test("a metric that keeps its old name is stored under both, relabelled alike, until the rules change")
  func keptNames() throws {
    let bench = try ReceiverBench()
    let drop = RelabelRule(.labeldrop, regex: "pod")
    let all = rules(
      [drop], renames: [.init(from: "old_(.*)", to: "new_$1", keepsOld: true), .init(from: "x", to: "y")])
    try bench.intake.reconfigure(all)
    for step in 0..<4 as Range<Int64> {
      var body: [UInt8] = []
      for metric in ["old_a", "x", "old_b", "other"] {
        body += rawSeries(
          [label("__name__", metric), label("job", "test"), label("pod", "p")],
          [(now + step * 10, Double(step)), (now + step * 10 + 1, 5)])
      }
      #expect(bench.receive(body) == .stored)
    }
    let times: [Int64] = [0, 1, 10, 11, 20, 21, 30, 31].map { now + $0 }
    var expected: [String: [Int64]] = [:]
    for metric in ["old_a", "new_a", "old_b", "new_b", "y", "other"] {
      expected["{__name__=\"\(metric)\", job=\"test\"}"] = times
    }
    #expect(try self.times(bench) == expected)
    // Four, and the two once more under their old names.
    #expect(bench.intake.metrics.relabelled.value == 6)
    #expect(bench.intake.metrics.samples.value == 48)
    // What is wrong with a sample is told for both.
    let late = rawSeries([label("__name__", "old_a"), label("job", "test")], [(now, 99)])
    let message = try #require(bench.receive(late).partly)
    #expect(message.contains("(refused 2 of 1 samples; "), "\(message)")
    try bench.intake.reconfigure(rules([drop], renames: [.init(from: "old_(.*)", to: "new_$1")]))
    #expect(bench.receive(series("old_a", now + 100)) == .stored)
    #expect(try self.times(bench)[#"{__name__="old_a", job="test"}"#]?.last == now + 31)
    #expect(try self.times(bench)[#"{__name__="new_a", job="test"}"#]?.last == now + 100)
  }
}

import Model
import PromQL
import Rules
import TestKit
import Testing

@testable import apus

@Suite("Rules over the past")
struct RulePastTests {
  private func series(_ labels: [(String, String)], _ times: [Int64], value: Double = 1) -> RangeQuery.Series {
    RangeQuery.Series(
      labels: Labels(labels.map { (name: $0.0, value: $0.1) }), samples: times.map { ($0, .float(value)) })
  }

  private static let alert = RuleDefinition(
    kind: .alerting(.init(holdMilliseconds: 20)), name: "A", expression: "up == 0",
    labels: [TemplateField("team", "x")])

  @Test("firings begin when an alert has been pending long enough, and end with the first round without it")
  func firings() {
    var past = AlertPast(Self.alert, limit: 0, step: 10)
    let (a, b) = ([("__name__", "up"), ("i", "a")], [("__name__", "up"), ("i", "b")])
    past.take([series(a, [0, 10, 20, 30]), series(b, [10, 20])], from: 0, through: 50)
    past.take([series(a, [80, 90, 100])], from: 60, through: 100)
    past.finish()
    let labels = Labels([("alertname", "A"), ("i", "a"), ("team", "x")])
    #expect(past.firings.map(\.labels) == [labels, labels])
    #expect(past.firings.map(\.start) == [20, 100] && past.firings.map(\.end) == [40, 100])
    #expect(past.firings.map(\.isOpen) == [false, true])
    #expect(past.summary == "2 firings of 1 alert, 20ms in all, the longest 20ms; 1 time pending without firing")
    #expect(past.firings[0].overlaps(.init(labels: labels, start: 40, end: 50)))
    #expect(!past.firings[0].overlaps(.init(labels: labels, start: 41, end: 50)))
  }

  @Test("a round whose alerts are the same fails, and is told")
  func failures() {
    var definition = Self.alert
    definition.labels = [TemplateField("i", "")]
    var past = AlertPast(definition, limit: 0, step: 10)
    past.take([series([("i", "a")], [0, 10]), series([("i", "b")], [0, 10])], from: 0, through: 20)
    past.finish()
    #expect(past.failure == "vector contains metrics with the same labelset after applying alert labels")
    #expect(past.summary == "never fired; 2 rounds failed")
  }

  private static let recording = RuleDefinition(
    kind: .recording, name: "r", expression: "up",
    labels: [TemplateField("team", "x"), TemplateField("zone", "")])

  @Test("recorded series have the rule's name and labels, and markers where they end, also between two parts")
  func recorded() throws {
    var record = RecordedPast(Self.recording, until: 100)
    record.step = 10
    let labels = [("__name__", "up"), ("i", "a"), ("team", "y"), ("zone", "z")]
    let first = try record.take([series(labels, [0, 10, 40])], limit: 0)
    #expect(first.map(\.labels) == [Labels([("__name__", "r"), ("i", "a"), ("team", "x")])])
    #expect(first[0].samples.map(\.time) == [0, 10, 20, 40])
    #expect(first[0].samples.map { StaleMarker.isStale($0.value) } == [false, false, true, false])
    let second = try record.take([series(labels, [70])], limit: 0)
    #expect(second[0].samples.map(\.time) == [50, 70])
    #expect(record.ends().map(\.time) == [80] && record.sampleCount == 4 && record.seriesCount == 1)
  }

  @Test(
    "series that become one are one where their times differ, and an error where they do not; a limit counts each time")
  func collisions() throws {
    let (a, b) = ([("i", "a"), ("zone", "1")], [("i", "a"), ("zone", "2")])
    var record = RecordedPast(Self.recording, until: 100)
    record.step = 10
    #expect(
      try record.take([series(a, [0, 20]), series(b, [10, 30])], limit: 0)[0].samples.map(\.time) == [0, 10, 20, 30])
    var other = RecordedPast(Self.recording, until: 100)
    other.step = 10
    #expect(throws: TSDBCommandError.self) { try other.take([series(a, [0]), series(b, [0])], limit: 0) }
    var limited = RecordedPast(Self.recording, until: 100)
    limited.step = 10
    let (c, d) = ([("i", "c")], [("i", "d")])
    #expect(try limited.take([series(c, [0]), series(d, [10])], limit: 1).count == 2)
    #expect(throws: TSDBCommandError.self) { try limited.take([series(c, [20]), series(d, [20])], limit: 1) }
  }

  @Test("rounds lie on multiples of the interval, none before the start")
  func grid() throws {
    let words = ["rules", "backtest", "--start=100", "--end=200", "f"]
    guard case .rules(.backtest(let run)) = try Command.parse(words) else { throw ArgumentError("no backtest") }
    #expect(run.rules.first(60_000) == 120_000 && run.rules.first(50_000) == 100_000)
    for bad in [["--start=200", "--end=100"], ["--since=x"], ["--since=1d", "--start=5"], ["--eval-interval=0s"]] {
      #expect(throws: ArgumentError.self) { try Command.parse(["rules", "backtest", "f"] + bad) }
    }
    #expect(throws: ArgumentError.self) { try Command.parse(["rules", "backfill", "f"]) }
  }
}

import Model
import Platform
import TSDB
import TestKit
import Testing

@testable import Ingest

@Suite struct RefusalLogTests {
  let now = ReceiverBench.now
  let sender = Sender(
    address: "10.0.0.7:5000", userAgent: "Prometheus/3.5", workspace: "w1", protocolName: "remote write 1.0",
    partlyAnswer: "400")

  func receive(_ bench: ReceiverBench, _ body: [UInt8], from sender: Sender? = nil) -> ReceiveOutcome {
    body.lend {
      bench.receiver.receive($0, encoding: .identity, message: .v1) { sender ?? self.sender }.outcome
    }
  }

  func lines(_ lines: LogLines, _ reason: String) -> [String] { lines.all.filter { $0.contains("reason=\(reason) ") } }

  @Test("the first refusal for a reason is logged at once, those of the next ten seconds in one line, and so on")
  func windows() throws {
    let lines = LogLines()
    let bench = try ReceiverBench(log: lines.log)
    let future = now + 3_600_000
    for step in 0..<100 {
      let body = goodSeries("m\(step)", [(future, 1), (future + 1, 2)])
      #expect(receive(bench, body).partly != nil)
      bench.clock.advance(milliseconds: 100)
      if step % 10 == 9 { bench.intake.refusals.writeDue() }
    }
    var told = self.lines(lines, "too_far_in_future")
    #expect(told.count == 2, "\(told)")
    #expect(told[0].contains("level=WARN msg=\"Samples were refused\"") && told[0].contains(" more=1 "))
    #expect(told[0].contains(#"timestamp \#(future), series {__name__=\"m0\", job=\"test\"}"#), "\(told[0])")
    #expect(told[0].contains(#"sender="10.0.0.7:5000 (Prometheus/3.5) by remote write 1.0" workspace=w1 answer=400"#))
    #expect(told[1].contains(#"__name__=\"m1\""#) && told[1].contains(" more=197 "), "\(told[1])")
    // Nothing more came: nothing more is told, and the next one is told at once again.
    bench.clock.advance(milliseconds: 60_000)
    bench.intake.refusals.writeDue()
    #expect(self.lines(lines, "too_far_in_future").count == 2)
    #expect(receive(bench, goodSeries("late", [(now + 7_200_000, 1)])).partly != nil)
    told = self.lines(lines, "too_far_in_future")
    #expect(told.count == 3 && told[2].contains(" more=0 "), "\(told)")
    // The end of the server tells what is left.
    #expect(receive(bench, goodSeries("last", [(now + 7_200_000, 1)])).partly != nil)
    #expect(self.lines(lines, "too_far_in_future").count == 3)
    bench.intake.refusals.flush()
    #expect(self.lines(lines, "too_far_in_future").count == 4)
    #expect(bench.discarded("too_far_in_future") == 202)
  }

  @Test("every reason has its line and is remembered with its offender, numbers and sender")
  func reasons() throws {
    let lines = LogLines()
    var limits = IngestLimits()
    limits.labelsPerSeriesMax = 4
    limits.samplesPerSecondMax = 1000
    var ha = HAOptions()
    ha.clustersMax = 1
    let bench = try ReceiverBench(limits, ha: ha, log: lines.log) {
      $0.head.limits.activeSeriesMax = 2
      $0.head.lateWindowMilliseconds = 0
    }
    func series(_ labels: [String: String], _ samples: [(Int64, Double)]) -> [UInt8] {
      rawSeries(labels.sorted { $0.key < $1.key }.map { label($0.key, $0.value) }, samples)
    }
    #expect(receive(bench, goodSeries("a")) == .stored)
    let replicated = ["__name__": "r", "cluster": "one", "__replica__": "x"]
    #expect(receive(bench, series(replicated, [(now, 1)])) == .stored)
    let cases: [(reason: String, body: [UInt8])] = [
      ("new-value-for-timestamp", goodSeries("a", [(now, 7)])),
      ("sample-out-of-order", goodSeries("a", [(now - 1, 1)])),
      ("per_user_series_limit", goodSeries("c")),
      ("missing_metric_name", series(["a": "1"], [(now, 1)])),
      ("max_label_names_per_series", series(["__name__": "m", "a": "1", "b": "1", "c": "1", "d": "1"], [(now, 1)])),
      ("too_many_ha_clusters", series(["__name__": "r", "cluster": "two", "__replica__": "x"], [(now, 1)])),
      ("malformed_body", [1, 2, 3]),
      ("rate_limited", (0..<2000).flatMap { goodSeries("x\($0)") }),
    ]
    for (reason, body) in cases {
      let outcome = receive(bench, body)
      #expect(outcome.fault != nil, "\(reason)")
      #expect(self.lines(lines, reason).count == 1, "\(reason): \(lines.all)")
      let last = try #require(bench.intake.refusals.last.first { $0.reason == reason }, "\(reason)")
      #expect(last.sender == sender && !last.message.isEmpty && last.milliseconds == now)
    }
    let last = Dictionary(uniqueKeysWithValues: bench.intake.refusals.last.map { ($0.reason, $0) })
    #expect(last.count == cases.count, "\(last.keys)")
    #expect(last["sample-out-of-order"]?.timestamp == now - 1 && last["new-value-for-timestamp"]?.value == 7)
    #expect(last["max_label_names_per_series"]?.actual == 5 && last["max_label_names_per_series"]?.limit == 4)
    #expect(last["per_user_series_limit"]?.limit == 2 && last["too_many_ha_clusters"]?.cluster == "two")
    #expect(last["rate_limited"]?.actual == 2000 && last["rate_limited"]?.limit == 1000)
    #expect(last["rate_limited"]?.answer == "429" && last["malformed_body"]?.unit == .bodies)
  }

  @Test("samples whose sender is answered 204 are counted apart")
  func untold() throws {
    let bench = try ReceiverBench()
    var agent = sender
    agent.isNotTold = true
    #expect(receive(bench, goodSeries("a", [(now + 3_600_000, 1), (now + 3_600_001, 1)]), from: agent).partly != nil)
    #expect(receive(bench, goodSeries("a", [(now + 3_600_000, 1)])).partly != nil)
    let counted = bench.registry.families().first { $0.name == "apus_receiver_untold_refused_samples_total" }
    #expect(counted?.samples.first?.value == 2)
  }

  @Test("exemplars and metadata that are not kept are told, and no sample is counted for them")
  func others() throws {
    let lines = LogLines()
    let bench = try ReceiverBench(log: lines.log)
    var body = RemoteWriteBody()
    body.add("m", ["job": "test"], [(now, 1)])
    body.add(metadata: "m", kind: 1, help: String(repeating: "h", count: 70_000), unit: "")
    #expect(receive(bench, body.message) == .stored)
    #expect(self.lines(lines, "metadata-too-long").count == 1, "\(lines.all)")
    #expect(bench.registry.families().first { $0.name == "apus_discarded_metadata_total" }?.samples.first?.value == 1)
    #expect(bench.intake.metrics.discarded.isEmpty)
  }
}

@Suite struct OwnMetricsTests {
  let now = ReceiverBench.now

  private func scrape(_ bench: ReceiverBench, _ log: Log) throws {
    _ = bench.registry.counter("own_total", "Own.")
    let scrape = try SelfScrape(
      intake: bench.intake, registry: bench.registry, instance: "here", clock: bench.clock, log: log)
    scrape.stop()
  }

  @Test("limits, rate, rules and replicas neither hold for the server's own metrics, nor do these count towards them")
  func exempt() throws {
    let lines = LogLines()
    var limits = IngestLimits()
    limits.labelsPerSeriesMax = 1
    limits.samplesPerSecondMax = 1
    var ha = HAOptions()
    (ha.clusterLabel, ha.replicaLabel) = ("job", "instance")
    let bench = try ReceiverBench(limits, ha: ha, log: lines.log) {
      $0.head.limits.activeSeriesMax = 1
      $0.head.limits.labelSets = [LabelSetLimit(labels: Labels([(name: "job", value: "apus")]), seriesMax: 1)]
    }
    var rules = IngestRules()
    rules.relabel = [RelabelRule(.drop, of: ["__name__"], regex: ".*")]
    try bench.intake.reconfigure(rules)
    try scrape(bench, lines.log)
    #expect(lines.all.filter { $0.contains("level=WARN") } == [])
    let own = try bench.stored("job", "apus")
    #expect(own.keys.contains(#"{__name__="own_total", instance="here", job="apus"}"#))
    #expect(bench.intake.replicas.status(wall: now, now: 0).elected.isEmpty)

    try bench.intake.reconfigure(IngestRules())
    limits.labelsPerSeriesMax = 0
    bench.intake.reconfigure(limits)
    #expect(bench.receive(goodSeries("mine")) == .stored)
    bench.clock.advance(milliseconds: 1000)
    let message = try #require(bench.receive(goodSeries("more")).partly)
    #expect(message.contains("per-user series limit of 1 exceeded (active series: 1)"), "\(message)")
  }

  @Test("what goes wrong with the server's own metrics is told once, in words, and its end too")
  func trouble() throws {
    let lines = LogLines()
    let bench = try ReceiverBench()
    _ = bench.registry.counter("own_total", "Own.")
    try scrape(bench, lines.log)
    #expect(lines.all == [])
    // The clock has gone back: what is there is newer, and differs.
    bench.registry.counter("own_total", "Own.").add()
    try scrape(bench, lines.log)
    let line = try #require(lines.all.first)
    #expect(lines.all.count == 1 && line.contains("err=\"duplicate sample for timestamp"), "\(line)")
    #expect(!line.contains("partly("))
  }
}

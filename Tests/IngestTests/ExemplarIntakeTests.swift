import Format
import Model
import Platform
import TSDB
import TestKit
import Testing

@testable import Ingest

/// Exemplars through the receiver into a real head.
@Suite struct ExemplarIntakeTests {
  private let now = ReceiverBench.now

  private func exemplar(_ labels: [(String, String)], _ time: Int64, _ value: Double = 1) -> [UInt8] {
    RemoteWriteBody.exemplar(labels, time, value)
  }

  private func series(_ metric: String, _ samples: RemoteWriteBody.Samples, _ more: [UInt8]) -> [UInt8] {
    var body = RemoteWriteBody()
    body.add([("__name__", metric), ("job", "test")], samples, more: more)
    return body.message
  }

  private func discarded(_ bench: ReceiverBench) -> [String: Double] {
    var counts: [String: Double] = [:]
    for family in bench.registry.families() where family.name == "apus_discarded_exemplars_total" {
      for sample in family.samples { counts[sample.labels.first?.value ?? ""] = sample.value }
    }
    return counts
  }

  private func receive(
    _ bench: ReceiverBench, _ body: [UInt8], _ message: WriteMessage
  ) -> (outcome: ReceiveOutcome, written: WrittenCounts) {
    body.lend { bench.receiver.receive($0, encoding: .identity, message: message) }
  }

  @Test("a sender of 1.0 hears of no exemplar that is not stored; each is counted by its reason")
  func refusals() throws {
    let bench = try ReceiverBench { $0.head.lateWindowMilliseconds = 0 }
    let samples = [(timestamp: now, value: 1.0)]
    let wrongLabel: [UInt8] = [0x1a, 0x05, 0x0a, 0x03, 0x0a, 0x09, 0x61]
    let body =
      series(
        "a", samples,
        exemplar([("z", "1"), ("b", ""), ("a", "2")], now, 5) + exemplar([("late", "1")], now - 1)
          + exemplar([("long", String(repeating: "x", count: 200))], now + 1)
          + exemplar([("long", String(repeating: "x", count: 5_000_000))], now + 1)
          + exemplar([("twice", "1"), ("twice", "2")], now + 1) + exemplar([("ahead", "1")], now + 900_000))
      + series("b", [], exemplar([("nobody", "1")], now))
      + series("c", [(now + 86_400_000, 1)], exemplar([("refused", "1")], now))
    let answer = receive(bench, body, .v1)
    #expect(answer.outcome.partly?.contains("exemplar") == false, "only the sample of c is named: \(answer.outcome)")
    #expect(
      try bench.exemplars() == [
        "a": [Exemplar(labels: Labels([("a", "2"), ("z", "1")]), time: now, value: 5.0.bitPattern)]
      ])
    #expect(
      discarded(bench) == [
        "out-of-order": 1, "labels-too-long": 2, "invalid": 1, "too-far-in-future": 1, "no-series": 2,
      ])
    // One that is no message costs nothing but itself.
    #expect(bench.receive(series("a", [(now + 1, 1)], wrongLabel + exemplar([("a", "3")], now + 1))) == .stored)
    #expect(try bench.exemplars()["a"]?.count == 2)
    #expect(discarded(bench)["invalid"] == 2)
  }

  @Test("what a sender of 2.0 is told was written is in the ring, duplicates included")
  func written() throws {
    let bench = try ReceiverBench { $0.head.lateWindowMilliseconds = 0 }
    var body = RemoteWriteV2Body()
    let more = body.exemplar([("trace_id", "a")], now, 1) + body.exemplar([("trace_id", "b")], now + 1, 1)
    body.add([("__name__", "x"), ("job", "test")], [(now, 1)], more: more)
    for _ in 0..<2 {
      let answer = receive(bench, body.message, .v2)
      #expect(answer.outcome == .stored)
      #expect(answer.written == WrittenCounts(samples: 1, exemplars: 2))
    }
    #expect(try bench.exemplars()["x"]?.count == 2)
    body = RemoteWriteV2Body()
    body.add(
      [("__name__", "x"), ("job", "test")], [(now + 15_000, 1)], more: body.exemplar([("trace_id", "late")], now, 0))
    let answer = receive(bench, body.message, .v2)
    #expect(answer.outcome.partly?.contains("out of order exemplar, series {__name__=\"x\"") == true)
    #expect(answer.written == WrittenCounts(samples: 1))
  }

  @Test("with none to keep there are none, and a reload changes that")
  func disabled() throws {
    let bench = try ReceiverBench { $0.head.exemplarsMax = 0 }
    let body = series("a", [(now, 1)], exemplar([("trace_id", "a")], now))
    #expect(receive(bench, body, .v2).written == WrittenCounts())
    #expect(bench.receive(body) == .stored)
    #expect(try bench.exemplars().isEmpty && discarded(bench).isEmpty)
    bench.database.reconfigure { $0.head.exemplarsMax = 5 }
    #expect(bench.receive(body) == .stored)
    #expect(try bench.exemplars()["a"]?.count == 1)
    bench.database.reconfigure { $0.head.exemplarsMax = -1 }
    #expect(try bench.exemplars().isEmpty)
  }

  @Test(
    "exemplars of a replica that does not lead are not stored, and count as taken; those of the one that takes over are"
  )
  func replicas() throws {
    var ha = HAOptions()
    ha.isEnabled = true
    let bench = try ReceiverBench(ha: ha)
    func body(_ replica: String, _ time: Int64) -> [UInt8] {
      var body = RemoteWriteV2Body()
      let more = body.exemplar([("trace_id", "\(replica)-\(time - now)")], time, 1)
      let labels = [("__name__", "a"), ("__replica__", replica), ("cluster", "c"), ("job", "test")]
      body.add(labels, [(time, 1)], more: more)
      return body.message
    }
    #expect(receive(bench, body("r1", now), .v2).outcome == .stored)
    // By labels at first, then by the name that is known.
    for step in 1...3 as ClosedRange<Int64> {
      let answer = receive(bench, body("r2", now + step), .v2)
      guard case .refusedReplica = answer.outcome else {
        Issue.record("\(answer.outcome)")
        continue
      }
      #expect(answer.written == WrittenCounts(samples: 1, exemplars: 1))
    }
    #expect(receive(bench, body("r1", now + 15_000), .v2).outcome == .stored)
    #expect(try bench.exemplars()["a"]?.map { $0.labels["trace_id"] } == ["r1-0", "r1-15000"])
  }

  @Test("exemplars follow their series under its new name, and what the rules drop counts as taken")
  func relabelled() throws {
    let bench = try ReceiverBench()
    var rules = IngestRules()
    rules.relabel = [RelabelRule(.drop, of: ["__name__"], regex: "go_.*")]
    rules.renames = [IngestRules.Rename(from: "old_(.*)", to: "new_$1")]
    try bench.intake.reconfigure(rules)
    // Resolved at first, then known by its spelling; with a sample, and without.
    for step in 0..<4 as Range<Int64> {
      var body = RemoteWriteV2Body()
      for metric in ["old_name", "go_dropped"] {
        let more = body.exemplar([("trace_id", "\(step)")], now + step, 1)
        body.add([("__name__", metric), ("job", "test")], step == 3 ? [] : [(now + step, 1)], more: more)
      }
      let answer = receive(bench, body.message, .v2)
      #expect(answer.outcome == .stored)
      #expect(answer.written == WrittenCounts(samples: step == 3 ? 0 : 2, exemplars: 2), "\(step)")
    }
    let found = try bench.exemplars()
    #expect(found.keys.sorted() == ["new_name"] && found["new_name"]?.count == 4)
    #expect(discarded(bench).isEmpty)
  }
}

import Format
import Ingest
import Model
import Platform
import TSDB
import TestKit
import Testing

@Suite struct ReceiverV2Tests {
  let now = ReceiverBench.now
  typealias Answer = (outcome: ReceiveOutcome, written: WrittenCounts)

  func receive(_ bench: ReceiverBench, _ body: RemoteWriteV2Body) -> Answer {
    body.message.lend { bench.receiver.receive($0, encoding: .identity, message: .v2) }
  }

  @Test("both protocols write into the same series, and a repeated body is written again in whole")
  func sameSeries() throws {
    let bench = try ReceiverBench()
    let labels = [("__name__", "up"), ("instance", "a:1"), ("job", "test")]
    var one = RemoteWriteBody()
    one.add(labels, [(now, 1)])
    #expect(bench.receive(one.message) == .stored)
    var two = RemoteWriteV2Body()
    two.add(labels, [(now, 1), (now + 1000, 2), (now + 2000, 3)])
    two.add([("job", "test"), ("__name__", "other")], [(now, 7)])
    for _ in 0..<2 {
      let answer = receive(bench, two)
      #expect(answer.outcome == .stored)
      #expect(answer.written == WrittenCounts(samples: 4))
    }
    let stored = try bench.stored()
    #expect(stored[#"{__name__="up", instance="a:1", job="test"}"#]?.map(\.time) == [now, now + 1000, now + 2000])
    #expect(stored[#"{__name__="other", job="test"}"#]?.count == 1)
    #expect(bench.database.head.seriesCount == 2)
  }

  @Test("of a partly bad body the rest is stored, and the counts say how much")
  func partly() throws {
    let bench = try ReceiverBench()
    var body = RemoteWriteV2Body()
    body.add([("__name__", "good"), ("job", "test")], [(now, 1), (now + 1, 2)])
    body.add([("job", "test")], [(now, 1)])
    body.add(references: [1, 1000], [(now, 1), (now + 1, 1)])
    body.add([("__name__", "future"), ("job", "test")], [(now, 5), (now + 86_400_000, 6)])
    let answer = receive(bench, body)
    #expect(answer.written == WrittenCounts(samples: 3, refused: 4))
    let message = try #require(answer.outcome.partly)
    #expect(message.contains("sample missing metric name"))
    #expect(message.contains("symbol reference 1000 is beyond the"), "\(message)")
    #expect(message.contains("refused 4 of 7 samples"), "\(message)")
    #expect(bench.discarded("label_invalid") == 2)
    #expect(try bench.stored().values.reduce(0) { $0 + $1.count } == 3)
  }

  @Test("metadata of a body is known afterwards under the name of its family")
  func metadata() throws {
    let bench = try ReceiverBench()
    var body = RemoteWriteV2Body()
    for ending in ["_bucket", "_sum", "_count"] {
      body.add(
        [("__name__", "took" + ending), ("job", "test")], [(now, 1)],
        metadata: .init(kind: 3, help: "How long.", unit: "seconds"))
    }
    #expect(receive(bench, body).outcome == .stored)
    #expect(
      bench.intake.metadata.metadata(now: now) == [
        "took": [MetricMetadata(kind: .histogram, help: "How long.", unit: "seconds")]
      ])
  }

  @Test("exemplars alone make no series, and a series without anything is refused")
  func nothingInIt() throws {
    let bench = try ReceiverBench()
    var body = RemoteWriteV2Body()
    let exemplar = body.exemplar([("trace_id", "abc")], now, 1)
    body.add([("__name__", "sampled"), ("job", "test")], [], more: exemplar)
    #expect(receive(bench, body).outcome == .stored)
    #expect(bench.database.head.seriesCount == 0)
    body.add([("__name__", "empty"), ("job", "test")], [])
    let answer = receive(bench, body)
    #expect(answer.outcome.partly?.contains("TimeSeries must contain at least one sample or histogram") == true)
    #expect(answer.written == WrittenCounts())
  }

  @Test("what is no 2.0 body is refused as a whole, with its reason")
  func malformed() throws {
    let bench = try ReceiverBench()
    var body = RemoteWriteV2Body()
    body.symbols = ["word"]
    body.add([("__name__", "x")], [(now, 1)])
    let answer = receive(bench, body)
    guard case .malformed(let message) = answer.outcome else {
      Issue.record("\(answer)")
      return
    }
    #expect(message.contains("symbols must start with an empty string"))
    #expect(answer.written == WrittenCounts())
    #expect(bench.database.head.seriesCount == 0)
  }
}

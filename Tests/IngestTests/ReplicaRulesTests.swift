import Ingest
import Model
import TestKit
import Testing

/// Rules for labels and replicas of HA pairs in the same bodies: verdicts come before rules, and a replica's label before
/// both.
@Suite struct ReplicaRulesTests {
  private let now = ReceiverBench.now

  private func series(_ metric: String, _ replica: String, _ time: Int64, _ value: Double) -> [UInt8] {
    rawSeries(
      [
        label("__name__", metric), label("__replica__", replica), label("cluster", "c"), label("job", "test"),
      ], [(time, value)])
  }

  private func bench(_ limits: IngestLimits = IngestLimits(), keepsOld: Bool = false) throws -> ReceiverBench {
    let bench = try ReceiverBench(limits)
    var rules = IngestRules()
    rules.renames = [.init(from: "old_(.*)", to: "new_$1", keepsOld: keepsOld)]
    rules.relabel = [
      RelabelRule(.drop, of: ["__name__"], regex: "dropped"),
      // Sees no label of replicas.
      RelabelRule(.replace, of: ["__replica__"], regex: "(.+)", to: "leaked", replacement: "$1"),
    ]
    try bench.intake.reconfigure(rules)
    return bench
  }

  private func values(_ bench: ReceiverBench) throws -> [String: [Double]] {
    try bench.stored().mapValues { $0.map { Double(bitPattern: $0.bits) } }
  }

  private func series(_ name: String) -> String { "{__name__=\"\(name)\", cluster=\"c\", job=\"test\"}" }

  @Test("the leader's series have their new names and no replica; the follower's are refused, known or new")
  func names() throws {
    let bench = try bench()
    for round in 0..<4 as Range<Int64> {
      let time = now + round * 1000
      #expect(bench.receive(series("old_a", "a", time, 1) + series("dropped", "a", time, 1)) == .stored)
      guard case .refusedReplica = bench.receive(series("old_a", "b", time + 300, 9)) else {
        Issue.record("a follower's body in round \(round)")
        continue
      }
      bench.clock.advance(milliseconds: 1000)
    }
    #expect(try values(bench) == [series("new_a"): [1, 1, 1, 1]])
    #expect(bench.intake.metrics.relabelDropped.value == 4)
  }

  @Test("a fail-over with renames that keep the old name: both are without a gap, and nothing is there twice")
  func failOver() throws {
    let bench = try bench(keepsOld: true)
    for second in 0..<90 as Range<Int64> {
      let time = now + second * 1000
      bench.clock.advance(milliseconds: 500)
      if second < 40 { #expect(bench.receive(series("old_a", "a", time, Double(second * 10))) == .stored) }
      bench.clock.advance(milliseconds: 500)
      let b = series("old_a", "b", time + 400, Double(second * 10 + 4)) + series("dropped", "b", time + 400, 0)
      _ = bench.receive(b)
      // Other rules in the middle: spellings are resolved anew, whoever leads.
      if second == 20 || second == 60 {
        var rules = bench.intake.presentRules
        rules.relabel.append(RelabelRule(.labeldrop, regex: "none\(second)"))
        try bench.intake.reconfigure(rules)
      }
    }
    let stored = try bench.stored()
    #expect(stored.keys.sorted() == [series("new_a"), series("old_a")])
    for (name, samples) in stored {
      let times = samples.map(\.time)
      #expect(Set(times).count == times.count && times == times.sorted(), "\(name)")
      #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 <= 1500 }, "\(name) \(times)")
      // What was kept of the follower is replayed under both names.
      #expect(times.first == now && times.last == now + 89_400, "\(name)")
    }
  }

  @Test("what a follower sends does not count for the rate")
  func rate() throws {
    var limits = IngestLimits()
    limits.samplesPerSecondMax = 1
    limits.samplesBurstMax = 3
    let bench = try bench(limits)
    #expect(bench.receive(series("x", "a", now, 1)) == .stored)
    for step in 0..<20 as Range<Int64> {
      guard case .refusedReplica = bench.receive(series("x", "b", now + step, 1)) else {
        Issue.record("step \(step)")
        return
      }
    }
    #expect(bench.receive(series("x", "a", now + 1, 1)) == .stored)
    #expect(bench.receive(series("x", "a", now + 2, 1)) == .stored)
    guard case .limited(_, let seconds) = bench.receive(series("x", "a", now + 3, 1)) else {
      Issue.record("more than the burst is taken")
      return
    }
    #expect(seconds == 1)
  }
}

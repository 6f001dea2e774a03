import Format
import Ingest
import Model
import Platform
import PlatformSimulation
import Synchronization
import TSDB
import TestKit
import Testing

/// Bodies of replicas, through the receiver into a real head.
@Suite struct ReplicaTests {
  private let now = ReceiverBench.now

  /// A series of the metric with the labels of a replica.
  private func series(
    _ metric: String, _ replica: String?, cluster: String? = "c", _ samples: [(Int64, Double)]
  ) -> [UInt8] {
    var labels = [label("__name__", metric), label("job", "test")]
    if let cluster { labels.append(label("cluster", cluster)) }
    if let replica { labels.append(label("__replica__", replica)) }
    return rawSeries(labels, samples)
  }

  private func refusal(_ replica: String, _ elected: String) -> String {
    "replicas did not match, rejecting sample: replica=\(replica), elected=\(elected)"
  }

  private func counts(_ samples: Int) -> ReceivedCounts {
    var counts = ReceivedCounts()
    counts.samples = samples
    return counts
  }

  private func metric(_ bench: ReceiverBench, _ name: String) -> Double {
    bench.registry.families().filter { $0.name == name }.flatMap(\.samples).reduce(0) { $0 + $1.value }
  }

  @Test("one replica's samples are stored without its label, the other's are refused with 202's words, known or new")
  func pair() throws {
    let bench = try ReceiverBench()
    for round in 0..<5 as Range<Int64> {
      let time = now + round * 1000
      let a = series("x", "a", [(time, 1)]) + series("y", "a", [(time, 2)])
      let b = series("x", "b", [(time + 300, 5)]) + series("y", "b", [(time + 300, 6)])
      #expect(bench.receive(a) == .stored)
      #expect(bench.receive(b) == .refusedReplica(message: refusal("b", "a"), counts(2)))
      bench.clock.advance(milliseconds: 1000)
    }
    let stored = try bench.stored()
    #expect(
      stored.keys.sorted() == [
        #"{__name__="x", cluster="c", job="test"}"#, #"{__name__="y", cluster="c", job="test"}"#,
      ])
    #expect(stored.values.allSatisfy { $0.map(\.time) == (0..<5).map { now + $0 * 1000 } })
    #expect(metric(bench, "apus_ha_deduped_samples_total") == 10)
    #expect(metric(bench, "apus_ha_refused_bodies_total") == 5)
    #expect(bench.database.head.seriesCount == 2)
  }

  @Test(
    "in a mixed body each pair has its verdict: leaders and plain series are stored, followers are not, all is well")
  func mixed() throws {
    let bench = try ReceiverBench()
    #expect(bench.receive(series("x", "a", cluster: "one", [(now, 1)])) == .stored)
    #expect(bench.receive(series("x", "b", cluster: "two", [(now, 1)])) == .stored)
    for round in 1..<4 as Range<Int64> {
      let time = now + round
      let body =
        series("x", "b", cluster: "one", [(time, 9)]) + series("plain", nil, cluster: nil, [(time, 2)])
        + series("x", "a", cluster: "one", [(time, 1)]) + series("x", "a", cluster: "two", [(time, 9)])
        + series("new\(round)", "b", cluster: "one", [(time, 9)]) + series("x", "b", cluster: "two", [(time, 1)])
      #expect(bench.receive(body) == .stored)
    }
    let stored = try bench.stored()
    #expect(
      stored[#"{__name__="x", cluster="one", job="test"}"#]?.map(\.bits) == Array(repeating: (1.0).bitPattern, count: 4)
    )
    #expect(
      stored[#"{__name__="x", cluster="two", job="test"}"#]?.map(\.bits) == Array(repeating: (1.0).bitPattern, count: 4)
    )
    #expect(stored[#"{__name__="plain", job="test"}"#]?.count == 3)
    #expect(stored.count == 3)
  }

  @Test(
    "after a fail-over no sample is missing, none is there twice, and none goes back, though a body is of two pairs")
  func gapless() throws {
    let bench = try ReceiverBench()
    func step(_ second: Int64, leaderLives: Bool) -> (ReceiveOutcome?, ReceiveOutcome) {
      let time = now + second * 1000
      bench.clock.advance(milliseconds: 500)
      let a =
        leaderLives ? bench.receive(snappyCompressed(series("x", "a", [(time, Double(second * 10))])), .snappy) : nil
      bench.clock.advance(milliseconds: 500)
      let other = series("other", "z", cluster: "d", [(time, Double(second))])
      let b = bench.receive(
        snappyCompressed(series("x", "b", [(time + 400, Double(second * 10 + 4))]) + other), .snappy)
      return (a, b)
    }
    for second in 0..<60 as Range<Int64> { #expect(step(second, leaderLives: true).0 == .stored) }
    for second in 60..<120 as Range<Int64> { _ = step(second, leaderLives: false) }
    let stored = try #require(try bench.stored()[#"{__name__="x", cluster="c", job="test"}"#])
    let times = stored.map(\.time)
    let values = stored.map { Double(bitPattern: $0.bits) }
    #expect(times == times.sorted() && Set(times).count == times.count)
    #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 <= 1500 }, "\(times)")
    #expect(zip(values, values.dropFirst()).allSatisfy { $0 < $1 })
    #expect(times.first == now && times.last == now + 119_400)
    // 60 of a, and of b what came behind a's last.
    #expect(times.count == 60 + 61)
    #expect(try bench.stored()[#"{__name__="other", cluster="d", job="test"}"#]?.count == 120)
    #expect(metric(bench, "apus_ha_elected_replica_changes_total") == 1)
    #expect(metric(bench, "apus_ha_replayed_samples_total") > 20)
    #expect(metric(bench, "apus_ha_ring_bodies") == 0)
    // The old leader comes back with what it had not sent: it is a follower, and nothing of it is stored.
    #expect(
      bench.receive(series("x", "a", [(now + 60_000, 600)]))
        == .refusedReplica(message: refusal("a", "b"), counts(1)))
    #expect(try bench.stored()[#"{__name__="x", cluster="c", job="test"}"#]?.count == 121)
  }

  @Test("what a new leader still has of the time before is superseded, not stored late and not refused")
  func superseded() throws {
    let bench = try ReceiverBench(ha: options { $0.ringBytes = 0 })
    #expect(bench.receive(series("x", "a", [(now, 1), (now + 10_000, 2)])) == .stored)
    bench.clock.advance(milliseconds: 31_000)
    #expect(bench.receive(series("x", "b", [(now + 5000, 9), (now + 10_000, 9), (now + 30_000, 3)])) == .stored)
    #expect(bench.receive(series("x", "b", [(now + 7000, 9)])) == .stored)
    // Behind the fail-over a late sample is one like any other.
    #expect(bench.receive(series("x", "b", [(now + 20_000, 4)])) == .stored)
    // And a series that the old leader never brought takes what comes.
    #expect(bench.receive(series("y", "b", [(now + 5000, 1), (now + 6000, 2)])) == .stored)
    let stored = try bench.stored()
    #expect(
      stored[#"{__name__="x", cluster="c", job="test"}"#]?.map(\.time) == [
        now, now + 10_000, now + 20_000, now + 30_000,
      ])
    #expect(stored[#"{__name__="y", cluster="c", job="test"}"#]?.count == 2)
    #expect(metric(bench, "apus_ha_superseded_samples_total") == 3)
  }

  private func options(_ change: (inout HAOptions) -> Void) -> HAOptions {
    var options = HAOptions()
    change(&options)
    return options
  }

  @Test("a candidate whose samples are older than the leader's is refused after any silence")
  func delayed() throws {
    let bench = try ReceiverBench()
    #expect(bench.receive(series("x", "a", [(now, 100)])) == .stored)
    bench.clock.advance(milliseconds: 120_000)
    #expect(
      bench.receive(series("x", "b", [(now - 1000, 50)])) == .refusedReplica(message: refusal("b", "a"), counts(1)))
    // A sample of the far future is none that could be stored.
    guard case .refusedReplica = bench.receive(series("x", "b", [(now + 10_000_000, 50)])) else {
      Issue.record("elected by a sample that cannot be stored")
      return
    }
    #expect(bench.receive(series("x", "b", [(now + 1, 101)])) == .stored)
  }

  @Test("one cluster too many is refused with 400's words, and its neighbours are stored")
  func tooMany() throws {
    let bench = try ReceiverBench(ha: options { $0.clustersMax = 2 })
    #expect(bench.receive(series("x", "a", cluster: "1", [(now, 1)])) == .stored)
    #expect(bench.receive(series("x", "a", cluster: "2", [(now, 1)])) == .stored)
    let body = series("x", "a", cluster: "3", [(now, 1)]) + series("x", "a", cluster: "2", [(now + 1, 1)])
    for _ in 0..<2 {
      let message = try #require(bench.receive(body).partly)
      #expect(message.hasPrefix("too many HA clusters (limit: 2)"), "\(message)")
    }
    #expect(bench.discarded("too_many_ha_clusters") == 2)
    #expect(try bench.stored().count == 2)
    // After half an hour without it, the first one's place is free.
    bench.clock.advance(milliseconds: 20 * 60_000)
    #expect(bench.receive(series("x", "a", cluster: "2", [(now + 2, 1)])) == .stored)
    bench.clock.advance(milliseconds: 11 * 60_000)
    #expect(bench.receive(series("x", "a", cluster: "3", [(now + 3, 1)])) == .stored)
  }

  @Test("a body of invented clusters makes room for real ones, which is counted and told once in a while")
  func inventedClusters() throws {
    let lines = LogLines()
    let bench = try ReceiverBench(ha: options { $0.clustersMax = 20 }, log: lines.log)
    let flood = (0..<100).flatMap { series("x", "r", cluster: "invented\($0)", [(now, 1)]) }
    #expect(bench.receive(flood).partly?.contains("too many HA clusters (limit: 20)") == true)
    #expect(bench.discarded("too_many_ha_clusters") == 80)
    for step in 0..<3 as Range<Int64> {
      bench.clock.advance(milliseconds: 1000)
      for cluster in 0..<20 {
        let body = series("up", "a", cluster: "real\(cluster)", [(now + step, 1)])
        #expect(bench.receive(body) == .stored, "\(cluster)")
      }
    }
    #expect(try bench.stored("__name__", "up").values.allSatisfy { $0.count == 3 })
    #expect(metric(bench, "apus_ha_clusters_evicted_total") == 20)
    let told = lines.all.filter { $0.contains("made room") }
    #expect(told.count == 1 && told[0].contains("clusters=1 limit=20"), "\(told)")
    bench.clock.advance(milliseconds: 10_000)
    #expect(bench.receive(series("up", "a", cluster: "real0", [(now + 5, 1)])) == .stored)
    #expect(lines.all.contains { $0.contains("clusters=19 limit=20") })
  }

  @Test("a replica label alone is stored, counted and told once, or removed if that is asked for")
  func loneReplica() throws {
    let lines = LogLines()
    let bench = try ReceiverBench(log: lines.log)
    let both = series("x", "a", cluster: nil, [(now, 1)]) + series("x", "b", cluster: nil, [(now, 1)])
    for _ in 0..<2 { #expect(bench.receive(both) == .stored) }
    #expect(bench.receive(series("y", "a", cluster: nil, [(now, 1)])) == .stored)
    #expect(try bench.stored().count == 3)
    #expect(metric(bench, "apus_ha_incomplete_series_total") == 3)
    #expect(lines.all.filter { $0.contains("no cluster label") }.count == 2)

    let stripping = try ReceiverBench(ha: options { $0.isLoneReplicaLabelStripped = true })
    for _ in 0..<2 { #expect(stripping.receive(both) == .stored) }
    #expect(try stripping.stored().keys.sorted() == [#"{__name__="x", job="test"}"#])
  }

  @Test("a cluster label alone is ordinary, unless the cluster has replicas")
  func loneCluster() throws {
    let lines = LogLines()
    let bench = try ReceiverBench(log: lines.log)
    #expect(bench.receive(series("x", nil, [(now, 1)])) == .stored)
    #expect(metric(bench, "apus_ha_incomplete_series_total") == 0)
    #expect(bench.receive(series("x", "a", [(now + 1, 1)])) == .stored)
    #expect(bench.receive(series("y", nil, [(now + 1, 1)]) + series("z", nil, [(now + 1, 1)])) == .stored)
    #expect(metric(bench, "apus_ha_incomplete_series_total") == 2)
    #expect(lines.all.filter { $0.contains("no replica label") }.count == 1)
    #expect(try bench.stored().count == 3)
  }

  @Test("switching off, other labels and switching on again take effect with the next body, for known series too")
  func reload() throws {
    let bench = try ReceiverBench(ha: options { $0.isEnabled = false })
    let head = bench.database.head
    func send(_ replica: String, _ offset: Int64) -> ReceiveOutcome {
      bench.receive(series("x", replica, [(now + offset, 1)]))
    }
    let merged = #"{__name__="x", cluster="c", job="test"}"#
    let ofA = #"{__name__="x", __replica__="a", cluster="c", job="test"}"#
    #expect(send("a", 1) == .stored && send("b", 1) == .stored)
    #expect(head.seriesCount == 2)
    bench.intake.replicas.reconfigure(HAOptions())
    for offset in 2...3 as ClosedRange<Int64> {
      #expect(send("a", offset) == .stored)
      #expect(send("b", offset) == .refusedReplica(message: refusal("b", "a"), counts(1)))
    }
    #expect(try bench.stored()[merged]?.map(\.time) == [now + 2, now + 3])
    #expect(try bench.stored()[ofA]?.map(\.time) == [now + 1])
    bench.intake.replicas.reconfigure(options { $0.isEnabled = false })
    for offset in 4...5 as ClosedRange<Int64> { #expect(send("a", offset) == .stored && send("b", offset) == .stored) }
    #expect(try bench.stored()[merged]?.count == 2)
    #expect(try bench.stored()[ofA]?.map(\.time) == [now + 1, now + 4, now + 5])
    bench.intake.replicas.reconfigure(options { $0.replicaLabel = "job" })
    #expect(bench.receive(series("x", "a", [(now + 6, 1)])) == .stored)
    #expect(try bench.stored("__replica__", "a")[#"{__name__="x", __replica__="a", cluster="c"}"#]?.count == 1)
    bench.intake.replicas.reconfigure(HAOptions())
    #expect(send("b", 7) == .stored && send("a", 7) != .stored)
    #expect(try bench.stored()[merged]?.map(\.time) == [now + 2, now + 3, now + 7])
  }

  @Test(
    "a restart keeps the leader and counts it as heard; of a damaged table the one before counts, or it starts empty")
  func restart() throws {
    let disk = SimulatedDisk()
    let clock = SimulatedClock(nowMilliseconds: now)
    let lines = LogLines()
    do {
      let bench = try ReceiverBench(disk: disk, clock: clock)
      #expect(bench.receive(series("x", "a", [(now, 1)])) == .stored)
      bench.database.close()
    }
    clock.advance(milliseconds: 3_600_000)
    do {
      let bench = try ReceiverBench(disk: disk, log: lines.log, clock: clock)
      let later = clock.nowMilliseconds()
      #expect(bench.intake.replicas.status(wall: later, now: 3_600_000).elected.map(\.replica) == ["a"])
      #expect(bench.receive(series("x", "b", [(later, 1)])) == .refusedReplica(message: refusal("b", "a"), counts(1)))
      clock.advance(milliseconds: 29_999)
      #expect(bench.receive(series("x", "b", [(later + 1, 1)])) != .stored)
      #expect(bench.receive(series("x", "a", [(later + 1, 1)])) == .stored)
      clock.advance(milliseconds: 30_000)
      #expect(bench.receive(series("x", "b", [(later + 2, 1)])) == .stored)
      bench.database.close()
    }
    let path = DatabaseLayout(root: "/data").haLeaders
    var bytes = try disk.readFile(path)
    bytes[bytes.count / 2] ^= 1
    try AtomicReplace.write(bytes, to: path, on: disk)
    do {
      let bench = try ReceiverBench(disk: disk, log: lines.log, clock: clock)
      #expect(lines.all.contains { $0.contains("damaged") && $0.contains("apus.ha-leaders") })
      #expect(bench.intake.replicas.status(wall: clock.nowMilliseconds(), now: 0).elected.map(\.replica) == ["a"])
    }
    try disk.removeFile(path + SealedFile.previousSuffix)
    let bench = try ReceiverBench(disk: disk, log: lines.log, clock: clock)
    #expect(bench.receive(series("x", "c", [(clock.nowMilliseconds(), 1)])) == .stored)
  }

  @Test(
    "after hours of silence another replica's backlog does not go between what the leader brought, also after a restart"
  )
  func longSilence() throws {
    let disk = SimulatedDisk()
    let clock = SimulatedClock(nowMilliseconds: now)
    func brought(_ cluster: String, by bench: ReceiverBench) throws {
      #expect(bench.receive(series("x", "a", cluster: cluster, [(now, 1)])) == .stored)
      #expect(bench.receive(series("x", "a", cluster: cluster, [(now + 10_000, 2)])) == .stored)
    }
    func returns(_ cluster: String, to bench: ReceiverBench) throws {
      let refused = refusal("b", "a")
      #expect(
        bench.receive(series("x", "b", cluster: cluster, [(now + 5000, 9)]))
          == .refusedReplica(message: refused, counts(1)))
      #expect(bench.receive(series("x", "b", cluster: cluster, [(now + 7000, 9), (now + 20_000, 3)])) == .stored)
      let stored = try bench.stored()[#"{__name__="x", cluster="\#(cluster)", job="test"}"#]
      #expect(stored?.map(\.time) == [now, now + 10_000, now + 20_000])
    }
    do {
      let bench = try ReceiverBench(disk: disk, clock: clock)
      for cluster in ["one", "two"] { try brought(cluster, by: bench) }
      for _ in 0..<2 {
        clock.advance(milliseconds: 40 * 60_000)
        #expect(bench.receive(series("plain", nil, cluster: nil, [(clock.nowMilliseconds(), 1)])) == .stored)
      }
      #expect(metric(bench, "apus_ha_replica_group_count") == 0)
      try returns("one", to: bench)
      bench.database.close()
    }
    clock.advance(milliseconds: 60_000)
    let bench = try ReceiverBench(disk: disk, clock: clock)
    clock.advance(milliseconds: 60_000)
    try returns("two", to: bench)
  }

  @Test("a start while the clock is hours behind does not make what the leader brought older than it is")
  func startBehind() throws {
    let disk = SimulatedDisk()
    let clock = SimulatedClock(nowMilliseconds: now)
    do {
      let bench = try ReceiverBench(disk: disk, clock: clock)
      #expect(bench.receive(series("x", "a", [(now, 1)])) == .stored)
      #expect(bench.receive(series("x", "a", [(now + 10_000, 2)])) == .stored)
      bench.database.close()
    }
    clock.stepWall(milliseconds: -16 * 3_600_000)
    let bench = try ReceiverBench(disk: disk, clock: clock)
    #expect(bench.receive(series("x", "a", [(now + 20_000, 3)])) != .stored)
    clock.advance(milliseconds: 60_000)
    clock.stepWall(milliseconds: 16 * 3_600_000)
    #expect(
      bench.receive(series("x", "b", [(now + 5000, 9)])) == .refusedReplica(message: refusal("b", "a"), counts(1)))
    #expect(bench.receive(series("x", "b", [(now + 7000, 9), (now + 30_000, 3)])) == .stored)
    let stored = try bench.stored()[#"{__name__="x", cluster="c", job="test"}"#]
    #expect(stored?.map(\.time) == [now, now + 10_000, now + 30_000])
  }

  @Test("when the log fails in the middle of a fail-over nothing is acknowledged, and the next body closes the gap")
  func failingLog() throws {
    let bench = try ReceiverBench()
    #expect(bench.receive(series("x", "a", [(now, 1)])) == .stored)
    for second in 1..<40 as Range<Int64> {
      bench.clock.advance(milliseconds: 1000)
      if second == 30 { bench.disk.setFreeBytes(0) }
      let outcome = bench.receive(series("x", "b", [(now + second * 1000, Double(second))]))
      if second >= 30 && second < 35 {
        guard case .unavailable = outcome else {
          Issue.record("\(outcome) without a log")
          return
        }
      }
      if second == 34 { bench.disk.setFreeBytes(1 << 30) }
      if second >= 35 { #expect(outcome == .stored) }
    }
    // What was not acknowledged at 30...34 comes again.
    for second in 30..<35 as Range<Int64> {
      #expect(bench.receive(series("x", "b", [(now + second * 1000, Double(second))])) == .stored)
    }
    let stored = try #require(try bench.stored()[#"{__name__="x", cluster="c", job="test"}"#])
    #expect(stored.map(\.time) == (0..<40).map { now + Int64($0) * 1000 })
  }

  @Test("four threads of two replicas through many fail-overs leave no gap, no duplicate and nothing out of order")
  func threads() throws {
    let seed = RandomSource(for: "replica threads").seed
    let bench = try ReceiverBench(ha: options { $0.failoverMilliseconds = 5000 })
    let receiver = bench.receiver
    let seconds: Int64 = 400
    let clock = bench.clock
    // Each replica has two connections with series of their own. They run in step: a second's bodies are sent at once.
    var leader = "a"
    var silentUntil: Int64 = 0
    var random = RandomSource(seed: seed)
    for second in 0..<seconds {
      clock.advance(milliseconds: 1000)
      if second > silentUntil + 20 && random.below(10) == 0 {
        leader = receiver.intake.replicas.status(wall: 0, now: 0).elected.first?.replica ?? "a"
        silentUntil = second + 8
      }
      let isSilent = second < silentUntil
      let writers = ["a", "b"].filter { !isSilent || $0 != leader }
      let bodies = writers.flatMap { replica in
        (0..<2).map { connection in
          (0..<20).flatMap { index in
            series(
              "m\(connection)_\(index)", replica,
              [(now + second * 1000 + (replica == "a" ? 0 : 400), Double(second * 10 + (replica == "a" ? 0 : 4)))])
          }
        }
      }
      _ = onThreads(bodies.count) { number in
        // As senders do: what is not taken is sent again.
        while case .unavailable = bodies[number].lend({ receiver.receive($0, encoding: .identity) }) {}
      }
    }
    #expect(metric(bench, "apus_ha_elected_replica_changes_total") >= 3, "seed \(seed)")
    let stored = try bench.stored()
    #expect(stored.count == 40)
    for (name, samples) in stored {
      let times = samples.map(\.time)
      let gaps = zip(times, times.dropFirst()).map { $1 - $0 }
      #expect(gaps.allSatisfy { $0 > 0 && $0 <= 1500 }, "seed \(seed) \(name) \(gaps.max() ?? 0)")
      let values = samples.map { Double(bitPattern: $0.bits) }
      #expect(zip(values, values.dropFirst()).allSatisfy { $0 < $1 }, "seed \(seed) \(name)")
    }
  }
}

/// What was logged. Any thread.
final class LogLines: Sendable {
  private let lines = Mutex<[String]>([])
  var all: [String] { lines.withLock { $0 } }
  var log: Log { Log(level: .info, format: .logfmt) { [self] line in lines.withLock { $0.append(line) } } }
}

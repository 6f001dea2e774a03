import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import Discovery

@Suite("A set of discoveries")
struct DiscoverySetTests {
  @Test("jobs are told their static targets at once, without time passing")
  func atOnce() {
    let bench = DiscoveryBench(clock: SimulatedClock())
    defer { bench.set.stop() }
    bench.set.apply([
      ("a", [.fixed([fixed("x:1", "y:2", labels: [("env", "p")])])]), ("b", [.fixed([fixed("z:3")])]), ("c", []),
    ])
    #expect(bench.told.waits(for: ["x:1", "y:2"], of: "a"))
    #expect(bench.told.waits(for: ["z:3"], of: "b"))
    #expect(bench.told.waits(for: [], of: "c"))
    #expect(bench.told.groups("a")?.first?.labels["env"] == "p")
  }

  @Test("equal discoveries of several jobs run once, and each job has the union of its own")
  func shared() {
    let bench = DiscoveryBench()
    defer { bench.set.stop() }
    let common = DiscoveryOptions.fixed([fixed("x:1")])
    bench.set.apply([("a", [common, .fixed([fixed("y:1", source: "1")])]), ("b", [common, common])])
    #expect(bench.told.waits(for: ["x:1", "y:1"], of: "a"))
    #expect(bench.told.waits(for: ["x:1"], of: "b"))
    #expect(bench.set.state.withLock { $0.providers.count } == 2)
  }

  @Test("a reload keeps what is equal, drops the rest, and tells every job again")
  func reload() {
    let bench = DiscoveryBench()
    defer { bench.set.stop() }
    bench.set.apply([("a", [.fixed([fixed("x:1")])]), ("b", [.fixed([fixed("y:1")])])])
    #expect(bench.told.waits(for: ["y:1"], of: "b"))
    let before = bench.set.state.withLock { Set($0.providers.keys) }
    bench.set.apply([("a", [.fixed([fixed("x:1")])]), ("b", [.fixed([fixed("y:2")])])])
    #expect(bench.told.waits(for: ["y:2"], of: "b"))
    #expect(bench.told.rounds.count == 2)
    let after = bench.set.state.withLock { Set($0.providers.keys) }
    #expect(before.intersection(after).count == 1 && after.count == 2)
  }

  @Test("metrics of the set have Prometheus's names, texts and labels, and go with their job")
  func metrics() {
    let bench = DiscoveryBench(clock: SimulatedClock(nowMilliseconds: 5_000))
    defer { bench.set.stop() }
    bench.set.apply([("a", [.fixed([fixed("x:1", "y:1")])]), ("b", [.fixed([fixed("z:1")])])])
    #expect(bench.told.waits(for: ["z:1"], of: "b"))
    #expect(
      Array(exposition(bench.registry).prefix(20)) == [
        "# HELP prometheus_sd_failed_configs Current number of service discovery configurations that failed to load.",
        "# TYPE prometheus_sd_failed_configs gauge",
        "prometheus_sd_failed_configs{name=\"scrape\"} 0",
        "# HELP prometheus_sd_received_updates_total Total number of update events received from the SD providers.",
        "# TYPE prometheus_sd_received_updates_total counter",
        "prometheus_sd_received_updates_total{name=\"scrape\"} 2",
        "# HELP prometheus_sd_updates_delayed_total Total number of update events that couldn't be sent immediately.",
        "# TYPE prometheus_sd_updates_delayed_total counter",
        "prometheus_sd_updates_delayed_total{name=\"scrape\"} 0",
        "# HELP prometheus_sd_updates_total Total number of update events sent to the SD consumers.",
        "# TYPE prometheus_sd_updates_total counter",
        "prometheus_sd_updates_total{name=\"scrape\"} 1",
        "# HELP prometheus_sd_discovered_targets Current number of discovered targets.",
        "# TYPE prometheus_sd_discovered_targets gauge",
        "prometheus_sd_discovered_targets{name=\"scrape\",config=\"a\"} 2",
        "prometheus_sd_discovered_targets{name=\"scrape\",config=\"b\"} 1",
        "# HELP prometheus_sd_last_update_timestamp_seconds Timestamp of the last update sent to the SD consumers.",
        "# TYPE prometheus_sd_last_update_timestamp_seconds gauge",
        "prometheus_sd_last_update_timestamp_seconds{name=\"scrape\",config=\"a\"} 5",
        "prometheus_sd_last_update_timestamp_seconds{name=\"scrape\",config=\"b\"} 5",
      ])
    bench.set.apply([("a", [.fixed([fixed("x:1")])])])
    #expect(bench.told.waits(for: ["x:1"], of: "a"))
    #expect(
      bench.metrics("prometheus_sd_discovered_targets{") == [
        "prometheus_sd_discovered_targets{name=\"scrape\",config=\"a\"} 1"
      ])
  }

  @Test("one that cannot be made is logged and counted, and the others of its job go on")
  func cannotBeMade() {
    let bench = DiscoveryBench()
    defer { bench.set.stop() }
    bench.set.apply([("a", [.kubernetes(KubernetesDiscoveryOptions()), .fixed([fixed("x:1")])])])
    #expect(bench.told.waits(for: ["x:1"], of: "a"))
    #expect(bench.told.waitsForLine("msg=\"Cannot create service discovery\" err="))
    #expect(bench.told.lines.contains { $0.hasSuffix("type=kubernetes config=a") })
    #expect(bench.metrics("prometheus_sd_failed_configs{").first?.hasSuffix(" 1") == true)
  }

  @Test(
    "changes that follow each other are told together, further and further apart, and the first after a rest at once")
  func pace() {
    var pace = UpdatePace()
    var now: Int64 = 1_000_000_000
    var pauses: [Int64] = []
    for _ in 0..<14 {
      pace.told(at: now)
      pauses.append((pace.nextNanoseconds - now) / 1_000_000)
      now = pace.nextNanoseconds
    }
    #expect(pauses.prefix(4) == [100, 150, 225, 337])
    #expect(pauses.max() == 5000 && pauses.last == 5000)
    now += 5_000_000_001
    pace.told(at: now)
    #expect(pace.nextNanoseconds - now == 100_000_000)
  }

  @Test("a change waits for the pause after the last one, and is then told")
  func bundled() {
    let clock = SimulatedClock()
    let bench = DiscoveryBench(clock: clock)
    defer { bench.set.stop() }
    bench.set.apply([("a", [.fixed([fixed("x:1")])])])
    #expect(bench.told.waitsForRounds(1))
    let id = bench.set.state.withLock { $0.providers.keys.first ?? 0 }
    let sink = bench.set.sink(of: id)
    sink.update(fixed("y:1", source: "1"))
    sink.update(fixed("z:1", source: "2"))
    clock.waitForWaiters(1)
    #expect(bench.told.rounds.count == 1)
    clock.advance(milliseconds: 99)
    clock.waitForWaiters(1)
    #expect(bench.told.rounds.count == 1)
    clock.advance(milliseconds: 1)
    #expect(bench.told.waits(for: ["x:1", "y:1", "z:1"], of: "a"))
    #expect(bench.told.rounds.count == 2)
    clock.advance(milliseconds: 10_000)
    sink.update(TargetGroup(source: "1", targets: []))
    #expect(bench.told.waits(for: ["x:1", "z:1"], of: "a"))
    #expect(bench.told.rounds.count == 3)
  }

  @Test("nothing is told after the stop, and a configuration is not taken over")
  func stopped() {
    let bench = DiscoveryBench()
    bench.set.apply([("a", [.fixed([fixed("x:1")])])])
    #expect(bench.told.waitsForRounds(1))
    let id = bench.set.state.withLock { $0.providers.keys.first ?? 0 }
    bench.set.stop()
    bench.set.sink(of: id).update(fixed("y:1", source: "1"))
    bench.set.apply([("b", [.fixed([fixed("z:1")])])])
    bench.set.stop()
    #expect(bench.told.rounds.count == 1)
    #expect(bench.told.groups("b") == nil)
  }

  @Test("of two groups with one source the last counts, and groups without targets are none")
  func sources() {
    var found = FoundGroups()
    func take(_ change: DiscoverySink.Change) -> Bool { found.take(change) }
    #expect(take(.all([fixed("a:1", source: "x"), fixed("b:1", source: "y"), fixed("c:1", source: "x")])))
    #expect(found.groups.map(\.source).sorted() == ["x", "y"] && found.targetCount == 2)
    #expect(found.groups.first { $0.source == "x" } == fixed("c:1", source: "x"))
    #expect(!take(.all([fixed("b:1", source: "y"), fixed("c:1", source: "x")])))
    #expect(take(.one(TargetGroup(source: "y", targets: []))))
    #expect(!take(.one(TargetGroup(source: "y", targets: []))))
    #expect(take(.all([TargetGroup(source: "x", targets: [])])))
    #expect(found.groups.isEmpty && found.targetCount == 0)
  }
}

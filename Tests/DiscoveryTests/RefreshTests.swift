import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import Discovery

/// A source whose answers a test decides.
final class ScriptedSource: Refreshable {
  let mechanism: String
  let intervalMilliseconds: Int64
  private let answer: @Sendable (Int) throws(DiscoveryError) -> [TargetGroup]
  private let asked = Monitor(0)

  init(
    mechanism: String = "http", intervalMilliseconds: Int64 = 60_000,
    _ answer: @escaping @Sendable (Int) throws(DiscoveryError) -> [TargetGroup]
  ) {
    self.mechanism = mechanism
    self.intervalMilliseconds = intervalMilliseconds
    self.answer = answer
  }

  var count: Int { asked.withLock { $0 } }

  func waits(for count: Int) -> Bool {
    asked.wait(until: Deadline(milliseconds: 20_000)) { $0 >= count ? true : nil } ?? false
  }

  func refresh(isCancelled: @escaping @Sendable () -> Bool) throws(DiscoveryError) -> [TargetGroup] {
    let count = asked.withLock { count in
      count += 1
      return count
    }
    asked.wakeAll()
    return try answer(count)
  }
}

@Suite("Refreshes")
struct RefreshTests {
  private struct Bench {
    let clock = SimulatedClock()
    let told = Told()
    let registry = MetricsRegistry()
    let schedule: RefreshSchedule
    let metrics: RefreshMetrics

    init() {
      let told = told
      schedule = RefreshSchedule(clock: clock, log: Log(level: .info, format: .logfmt) { told.write($0) })
      metrics = RefreshMetrics(registry, clock: clock)
    }

    func task(_ source: ScriptedSource, config: String = "a") -> RefreshTask {
      let told = told
      let log = Log(level: .info, format: .logfmt) { told.write($0) }
      return RefreshTask(source, schedule, metrics, log.adding("discovery", source.mechanism), config: config)
    }
  }

  @Test("a source is asked at once, then once per interval")
  func interval() {
    let bench = Bench()
    defer { bench.schedule.stop() }
    let source = ScriptedSource { _ in [] }
    bench.task(source).start(DiscoverySink { _ in })
    #expect(source.waits(for: 1))
    bench.clock.waitForWaiters(1)
    bench.clock.advance(milliseconds: 59_999)
    bench.clock.waitForWaiters(1)
    #expect(source.count == 1)
    bench.clock.advance(milliseconds: 1)
    #expect(source.waits(for: 2))
    bench.clock.waitForWaiters(1)
    bench.clock.advance(milliseconds: 60_000)
    #expect(source.waits(for: 3))
  }

  @Test("a failed refresh tells nothing, is logged and counted")
  func failure() {
    let bench = Bench()
    let source = ScriptedSource { count throws(DiscoveryError) in
      if count == 2 { throw DiscoveryError("server returned HTTP status 500 Internal Server Error") }
      return [fixed("x:\(count)")]
    }
    let told = Told()
    bench.task(source).start(
      DiscoverySink { change in if case .all(let groups) = change { told.take(["a": groups]) } })
    #expect(told.waits(for: ["x:1"], of: "a"))
    bench.clock.waitForWaiters(1)
    bench.clock.advance(milliseconds: 60_000)
    #expect(bench.told.waitsForLine("msg=\"Unable to refresh target groups\" err=\"server returned HTTP status 500"))
    #expect(told.rounds.count == 1)
    bench.clock.waitForWaiters(1)
    bench.clock.advance(milliseconds: 60_000)
    #expect(told.waits(for: ["x:3"], of: "a"))
    bench.schedule.stop()
    let lines = exposition(bench.registry)
    #expect(lines.contains("prometheus_sd_refresh_failures_total{config=\"a\",mechanism=\"http\"} 1"))
    #expect(lines.contains("prometheus_sd_refresh_duration_seconds_count{config=\"a\",mechanism=\"http\"} 3"))
    #expect(
      lines.contains("prometheus_sd_refresh_duration_seconds{config=\"a\",mechanism=\"http\",quantile=\"0.99\"} 0"))
    #expect(lines.contains("prometheus_sd_refresh_duration_histogram_seconds_count{mechanism=\"http\"} 3"))
    #expect(lines.contains("# TYPE prometheus_sd_refresh_duration_seconds summary"))
    bench.metrics.keepOnly([])
    #expect(!exposition(bench.registry).contains { $0.contains("config=\"a\"") })
  }

  @Test("a refresh that has failed in parts tells the groups there are, and is logged and counted as failed")
  func partialFailure() {
    let bench = Bench()
    let source = ScriptedSource(mechanism: "ecs") { count throws(DiscoveryError) in
      throw DiscoveryError("1 of 2 clusters could not be read", groups: [fixed("x:\(count)")])
    }
    let told = Told()
    bench.task(source).start(
      DiscoverySink { change in if case .all(let groups) = change { told.take(["a": groups]) } })
    #expect(told.waits(for: ["x:1"], of: "a"))
    bench.schedule.stop()
    #expect(
      bench.told.lines.contains { $0.contains("msg=\"Unable to refresh target groups\" err=\"1 of 2 clusters could") })
    #expect(
      exposition(bench.registry).contains("prometheus_sd_refresh_failures_total{config=\"a\",mechanism=\"ecs\"} 1"))
  }

  @Test("sources that hang hold no other up, and end when they are removed")
  func hanging() {
    let bench = Bench()
    let released = Monitor(false)
    let hanging = (0..<5).map { _ in
      ScriptedSource { _ in
        _ = released.wait { $0 ? true : nil }
        return [fixed("late:1")]
      }
    }
    let told = Told()
    let tasks = hanging.map { bench.task($0) }
    for task in tasks { task.start(DiscoverySink { _ in told.take(["hung": []]) }) }
    let source = ScriptedSource { _ in [fixed("x:1")] }
    bench.task(source).start(DiscoverySink { _ in told.take(["a": [fixed("x:1")]]) })
    #expect(told.waits(for: ["x:1"], of: "a"))
    #expect(hanging.allSatisfy { $0.waits(for: 1) })
    for task in tasks { task.stop() }
    released.withLock { $0 = true }
    released.wakeAll()
    bench.schedule.stop()
    #expect(told.groups("hung") == nil)
  }

  @Test("no more refreshes run at once than there may be, and all have their turn")
  func many() {
    let bench = Bench()
    let running = Monitor((now: 0, most: 0, done: 0))
    let sources = (0..<50).map { _ in
      ScriptedSource { _ in
        running.withLock { running in
          running.now += 1
          running.most = max(running.most, running.now)
        }
        sleepThread(.milliseconds(2))
        running.withLock { running in
          running.now -= 1
          running.done += 1
        }
        running.wakeAll()
        return []
      }
    }
    for source in sources { bench.task(source).start(DiscoverySink { _ in }) }
    #expect(running.wait(until: Deadline(milliseconds: 20_000)) { $0.done >= 50 ? true : nil } == true)
    bench.schedule.stop()
    #expect(running.withLock { $0.most } <= RefreshSchedule.threadsMax)
  }

  @Test("a summary forgets what is older than ten minutes, but not in its sum")
  func summary() {
    let clock = SimulatedClock()
    let summary = SummaryMetric(clock: clock)
    func values() -> [Double] { summary.samples(named: "x", labels: []).map(\.value) }
    #expect(values().prefix(3).allSatisfy(\.isNaN) && values().suffix(2) == [0, 0])
    for value in 1...100 { summary.observe(Double(value)) }
    #expect(values() == [50, 90, 99, 5050, 100])
    clock.advance(milliseconds: 600_001)
    #expect(values().prefix(3).allSatisfy(\.isNaN) && values().suffix(2) == [5050, 100])
  }
}

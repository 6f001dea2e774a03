import Model
import Platform
import PlatformSimulation
import PromQL
import Synchronization
import TestKit
import Testing

@testable import Rules

@Suite("Rules.RuleManager") struct RuleManagerTests {
  /// A manager whose wheel and lane the test turns itself.
  private final class World {
    let bench: RuleBench
    let work: RuleWork
    let states: AlertStates
    let manager: RuleManager

    convenience init(starts: Bool = false) throws { self.init(try RuleBench(), starts: starts) }

    /// The same server, started again.
    convenience init(after old: World) throws { self.init(old.bench, starts: false) }

    private init(_ bench: RuleBench, starts: Bool) {
      self.bench = bench
      states = AlertStates(
        "/data/apus.alerts", on: bench.disk, damaged: bench.database.damaged, registry: bench.registry)
      work = RuleWork(clock: bench.clock, startsThreads: starts)
      manager = RuleManager(
        workspace: "default", database: bench.rules, work: work, registry: bench.registry, clock: bench.clock,
        log: bench.log, states: states
      ) { [sent = bench.sent] in sent.add($0) }
    }

    func reconfigure(_ rules: [RuleDefinition], interval: Int64 = 15_000, named name: String = "g") {
      manager.reconfigure(
        [RuleGroupDefinition(file: "f.yml", name: name, intervalMilliseconds: interval, rules: rules)],
        options: RuleOptions())
    }

    /// Moves the clock to the next moment at which something is due, and does it.
    func turn() throws {
      let next = try #require(work.wheel.next)
      bench.clock.advance(nanoseconds: max(0, next - bench.clock.monotonicNanoseconds()))
      work.wheel.turn()
      work.runReady()
    }

    var now: Int64 { bench.clock.nowMilliseconds() }
  }

  @Test("a group is evaluated at its slots, counted, and its metrics go with it")
  func slots() throws {
    let world = try World()
    #expect(world.bench.metric("prometheus_rule_group_iterations_total") == nil)
    world.reconfigure([.record("t", "time()"), .record("bad", "time(")])
    #expect(world.bench.metric("prometheus_rule_group_iterations_total") == 0)
    #expect(world.manager.shown.map(\.lastEvaluation) == [nil])
    try world.turn()
    let slot = world.now
    try world.turn()
    #expect(world.now == slot + 15_000)
    #expect(world.bench.answer("t", at: world.now) == ["{__name__=\"t\"} \(Double(world.now) / 1000)"])
    #expect(world.bench.metric("prometheus_rule_group_iterations_total") == 2)
    #expect(world.bench.metric("prometheus_rule_group_iterations_missed_total") == 0)
    #expect(world.bench.metric("prometheus_rule_evaluations_total") == 4)
    #expect(world.bench.metric("prometheus_rule_evaluation_failures_total") == 2)
    #expect(world.bench.metric("prometheus_rule_group_rules") == 2)
    #expect(world.bench.metric("prometheus_rule_group_interval_seconds") == 15)
    #expect(world.bench.metric("prometheus_rule_group_last_evaluation_samples") == 1)
    #expect(world.manager.shown[0].rules[1].lastError.hasPrefix("could not parse expression: 1:6: parse error"))
    world.bench.clock.advance(milliseconds: 50_000)
    try world.turn()
    #expect(world.bench.metric("prometheus_rule_group_iterations_total") == 5)
    #expect(world.bench.metric("prometheus_rule_group_iterations_missed_total") == 2)
    world.manager.reconfigure([], options: RuleOptions())
    #expect(world.bench.metric("prometheus_rule_group_rules") == nil && world.manager.shown.isEmpty)
  }

  @Test("recording rules make up for the slots of a stall, alerts do not; a long stall leaves a hole")
  func stall() throws {
    let world = try World()
    world.reconfigure([.record("t", "time()"), .alert("A", "vector(1)")])
    try world.turn()
    let slot = world.now
    world.bench.clock.advance(milliseconds: 50_000)
    try world.turn()
    #expect(world.bench.answer("count_over_time(t[1h])", at: world.now) == ["{} 4.0"])
    #expect(world.bench.answer("t", at: slot + 15_000) == ["{__name__=\"t\"} \(Double(slot + 15_000) / 1000)"])
    #expect(world.bench.answer("count_over_time(ALERTS[1h])", at: world.now).map { $0.suffix(3) } == ["2.0"])
    #expect(world.bench.metric("apus_rule_group_iterations_recovered_total") == 2)
    #expect(world.bench.metric("prometheus_rule_group_iterations_missed_total") == 2)
    world.bench.clock.advance(milliseconds: 600_000)
    try world.turn()
    #expect(world.bench.metric("apus_rule_group_iterations_recovered_total") == 12)
    #expect(world.bench.answer("count_over_time(t[1h])", at: world.now) == ["{} 15.0"])
  }

  @Test("what a reload does not change runs on; what it does goes on with its alerts, and rules that are gone end")
  func reload() throws {
    let world = try World()
    world.bench.store([("m", [:], 1)], at: world.now)
    world.reconfigure([.alert("A", "m", hold: 60_000), .record("r", "m"), .record("s", "m")])
    try world.turn()
    let activeAt = world.now
    let before = world.work.wheel.next
    world.reconfigure([.alert("A", "m", hold: 60_000), .record("r", "m"), .record("s", "m")])
    #expect(world.work.wheel.next == before && world.manager.shown[0].rules[0].health == .ok)
    world.reconfigure([.alert("A", "m > 0", hold: 15_000), .record("s", "m + 1")])
    #expect(world.manager.shown[0].rules.map(\.health) == [.unknown, .unknown])
    #expect(world.manager.shown[0].rules[0].alerts.map(\.activeAt) == [activeAt])
    try world.turn()
    #expect(world.manager.shown[0].rules[0].alerts.map(\.state) == [.firing])
    #expect(world.bench.answer("r", at: world.now) == [])
    #expect(world.bench.answer("s", at: world.now) == ["{__name__=\"s\"} 2.0"])
    #expect(world.bench.metric("prometheus_rule_group_iterations_total") == 2)
    // An alert with other labels, or none of this name, is told as over.
    world.reconfigure([.alert("B", "m")])
    #expect(world.bench.sent.all.map(\.isResolved) == [false, true])
  }

  @Test("the series of a group that is gone end after two intervals, as of when it went; a new owner's stay")
  func removal() throws {
    let world = try World()
    world.bench.store([("m", [:], 1)], at: world.now)
    world.reconfigure([.record("r", "m"), .record("s", "m")])
    try world.turn()
    world.bench.clock.advance(milliseconds: 10)
    world.reconfigure([.record("r", "m")], named: "other")
    let went = world.now
    try world.turn()
    #expect(world.bench.answer("s", at: world.now).count == 1)
    while world.now < went + 30_000 { try world.turn() }
    #expect(world.bench.answer("s", at: world.now) == [])
    #expect(world.bench.answer("r", at: world.now).count == 1)
  }

  @Test("after a restart alerts go on from what was saved, and those of rules that are gone are told as over")
  func restart() throws {
    let world = try World()
    world.bench.store([("m", [:], 1)], at: world.now)
    world.reconfigure([.alert("A", "m", hold: 20_000), .alert("B", "m")])
    try world.turn()
    let activeAt = world.now
    #expect(world.bench.sent.all.map { $0.labels["alertname"] } == ["B"])
    world.manager.stop()
    let next = try World(after: world)
    next.reconfigure([.alert("A", "m", hold: 20_000)])
    try next.turn()
    #expect(next.manager.shown[0].rules[0].alerts.map(\.activeAt) == [activeAt])
    #expect(next.bench.sent.all.map(\.isResolved) == [false, true])
    #expect(next.bench.answer("ALERTS{alertstate=\"pending\"}", at: next.now).count == 1)
    try next.turn()
    #expect(next.manager.shown[0].rules[0].alerts.map(\.state) == [.firing])
    // A group that is gone while the server runs is forgotten with its alerts.
    next.manager.reconfigure([], options: RuleOptions())
    #expect(next.states.saved("f.yml;g") == nil)
  }

  @Test("without the file of states alerts go on from their series")
  func series() throws {
    let world = try World()
    world.bench.store([("m", [:], 1)], at: world.now)
    world.reconfigure([.alert("A", "m", hold: 30_000)])
    try world.turn()
    let activeAt = world.now
    world.manager.stop()
    world.states.drop("f.yml;g")
    world.states.write(at: world.now)
    let next = try World(after: world)
    next.reconfigure([.alert("A", "m", hold: 30_000)])
    try next.turn()
    // The series tell whole seconds, and the time of the restart does not count.
    let began = try #require(next.manager.shown[0].rules[0].alerts.first?.activeAt)
    #expect(began < next.now && began >= activeAt - 1_000)
  }

  @Test("states that are older than is tolerated count as absent: the series of whoever ran in between tell beginnings")
  func oldStates() throws {
    let world = try World()
    world.bench.store([("m", [:], 1)], at: world.now)
    world.reconfigure([.alert("A", "m", hold: 60_000)])
    try world.turn()
    world.manager.stop()
    world.bench.clock.advance(milliseconds: 2 * 3_600_000)
    let next = try World(after: world)
    let began = next.now / 1000 - 30
    next.bench.store([("ALERTS_FOR_STATE", ["alertname": "A"], Double(began))], at: next.now)
    next.bench.store([("m", [:], 1)], at: next.now)
    next.reconfigure([.alert("A", "m", hold: 60_000)])
    let restart = next.now
    try next.turn()
    #expect(
      next.manager.shown[0].rules[0].alerts.map(\.activeAt) == [began * 1000 + (next.now - restart)])
  }

  @Test("a group that lost its alerting rules while the server was down tells their alerts as over, and forgets them")
  func lostAlerts() throws {
    let world = try World()
    world.bench.store([("m", [:], 1)], at: world.now)
    world.reconfigure([.alert("A", "m"), .record("r", "m")])
    try world.turn()
    world.manager.stop()
    let next = try World(after: world)
    next.reconfigure([.record("r", "m")])
    try next.turn()
    #expect(next.bench.sent.all.map(\.isResolved) == [false, true])
    #expect(next.states.saved("f.yml;g") == nil)
    // The same by a reload.
    next.reconfigure([.alert("A", "m"), .record("r", "m")])
    try next.turn()
    #expect(next.states.saved("f.yml;g") != nil)
    next.reconfigure([.record("r", "m")])
    try next.turn()
    #expect(next.states.saved("f.yml;g") == nil)
  }

  @Test("the series of a group that goes in the millisecond of its last slot, or just before, end all the same")
  func removalAtSlot() throws {
    for early: Int64 in [0, 1] {
      let world = try World()
      world.bench.store([("m", [:], 1)], at: world.now)
      world.reconfigure([.record("r", "m")])
      let due = try #require(world.work.wheel.next)
      world.bench.clock.advance(nanoseconds: due - world.bench.clock.monotonicNanoseconds())
      world.bench.clock.stepWall(milliseconds: -early)
      world.work.wheel.turn()
      world.work.runReady()
      #expect(world.bench.answer("r", at: world.now + early).count == 1)
      world.manager.reconfigure([], options: RuleOptions())
      let went = world.now
      while world.now < went + 30_000 { try world.turn() }
      #expect(world.bench.answer("r", at: world.now) == [])
    }
  }

  @Test("after a stop nothing is evaluated, and no series ends")
  func stop() throws {
    let world = try World()
    world.bench.store([("m", [:], 1)], at: world.now)
    world.reconfigure([.record("r", "m")])
    try world.turn()
    world.manager.stop()
    #expect(world.work.wheel.next == nil)
    world.reconfigure([.record("r", "m")])
    #expect(world.work.wheel.next == nil && world.bench.answer("r", at: world.now + 60_000).count == 1)
  }

  @Test("a stop amid a change of the configuration overlooks no group")
  func stopAmidChange() throws {
    let old = try World()
    old.bench.store([("m", [:], 1)], at: old.now)
    old.reconfigure([.alert("A", "m")])
    try old.turn()
    old.manager.stop()
    let world = try World(after: old)
    let stop = Stop()
    // The group that is gone is told of within the change.
    let manager = RuleManager(
      workspace: "default", database: world.bench.rules, work: world.work, registry: world.bench.registry,
      clock: world.bench.clock, log: world.bench.log, states: world.states
    ) { _ in stop.begin() }
    stop.manager.withLock { $0 = manager }
    manager.reconfigure(
      [RuleGroupDefinition(file: "f.yml", name: "h", rules: [.record("r", "m")])], options: RuleOptions())
    #expect(stop.thread.withLock { $0 } != nil)
    stop.thread.withLock { $0 }?.join()
    #expect(world.work.wheel.next == nil)
  }

  /// Stops a manager on a thread of its own.
  private final class Stop: Sendable {
    let manager = Mutex<RuleManager?>(nil)
    let thread = Mutex<NamedThread?>(nil)

    /// Gives the stop time to come as far as it can.
    func begin() {
      let manager = manager.withLock { $0 }
      let started = try? NamedThread(name: "test-stop") { manager?.stop() }
      thread.withLock { $0 = started }
      _ = eventually(within: .milliseconds(50)) { false }
    }
  }

  @Test("with threads of its own it does the same, and ends them")
  func threads() throws {
    let world = try World(starts: true)
    world.reconfigure([.record("t", "time()")])
    for round in 1...3 {
      world.bench.clock.waitForWaiters(1)
      world.bench.clock.advance(milliseconds: 15_000)
      #expect(
        eventually(within: .seconds(20)) {
          world.bench.metric("prometheus_rule_group_iterations_total") == Double(round)
            && world.manager.shown[0].lastEvaluation == world.now
        })
    }
    world.manager.stop()
    world.work.stop(within: 1_000)
  }
}

import Model
import Platform
import PlatformSimulation
import PromQL
import Synchronization
import TestKit
import Testing

@testable import Rules

@Suite("Rules.AlertStates") struct AlertStatesTests {
  private let disk = SimulatedDisk()
  private let lines = Lines()
  private static let path = "/d/apus.alerts"

  private func states(bytesMax: Int = AlertStates.bytesMax, _ registry: MetricsRegistry = MetricsRegistry()) throws
    -> AlertStates
  {
    try Self.states(on: disk, bytesMax: bytesMax, registry)
  }

  private static func states(
    on disk: SimulatedDisk, bytesMax: Int = AlertStates.bytesMax, _ registry: MetricsRegistry = MetricsRegistry(),
    log: Log = Log(level: .error, format: .logfmt) { _ in }
  ) throws -> AlertStates {
    try disk.makeDirectories("/d")
    let damaged = DamagedFiles(
      Quarantine(disk, "/d/quarantine", log: log), names: ["apus.alerts"], log: log, registry: registry)
    return AlertStates(path, on: disk, damaged: damaged, registry: registry, bytesMax: bytesMax)
  }

  private static func rule(_ name: String, labels: [TemplateField] = [], _ alerts: [AlertInstance] = []) -> AlertingRule
  {
    let definition = RuleDefinition(
      kind: .alerting(.init(holdMilliseconds: 60_000)), name: name, expression: "up==0", labels: labels)
    var rule = AlertingRule(definition, limit: 0, query: "up == 0")
    rule.table.alerts = alerts
    return rule
  }

  /// An alert with all that an alert can have.
  private static func alert(_ name: String, _ state: AlertState = .firing) -> AlertInstance {
    var alert = AlertInstance(
      labels: Labels([("alertname", "A"), ("name", name)]),
      annotations: Labels(annotations: [("empty", ""), ("summary", "\(name) ÿ\n")]), value: .float(-0.5), state: state,
      activeAt: 1_700_000_000_001)
    if state != .pending { alert.firedAt = 1_700_000_060_002 }
    if state == .inactive { alert.resolvedAt = 1_700_000_120_003 }
    if state == .firing { alert.keepFiringSince = 1_700_000_070_004 }
    alert.lastSentAt = state == .pending ? nil : 1_700_000_090_005
    return alert
  }

  private static func text(_ alert: AlertInstance) -> String {
    "\(alert.labels) \(alert.annotations) \(alert.value) \(alert.state) \(alert.activeAt) "
      + [alert.firedAt, alert.resolvedAt, alert.lastSentAt, alert.keepFiringSince].map { $0.map(String.init) ?? "-" }
      .joined(separator: " ")
  }

  private static let all = [alert("a"), alert("b", .pending), alert("c", .inactive)]

  @Test("what groups hand in is what a start finds, to the last field") func roundTrip() throws {
    let first = try states()
    let rules = [
      Self.rule("A", labels: [.init("severity", "{{ $value }}")], Self.all), Self.rule("B", [Self.alert("x")]),
    ]
    first.keep(rules.compactMap(\.saved), of: "f;g", at: 1_700_000_100_000)
    first.writeIfDue(at: 0)
    var saved = try #require(try states().saved("f;g"))
    #expect(saved.lastRoundAt == 1_700_000_100_000)
    #expect(try states().saved("f;h") == nil)
    for rule in rules {
      let taken = saved.take(for: rule)
      let found = try #require(taken)
      #expect(found.alerts.map(Self.text) == rule.table.alerts.map(Self.text))
      #expect(found.query == "up == 0")
    }
    #expect(saved.rules.isEmpty)
  }

  @Test("doubled rules get their own alerts, other labels are another rule") func pairs() {
    var saved = SavedGroup(
      lastRoundAt: 0, rules: ["x", "y", "z"].compactMap { Self.rule("A", [Self.alert($0)]).saved })
    let rules = [Self.rule("A", labels: [.init("a", "b")]), Self.rule("B"), Self.rule("A"), Self.rule("A")]
    let taken = rules.map { saved.take(for: $0)?.alerts.first?.labels["name"] }
    #expect(taken == [nil, nil, "x", "y"])
    let words = saved.resolutions(at: 50, options: RuleOptions())
    #expect(words.map { $0.labels["name"] } == ["z"])
    #expect(words.first?.isResolved == true && words.first?.endsAt == 50)
    #expect(words.first?.generatorURL == "/graph?g0.expr=up+%3D%3D+0&g0.tab=1")
    var options = RuleOptions()
    options.resolvesRemovedAlerts = false
    #expect(saved.resolutions(at: 50, options: options).isEmpty)
    #expect(saved.resolutions(at: 3_600_001, options: RuleOptions()).isEmpty)
  }

  @Test("a workspace without alerts has no file; the last alert that goes leaves an empty one") func noFile() throws {
    let states = try states()
    states.keep([], of: "f;g", at: 5)
    states.pass("f;g", at: 6)
    states.writeIfDue(at: 100_000)
    states.write(at: 200_000)
    #expect(try disk.list("/d").isEmpty)
    states.keep([Self.rule("A", Self.all)].compactMap(\.saved), of: "f;g", at: 7)
    states.writeIfDue(at: 200_001)
    states.keep([], of: "f;g", at: 8)
    states.writeIfDue(at: 200_002)
    #expect(try self.states().saved("f;g") == nil)
    #expect(try disk.list("/d").contains("apus.alerts"))
  }

  @Test("a round without change is written after a minute, one with a change at once, nothing else at all") func times()
    throws
  {
    let states = try states()
    func writes(_ act: () -> Void) -> Bool {
      let before = disk.operationCount
      act()
      return disk.operationCount > before
    }
    let saved = [Self.rule("A", Self.all)].compactMap(\.saved)
    states.keep(saved, of: "f;g", at: 1000)
    #expect(writes { states.writeIfDue(at: 1000) })
    #expect(!writes { states.writeIfDue(at: 100_000) })
    states.pass("f;g", at: 31_000)
    #expect(!writes { states.writeIfDue(at: 60_999) })
    #expect(writes { states.writeIfDue(at: 61_000) })
    #expect(try self.states().saved("f;g")?.lastRoundAt == 31_000)
    states.keep(saved, of: "f;g", at: 61_500)
    #expect(writes { states.writeIfDue(at: 61_500) })
    states.pass("f;g", at: 70_000)
    #expect(writes { states.write(at: 70_001) })
    #expect(!writes { states.write(at: 70_002) })
  }

  @Test("groups that are not there any more are taken out, once") func others() throws {
    let first = try states()
    for key in ["a", "b", "c"] { first.keep([Self.rule("A", Self.all)].compactMap(\.saved), of: key, at: 9) }
    #expect(first.takeOthers(than: ["b"]).count == 2)
    first.write(at: 10)
    let second = try states()
    #expect(second.saved("a") == nil && second.saved("b") != nil && second.saved("c") == nil)
    #expect(second.takeOthers(than: ["b"]).isEmpty)
  }

  @Test("a group that finds no room is left out and told once; when others go, it has room") func room() throws {
    let one = AlertStateFile.encode([Self.rule("A", Self.all)].compactMap(\.saved)).count
    let log = Log(level: .warn, format: .logfmt) { [lines] in lines.add($0) }
    let states = try Self.states(on: disk, bytesMax: one * 2, log: log)
    for key in ["a", "b", "c", "c"] { states.keep([Self.rule("A", Self.all)].compactMap(\.saved), of: key, at: 9) }
    #expect(states.saved("b") != nil && states.saved("c") == nil)
    #expect(lines.all.filter { $0.contains("would be too large") && $0.contains("group=c") }.count == 1)
    states.drop("a")
    states.keep([Self.rule("A", Self.all)].compactMap(\.saved), of: "c", at: 9)
    #expect(states.saved("c") != nil)
  }

  @Test("a crash at any step leaves the states before the write or those after it") func crashes() throws {
    var step = 0
    var isFinished = false
    while !isFinished {
      let disk = SimulatedDisk()
      let states = try Self.states(on: disk)
      for round: Int64 in [1, 2] {
        states.keep([Self.rule("A", Self.all)].compactMap(\.saved), of: "f;g", at: round)
        states.write(at: round)
      }
      states.keep([Self.rule("A", [Self.alert("z")])].compactMap(\.saved), of: "f;g", at: 3)
      disk.stop(afterOperation: disk.operationCount + step)
      states.write(at: 3)
      isFinished = !disk.isStopped
      disk.crash(seed: UInt64(step))
      let registry = MetricsRegistry()
      let found = try Self.states(on: disk, registry).saved("f;g")
      let saved = try #require(found, "step \(step)")
      #expect(saved.lastRoundAt == (saved.rules[0].alerts.count == 3 ? 2 : 3), "step \(step)")
      step += 1
    }
    #expect(step > 4)
  }

  @Test("a write that fails is told once, counted, tried again after a minute, and loses nothing") func fails() throws {
    let log = Log(level: .warn, format: .logfmt) { [lines] in lines.add($0) }
    let registry = MetricsRegistry()
    let states = try Self.states(on: disk, registry, log: log)
    states.keep([Self.rule("A", Self.all)].compactMap(\.saved), of: "f;g", at: 9)
    disk.setFreeBytes(0)
    for time: Int64 in [0, 1000, 60_000] { states.writeIfDue(at: time) }
    #expect(lines.all.filter { $0.contains("could not be written") }.count == 1)
    #expect(registry.counter("apus_alert_state_write_failures_total", "").value == 2)
    disk.setFreeBytes(1 << 30)
    states.writeIfDue(at: 120_000)
    #expect(try self.states().saved("f;g")?.rules.first?.alerts.count == 3)
  }

  @Test("a damaged file is told and kept, the generation before counts; without one nothing does") func damage() throws
  {
    let first = try states()
    for round: Int64 in [1, 2] {
      first.keep([Self.rule("A", Self.all)].compactMap(\.saved), of: "f;g", at: round)
      first.write(at: round)
    }
    let log = Log(level: .warn, format: .logfmt) { [lines] in lines.add($0) }
    try AtomicReplace.write([1, 2, 3], to: Self.path, on: disk)
    let second = try Self.states(on: disk, log: log)
    #expect(second.saved("f;g")?.lastRoundAt == 1)
    #expect(lines.all.contains { $0.contains("A file of the data directory is damaged") })
    #expect(try disk.list("/d/quarantine") == ["apus.alerts"])
    // The next write mends it.
    second.writeIfDue(at: 5)
    #expect(AlertStateFile.file(Self.path, on: disk).read().damage == nil)
    for path in [Self.path, Self.path + SealedFile.previousSuffix] {
      try AtomicReplace.write([1], to: path, on: disk)
    }
    #expect(try states().saved("f;g") == nil)
  }

  @Test("any change of the body is refused, or comes back as what it says") func mutations() throws {
    let entry = AlertStateFile.Entry(
      lastRoundAt: 77, rules: AlertStateFile.encode([Self.rule("A", Self.all)].compactMap(\.saved)))
    let body = AlertStateFile.encode(["f;g": entry, "f;h": entry])
    #expect(AlertStateFile.decode(body) == ["f;g": entry, "f;h": entry])
    for count in body.indices { #expect(AlertStateFile.decode(Array(body[..<count])) == nil, "cut at \(count)") }
    #expect(AlertStateFile.decode(body + [0]) == nil)
    for place in body.indices {
      for value in [0, 1, 0x7f, 0x80, 0xff] as [UInt8] {
        var changed = body
        changed[place] = value
        guard let groups = AlertStateFile.decode(changed) else { continue }
        for (_, entry) in groups {
          let rules = try #require(AlertStateFile.decodeRules(entry.rules))
          // An uvarint may be longer than it has to be; what it says is the same.
          let again = try #require(AlertStateFile.decodeRules(AlertStateFile.encode(rules)))
          #expect(again.flatMap(\.alerts).map(Self.text) == rules.flatMap(\.alerts).map(Self.text))
        }
      }
    }
  }
}

private final class Lines: Sendable {
  private let state = Mutex<[String]>([])
  @Sendable func add(_ line: String) { state.withLock { $0.append(line) } }
  var all: [String] { state.withLock { $0 } }
}

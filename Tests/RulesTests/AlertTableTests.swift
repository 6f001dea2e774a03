import Model
import PromQL
import Testing

@testable import Rules

@Suite("Rules.AlertTable") struct AlertTableTests {
  /// A round at a second; the names are those of alerts with results.
  static func round(_ table: inout AlertTable, _ second: Int64, _ names: String..., value: Double = 1) throws {
    try table.apply(names.map { finding($0, value: value) }, at: second * 1000)
  }

  static func finding(_ name: String, value: Double = 1) -> AlertTable.Finding {
    AlertTable.Finding(
      labels: Labels([("alertname", "A"), ("name", name)]),
      annotations: Labels(annotations: [("summary", "\(name) is \(value)")]), value: .float(value))
  }

  static func table(hold: Int64 = 0, keep: Int64 = 0, limit: Int = 0) -> AlertTable {
    AlertTable(.init(holdMilliseconds: hold * 1000, keepFiringMilliseconds: keep * 1000, limit: limit))
  }

  /// `name state` of each alert in order.
  static func states(_ table: AlertTable) -> [String] {
    table.alerts.map { "\($0.labels["name"] ?? "") \($0.state.word)" }
  }

  @Test("without `for` an alert fires in the round in which it comes") func firesAtOnce() throws {
    var table = Self.table()
    try Self.round(&table, 10, "a")
    #expect(Self.states(table) == ["a firing"])
    #expect(table.alerts[0].activeAt == 10_000 && table.alerts[0].firedAt == 10_000)
  }

  @Test("with `for` it is pending until the time has passed to the millisecond") func pending() throws {
    var table = Self.table(hold: 60)
    try Self.round(&table, 10, "a")
    try table.apply([Self.finding("a")], at: 69_999)
    #expect(Self.states(table) == ["a pending"])
    try table.apply([Self.finding("a")], at: 70_000)
    #expect(Self.states(table) == ["a firing"])
    #expect(table.alerts[0].activeAt == 10_000 && table.alerts[0].firedAt == 70_000)
  }

  @Test("value and annotations are those of the last result") func replaced() throws {
    var table = Self.table()
    try Self.round(&table, 10, "a", value: 1)
    try Self.round(&table, 20, "a", value: 2)
    #expect(table.alerts[0].annotations["summary"] == "a is 2.0")
    guard case .float(2) = table.alerts[0].value else { return #expect(Bool(false), "not 2") }
  }

  @Test("a pending alert without result is gone, and nobody is told") func pendingGone() throws {
    var table = Self.table(hold: 60)
    try Self.round(&table, 10, "a", "b")
    try Self.round(&table, 20, "b")
    #expect(Self.states(table) == ["b pending"])
    #expect(table.due(at: 20_000, intervalMilliseconds: 10_000, resendMilliseconds: 60_000, generatorURL: "").isEmpty)
    // The place of the one that stayed is still its own.
    try Self.round(&table, 70, "b", "a")
    #expect(Self.states(table) == ["b firing", "a pending"])
  }

  @Test("a firing alert without result is resolved and stays for 15 minutes") func resolved() throws {
    var table = Self.table()
    try Self.round(&table, 10, "a")
    try Self.round(&table, 20)
    #expect(Self.states(table) == ["a inactive"])
    #expect(table.alerts[0].resolvedAt == 20_000)
    try Self.round(&table, 20 + 900)
    #expect(Self.states(table) == ["a inactive"])
    try Self.round(&table, 20 + 901)
    #expect(table.alerts.isEmpty && table.places.isEmpty)
  }

  @Test("a resolved alert that comes again begins anew") func again() throws {
    var table = Self.table(hold: 30)
    for second: Int64 in [0, 30] { try Self.round(&table, second, "a") }
    _ = table.due(at: 30_000, intervalMilliseconds: 30_000, resendMilliseconds: 60_000, generatorURL: "")
    try Self.round(&table, 60)
    try Self.round(&table, 90, "a", value: 3)
    #expect(Self.states(table) == ["a pending"])
    let alert = table.alerts[0]
    #expect(alert.activeAt == 90_000 && alert.firedAt == nil && alert.resolvedAt == nil && alert.lastSentAt == nil)
    #expect(alert.annotations["summary"] == "a is 3.0")
  }

  @Test("`keep_firing_for` keeps an alert without result, as it was, until the time has passed") func keepFiring()
    throws
  {
    var table = Self.table(keep: 60)
    try Self.round(&table, 10, "a", value: 5)
    try Self.round(&table, 20)
    #expect(Self.states(table) == ["a firing"])
    #expect(table.alerts[0].keepFiringSince == 20_000)
    try table.apply([], at: 79_999)
    #expect(Self.states(table) == ["a firing"])
    #expect(table.alerts[0].annotations["summary"] == "a is 5.0")
    let series = table.series(at: 0)
    #expect(series.count == 2)
    try table.apply([], at: 80_000)
    #expect(Self.states(table) == ["a inactive"])
    #expect(table.alerts[0].resolvedAt == 80_000)
  }

  @Test("a result in between ends the time of `keep_firing_for`") func keepFiringEnds() throws {
    var table = Self.table(keep: 60)
    try Self.round(&table, 10, "a")
    try Self.round(&table, 20)
    try Self.round(&table, 70, "a")
    #expect(table.alerts[0].keepFiringSince == nil && table.alerts[0].firedAt == 10_000)
    try Self.round(&table, 80)
    try Self.round(&table, 130)
    #expect(Self.states(table) == ["a firing"])
    #expect(table.alerts[0].keepFiringSince == 80_000)
  }

  @Test("a pending alert has no `keep_firing_for`") func keepPending() throws {
    var table = Self.table(hold: 60, keep: 60)
    try Self.round(&table, 10, "a")
    try Self.round(&table, 20)
    #expect(table.alerts.isEmpty)
  }

  @Test("a `for` that a reload raises makes a firing alert pending, one that it lowers lets it fire") func holdChanges()
    throws
  {
    var table = Self.table(hold: 10)
    for second: Int64 in [0, 10] { try Self.round(&table, second, "a") }
    _ = table.due(at: 10_000, intervalMilliseconds: 10_000, resendMilliseconds: 60_000, generatorURL: "")
    table.terms.holdMilliseconds = 60_000
    try Self.round(&table, 20, "a")
    #expect(Self.states(table) == ["a pending"])
    #expect(table.alerts[0].firedAt == nil && table.alerts[0].lastSentAt == nil && table.alerts[0].activeAt == 0)
    table.terms.holdMilliseconds = 30_000
    try Self.round(&table, 30, "a")
    #expect(Self.states(table) == ["a firing"])
    #expect(table.alerts[0].firedAt == 30_000)
  }

  @Test("two results with the same labels are refused, and nothing is changed") func sameLabels() throws {
    var table = Self.table(hold: 60)
    try Self.round(&table, 10, "a")
    for names in [["a", "b", "a"], ["b", "b"]] {
      #expect(throws: RuleError("vector contains metrics with the same labelset after applying alert labels")) {
        try table.apply(names.map { Self.finding($0, value: 7) }, at: 90_000)
      }
      #expect(Self.states(table) == ["a pending"])
      #expect(table.alerts[0].annotations["summary"] == "a is 1.0")
    }
    #expect(table.lastRoundAt == 10_000)
  }

  @Test("more pending and firing alerts than the limit drop all alerts of the rule; resolved ones do not count")
  func limit() throws {
    var table = Self.table(limit: 2)
    try Self.round(&table, 10, "a", "b")
    try Self.round(&table, 20, "b", "c")
    #expect(Self.states(table) == ["a inactive", "b firing", "c firing"])
    #expect(throws: RuleError("exceeded limit of 2 with 3 alerts")) { try Self.round(&table, 30, "b", "c", "d") }
    #expect(table.alerts.isEmpty && table.places.isEmpty)
    try Self.round(&table, 40, "b", "c")
    #expect(table.alerts.map(\.activeAt) == [40_000, 40_000])
  }

  @Test("a negative limit is none") func noLimit() throws {
    var table = Self.table(limit: -1)
    try Self.round(&table, 10, "a", "b")
    #expect(table.alerts.count == 2)
  }

  @Test("series are those of pending, firing and kept alerts, with the time of the beginning in whole seconds")
  func series() throws {
    var table = Self.table(hold: 60)
    try table.apply([Self.finding("a")], at: 1999)
    let series = table.series(at: 7000)
    #expect(
      series.map { "\($0.labels)" } == [
        #"{__name__="ALERTS_FOR_STATE", alertname="A", name="a"}"#,
        #"{__name__="ALERTS", alertname="A", alertstate="pending", name="a"}"#,
      ])
    #expect(series.map(\.timestamp) == [7000, 7000])
    try table.apply([Self.finding("a"), Self.finding("b")], at: 61_999)
    let next = table.series(at: 62_000)
    #expect(next.map(\.labels)[..<1] == series.map(\.labels)[..<1])
    #expect(next.map { $0.labels["alertstate"] } == [nil, "firing", nil, "pending"])
    #expect(series.map { if case .float(let value) = $0.value { value } else { -1 } } == [1, 1])
    try table.apply([], at: 69_000)
    let last = table.series(at: 69_000)
    #expect(last.isEmpty)
  }

  @Test("the revision changes with states, not with sending or values") func revision() throws {
    var table = Self.table(hold: 20, keep: 10)
    var last = table.revision
    func changed() -> Bool {
      defer { last = table.revision }
      return table.revision != last
    }
    try Self.round(&table, 0, "a")
    #expect(changed())  // begins
    try Self.round(&table, 10, "a", value: 2)
    #expect(!changed())
    try Self.round(&table, 20, "a")
    #expect(changed())  // fires
    _ = table.due(at: 20_000, intervalMilliseconds: 10_000, resendMilliseconds: 60_000, generatorURL: "")
    try Self.round(&table, 30, "a")
    #expect(!changed())
    try Self.round(&table, 40)
    #expect(changed())  // is kept
    try Self.round(&table, 50)
    #expect(changed())  // is resolved
    try Self.round(&table, 60)
    #expect(!changed())
    try Self.round(&table, 1000)
    #expect(changed())  // is forgotten
  }
}

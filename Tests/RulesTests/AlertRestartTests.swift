import Model
import PromQL
import Testing

@testable import Rules

@Suite("Rules.AlertTable+Restart") struct AlertRestartTests {
  typealias Tables = AlertTableTests

  private func terms(_ second: Int64, interval: Int64 = 30, grace: Int64 = 600) -> AlertTable.RestartTerms {
    var options = RuleOptions()
    options.graceMilliseconds = grace * 1000
    return AlertTable.RestartTerms(at: second * 1000, intervalMilliseconds: interval * 1000, options: options)
  }

  /// A table with the terms of `old` that has taken over its alerts.
  private func resumed(_ old: AlertTable, _ terms: AlertTable.RestartTerms) -> AlertTable {
    var table = AlertTable(old.terms)
    table.resume(old.alerts, lastRoundAt: old.lastRoundAt ?? 0, terms)
    return table
  }

  private func due(_ table: inout AlertTable, _ second: Int64) -> [String] {
    table.due(at: second * 1000, intervalMilliseconds: 30_000, resendMilliseconds: 60_000, generatorURL: "")
      .map { "\($0.labels["name"] ?? "") \($0.startsAt / 1000)\($0.isResolved ? "!" : "")" }
  }

  @Test("a restart that misses no round changes nothing: neither clocks nor what is told")
  func quick() throws {
    var old = Tables.table(hold: 60, keep: 120)
    try Tables.round(&old, 0, "fires", "kept", "resolved")
    try Tables.round(&old, 60, "fires", "kept", "resolved")
    #expect(due(&old, 60).count == 3)
    try Tables.round(&old, 90, "fires", "pending")
    var new = resumed(old, terms(120))
    for table in [0, 1] {
      var rest = table == 0 ? old : new
      try Tables.round(&rest, 120, "fires", "pending")
      #expect(Tables.states(rest) == ["fires firing", "kept firing", "resolved firing", "pending pending"])
      #expect(due(&rest, 120) == ["fires 60", "kept 60", "resolved 60"])
      try Tables.round(&rest, 150, "fires", "pending")
      #expect(Tables.states(rest)[3] == "pending firing")
      try Tables.round(&rest, 210, "fires")
      #expect(Tables.states(rest) == ["fires firing", "kept inactive", "resolved inactive", "pending firing"])
      if table == 1 { new = rest }
    }
    #expect(new.alerts[0].firedAt == 60_000 && new.alerts[0].activeAt == 0)
  }

  @Test("down time does not count towards `for`") func downTime() throws {
    var old = Tables.table(hold: 300)
    try Tables.round(&old, 0, "a")
    try Tables.round(&old, 240, "a")
    // One minute is left; ten minutes of rounds are missing.
    var new = resumed(old, terms(870))
    #expect(new.alerts[0].activeAt == 600_000)
    try Tables.round(&new, 870, "a")
    #expect(Tables.states(new) == ["a pending"])
    try Tables.round(&new, 900, "a")
    #expect(Tables.states(new) == ["a firing"])
  }

  @Test("a firing alert fires on after an outage: same beginning, told when it is due") func firesOn() throws {
    var old = Tables.table(hold: 60)
    try Tables.round(&old, 0, "a")
    try Tables.round(&old, 60, "a")
    _ = due(&old, 60)
    var new = resumed(old, terms(1000))
    try Tables.round(&new, 1000, "a", value: 9)
    #expect(due(&new, 1000) == ["a 60"])
    #expect(new.alerts[0].annotations["summary"] == "a is 9.0" && !new.alerts[0].awaitsResult)
  }

  @Test("the hole that an outage leaves in the data resolves nothing until as much time has passed again") func hole()
    throws
  {
    var old = Tables.table()
    try Tables.round(&old, 90, "fires", "ended")
    try Tables.round(&old, 120, "fires")
    // 330 s of rounds are missing.
    var new = resumed(old, terms(480))
    try Tables.round(&new, 480)
    #expect(Tables.states(new) == ["fires firing", "ended inactive"])
    try Tables.round(&new, 809)
    #expect(Tables.states(new)[0] == "fires firing")
    try Tables.round(&new, 810)
    #expect(Tables.states(new)[0] == "fires inactive")
    #expect(new.alerts[0].resolvedAt == 810_000)
  }

  @Test("once an alert has had a result after the restart, it is resolved like any other") func settled() throws {
    var old = Tables.table()
    try Tables.round(&old, 0, "a")
    var new = resumed(old, terms(600))
    try Tables.round(&new, 600, "a")
    try Tables.round(&new, 630)
    #expect(Tables.states(new) == ["a inactive"])
  }

  @Test("a pending alert waits through the hole, does not fire in it, and its time there does not count")
  func pendingHole() throws {
    var old = Tables.table(hold: 90)
    try Tables.round(&old, 0, "a")
    try Tables.round(&old, 60, "a")
    var new = resumed(old, terms(390))
    // 300 s are missing, 60 s were waited: 30 s are left after the first round that has a result.
    for second: Int64 in [390, 420, 450] {
      try Tables.round(&new, second)
      #expect(Tables.states(new) == ["a pending"])
    }
    try Tables.round(&new, 480, "a")
    #expect(Tables.states(new) == ["a firing"])
    #expect(new.alerts[0].activeAt == 390_000)
  }

  @Test("without a grace period there is no waiting for the hole; with one it is no longer than that") func grace()
    throws
  {
    var old = Tables.table()
    try Tables.round(&old, 0, "a")
    var none = resumed(old, terms(600, grace: 0))
    try Tables.round(&none, 600)
    #expect(Tables.states(none) == ["a inactive"])
    var short = resumed(old, terms(600, grace: 100))
    try Tables.round(&short, 699)
    #expect(Tables.states(short) == ["a firing"])
    try Tables.round(&short, 700)
    #expect(Tables.states(short) == ["a inactive"])
  }

  @Test("after a longer outage than is tolerated all begins anew") func tolerance() throws {
    var old = Tables.table(hold: 60)
    try Tables.round(&old, 0, "a")
    #expect(resumed(old, terms(3600)).alerts.count == 1)
    #expect(resumed(old, terms(3601)).alerts.isEmpty)
  }

  @Test("a clock that was set back leaves no time in the future") func clock() throws {
    var old = Tables.table(hold: 60, keep: 600)
    try Tables.round(&old, 1000, "a", "b")
    try Tables.round(&old, 1060, "a", "b")
    _ = due(&old, 1060)
    try Tables.round(&old, 1090, "b")
    var new = resumed(old, terms(500))
    for alert in new.alerts {
      let times = [alert.activeAt, alert.firedAt, alert.lastSentAt, alert.keepFiringSince].compactMap { $0 }
      #expect(times.allSatisfy { $0 <= 500_000 })
    }
    try Tables.round(&new, 500, "a", "b")
    #expect(new.alerts.count == 2)
  }

  // MARK: series

  private func beginning(_ hold: Int64, began: Int64, last: Int64, now: Int64, grace: Int64 = 600) -> Int64 {
    AlertRestoration(terms(now, grace: grace)).beginning(
      began * 1000, lastSample: last * 1000, holdMilliseconds: hold * 1000) / 1000
  }

  @Test("series tell the beginning as Prometheus reckons it") func reckoning() {
    // Fired before: stays. 20 min are left: down time does not count. 5 min are left: the grace period is waited for.
    #expect(beginning(3600, began: 0, last: 3600, now: 4000) == 0)
    #expect(beginning(3600, began: 0, last: 2400, now: 3000) == 600)
    #expect(beginning(3600, began: 0, last: 3300, now: 4000) == 4000 + 600 - 3600)
    #expect(beginning(3600, began: 0, last: 3000, now: 4000) == 1000)
  }

  @Test("a `for` shorter than the grace period is restored, too, without grace") func short() {
    #expect(beginning(300, began: 0, last: 300, now: 900) == 0)
    #expect(beginning(300, began: 0, last: 240, now: 900) == 660)
  }

  @Test("a beginning behind its own sample, or none at all, begins anew") func impossible() {
    #expect(beginning(300, began: 500, last: 240, now: 900) == 900)
    let far = AlertRestoration(terms(900)).beginning(.min, lastSample: .max, holdMilliseconds: 1)
    #expect(far == 900_000)
  }

  @Test(
    "of the series of a rule the newest samples count, ended ones do not; the alert goes on from there for two rounds")
  func remembered() throws {
    func series(_ name: String, _ samples: [(Int64, Double)]) -> MatrixSeries {
      var column = SampleColumn()
      for (second, value) in samples { column.append(second * 1000, value) }
      let labels = Labels([("__name__", "ALERTS_FOR_STATE"), ("alertname", "A"), ("name", name)])
      return MatrixSeries(labels: labels, samples: column)
    }
    let found = AlertRestoration(terms(900)).beginnings(
      [
        series("a", [(100, 40), (160, 100), (220, 100)]), series("ended", [(100, 40), (160, StaleMarker.value)]),
        series("odd", [(100, .nan)]), series("late", [(220, 100)]), series("none", []),
      ], holdMilliseconds: 300_000)
    #expect(found.count == 2)
    var table = Tables.table(hold: 300)
    table.remember(found)
    try Tables.round(&table, 900, "a", "ended", "odd", "new")
    #expect(table.alerts.map(\.activeAt) == [780_000, 900_000, 900_000, 900_000])
    try Tables.round(&table, 930, "a", "late")
    #expect(table.alerts.map(\.activeAt) == [780_000, 780_000])
    try Tables.round(&table, 960, "late")
    try Tables.round(&table, 990, "a", "late")
    #expect(table.alerts.map(\.activeAt) == [780_000, 990_000])
  }

  @Test("the series of a rule are sought by its name and its labels that are no templates") func matchers() {
    let definition = RuleDefinition(
      kind: .alerting(.init()), name: "A", expression: "up == 0",
      labels: [.init("alertname", "B"), .init("severity", "page"), .init("value", "{{ $value }}")])
    #expect(
      AlertRestoration.matchers(of: definition) == [
        Matcher(.equal, "__name__", "ALERTS_FOR_STATE"), Matcher(.equal, "alertname", "A"),
        Matcher(.equal, "severity", "page"),
      ])
  }
}

import Model
import PromQL
import Testing

@testable import Rules

@Suite("Rules.AlertTable+Notices") struct AlertNoticeTests {
  typealias Tables = AlertTableTests

  /// `name startsAt-endsAt` in seconds, `!` behind a resolved one.
  private func due(_ table: inout AlertTable, _ second: Int64, interval: Int64 = 30, resend: Int64 = 60) -> [String] {
    let notices = table.due(
      at: second * 1000, intervalMilliseconds: interval * 1000, resendMilliseconds: resend * 1000, generatorURL: "u")
    return notices.map {
      "\($0.labels["name"] ?? "") \($0.startsAt / 1000)-\($0.endsAt / 1000)\($0.isResolved ? "!" : "")"
    }
  }

  @Test("a firing alert is told at once, then when the delay has passed, exactly") func resends() throws {
    var table = Tables.table(hold: 30)
    try Tables.round(&table, 0, "a")
    #expect(due(&table, 0).isEmpty)
    try Tables.round(&table, 30, "a")
    #expect(due(&table, 30) == ["a 30-270"])
    try Tables.round(&table, 60, "a")
    #expect(due(&table, 60).isEmpty)
    try Tables.round(&table, 90, "a")
    #expect(due(&table, 90) == ["a 30-330"])
  }

  @Test("an alert is valid for four times the longer of interval and delay") func validity() throws {
    var table = Tables.table()
    try Tables.round(&table, 0, "a")
    #expect(due(&table, 0, interval: 300, resend: 60) == ["a 0-1200"])
    #expect(due(&table, 60, interval: 30, resend: 60) == ["a 0-300"])
  }

  @Test("a resolved alert is told at once, then as often, for 15 minutes; with the moment it was resolved")
  func resolved() throws {
    var table = Tables.table()
    try Tables.round(&table, 0, "a")
    #expect(due(&table, 0) == ["a 0-240"])
    try Tables.round(&table, 30)
    #expect(due(&table, 30) == ["a 0-30!"])
    #expect(due(&table, 60).isEmpty)
    #expect(due(&table, 90) == ["a 0-30!"])
    #expect(due(&table, 930) == ["a 0-30!"])
    // Rounds that fail leave it in the table; told it is no longer.
    #expect(due(&table, 1000).isEmpty)
  }

  @Test("what is resolved before anybody heard of it is told all the same") func neverSent() throws {
    var table = Tables.table()
    try Tables.round(&table, 0, "a")
    try Tables.round(&table, 30)
    #expect(due(&table, 30) == ["a 0-30!"])
  }

  @Test("the last words of a table resolve what somebody takes for firing, and nothing else") func lastWords() throws {
    var table = Tables.table(hold: 10)
    try Tables.round(&table, 0, "fires", "gone")
    try Tables.round(&table, 10, "fires", "gone", "pending")
    #expect(table.resolutions(at: 10_000, generatorURL: "u").isEmpty)
    #expect(due(&table, 10).count == 2)
    try Tables.round(&table, 20, "fires", "pending")
    let words = table.resolutions(at: 25_000, generatorURL: "u")
    #expect(words.map { $0.labels["name"] } == ["fires"])
    #expect(words[0].isResolved && words[0].endsAt == 25_000 && words[0].startsAt == 10_000)
  }

  @Test("the state of a table is that of its most advanced alert, its view has no resolved ones") func view() throws {
    var table = Tables.table(hold: 10)
    #expect(table.state == .inactive)
    try Tables.round(&table, 0, "b")
    #expect(table.state == .pending)
    try Tables.round(&table, 10, "b", "a")
    #expect(table.state == .firing)
    #expect(table.shown.map { $0.labels["name"] } == ["a", "b"])
    try Tables.round(&table, 20)
    #expect(table.state == .inactive && table.shown.isEmpty)
  }
}

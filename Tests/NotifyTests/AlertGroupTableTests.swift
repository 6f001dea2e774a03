import Model
import Testing

@testable import Notify

@Suite("Notify.Groups") struct GroupTableTests {
  private static let minute: Int64 = 60_000
  private let start: Int64 = 1_700_000_000_000

  /// A table that expectations may change.
  private final class Rig {
    var table: AlertGroupTable
    init(_ table: AlertGroupTable) { self.table = table }
    func add(_ notice: AlertNotice, at now: Int64) -> Bool { table.add(notice, at: now) }
    func takeDue(at now: Int64) -> GroupMessage? { table.takeDue(at: now) }
    func delivered(_ message: GroupMessage) { table.delivered(message) }
    func failed(_ message: GroupMessage, nextAt moment: Int64) { table.failed(message, nextAt: moment) }
    var groups: [Labels: AlertGroupTable.Group] { table.groups }
    var alertCount: Int { table.alertCount }
    var nextMilliseconds: Int64? { table.nextMilliseconds }
  }

  private func table(_ change: (inout ReceiverOptions) -> Void = { _ in }) -> Rig {
    var options = ReceiverOptions()
    options.name = "r"
    change(&options)
    return Rig(AlertGroupTable(options, alertsMax: 100))
  }

  private func alert(
    _ name: String, _ instance: String = "a", at now: Int64, resolved: Bool = false, since: Int64? = nil,
    endsIn: Int64 = 100 * minute
  ) -> AlertNotice {
    AlertNotice(
      labels: Labels([("alertname", name), ("instance", instance)]), annotations: .empty, startsAt: since ?? now,
      endsAt: resolved ? now : now + endsIn, isResolved: resolved, generatorURL: "")
  }

  private func instances(_ notices: [AlertNotice]) -> [String] { notices.compactMap { $0.labels["instance"] } }

  @Test("the first message waits for others of its group; later ones for the interval; the same is repeated late")
  func course() throws {
    let table = table()
    #expect(table.add(alert("A", "a", at: start), at: start))
    #expect(table.takeDue(at: start + 29_999) == nil)
    #expect(table.nextMilliseconds == start + 30_000)
    #expect(table.add(alert("A", "b", at: start + 10_000), at: start + 10_000))
    let first = try #require(table.takeDue(at: start + 30_000))
    #expect(first.groupLabels == Labels([("alertname", "A")]))
    #expect(instances(first.firing) == ["a", "b"] && first.resolved.isEmpty)
    table.delivered(first)
    // Nothing new.
    #expect(table.takeDue(at: start + 330_000) == nil)
    // One more.
    #expect(table.add(alert("A", "c", at: start + 340_000), at: start + 340_000))
    let second = try #require(table.takeDue(at: start + 630_000))
    #expect(instances(second.firing) == ["a", "b", "c"])
    table.delivered(second)
    // The same is repeated once the repeat interval is over.
    for notice in second.firing {
      var later = notice
      later.endsAt = start + 1_000 * Self.minute
      #expect(table.add(later, at: start + 640_000))
    }
    var now = start + 630_000
    var repeated: GroupMessage?
    while repeated == nil, now < start + 40_000_000 {
      now += 300_000
      repeated = table.takeDue(at: now)
    }
    #expect(now == start + 630_000 + 14_400_000)
    #expect(repeated?.firing.count == 3)
  }

  @Test("an alert that has fired for longer than the wait is told at once") func atOnce() {
    let table = table()
    #expect(table.add(alert("A", at: start, since: start - 31_000), at: start))
    #expect(table.takeDue(at: start) != nil)
  }

  @Test("an end is told once, with what still fires, and the group goes with its last alert") func resolved() throws {
    let table = table()
    for instance in ["a", "b"] { _ = table.add(alert("A", instance, at: start), at: start) }
    table.delivered(try #require(table.takeDue(at: start + 30_000)))
    _ = table.add(alert("A", "a", at: start + 40_000, resolved: true), at: start + 40_000)
    let one = try #require(table.takeDue(at: start + 330_000))
    #expect(instances(one.firing) == ["b"] && instances(one.resolved) == ["a"] && one.status == "firing")
    table.delivered(one)
    #expect(table.alertCount == 1)
    _ = table.add(alert("A", "b", at: start + 400_000, resolved: true), at: start + 400_000)
    let two = try #require(table.takeDue(at: start + 630_000))
    #expect(two.firing.isEmpty && instances(two.resolved) == ["b"] && two.status == "resolved")
    table.delivered(two)
    #expect(table.groups.isEmpty && table.alertCount == 0)
  }

  @Test("an alert of which nothing more is heard ends by itself") func unheard() throws {
    let table = table()
    _ = table.add(alert("A", at: start, endsIn: 4 * Self.minute), at: start)
    table.delivered(try #require(table.takeDue(at: start + 30_000)))
    let end = try #require(table.takeDue(at: start + 330_000))
    #expect(end.firing.isEmpty && end.resolved.count == 1)
  }

  @Test("what begins and ends before anybody is told is not told, nor an end without a beginning") func short() {
    let table = table()
    _ = table.add(alert("A", at: start), at: start)
    _ = table.add(alert("A", at: start + 10_000, resolved: true), at: start + 10_000)
    #expect(table.takeDue(at: start + 30_000) == nil)
    #expect(table.groups.isEmpty && table.alertCount == 0)
    _ = table.add(alert("B", at: start, resolved: true), at: start)
    #expect(table.groups.isEmpty)
  }

  @Test("without send_resolved ends are not told, and who fires again is news") func withoutResolved() throws {
    let table = table { $0.sendsResolved = false }
    for instance in ["a", "b"] { _ = table.add(alert("A", instance, at: start), at: start) }
    table.delivered(try #require(table.takeDue(at: start + 30_000)))
    _ = table.add(alert("A", "a", at: start + 40_000, resolved: true), at: start + 40_000)
    #expect(table.takeDue(at: start + 330_000) == nil)
    _ = table.add(alert("A", "a", at: start + 340_000), at: start + 340_000)
    let again = try #require(table.takeDue(at: start + 630_000))
    #expect(instances(again.firing) == ["a", "b"])
    table.delivered(again)
    for instance in ["a", "b"] {
      _ = table.add(alert("A", instance, at: start + 700_000, resolved: true), at: start + 700_000)
    }
    #expect(table.takeDue(at: start + 930_000) == nil)
    #expect(table.groups.isEmpty && table.alertCount == 0)
  }

  @Test("a message that failed is made anew, of the alerts as they are then, after the other groups") func failed()
    throws
  {
    let table = table { $0.groupWaitMilliseconds = 0 }
    _ = table.add(alert("A", at: start), at: start)
    _ = table.add(alert("B", at: start), at: start)
    let first = try #require(table.takeDue(at: start))
    #expect(first.groupLabels["alertname"] == "A")
    table.failed(first, nextAt: start + 1_000)
    let other = try #require(table.takeDue(at: start + 1_000))
    #expect(other.groupLabels["alertname"] == "B")
    _ = table.add(alert("A", "z", at: start + 1_000), at: start + 1_000)
    let again = try #require(table.takeDue(at: start + 1_000))
    #expect(instances(again.firing) == ["a", "z"])
  }

  @Test("groups are formed by the labels that are named; ... makes one of each alert") func grouping() {
    let byName = table { $0.groupBy = ["instance", "zone"] }
    _ = byName.add(alert("A", "x", at: start), at: start)
    _ = byName.add(alert("B", "x", at: start), at: start)
    #expect(byName.groups.count == 1 && byName.groups.keys.first == Labels([("instance", "x")]))
    let each = table { $0.groupBy = ["..."] }
    _ = each.add(alert("A", "x", at: start), at: start)
    _ = each.add(alert("A", "y", at: start), at: start)
    #expect(each.groups.count == 2)
    var options = each.table.options
    options.groupBy = []
    each.table.reconfigure(options, alertsMax: 100, at: start)
    #expect(each.groups.count == 1 && each.alertCount == 2 && each.groups.keys.first == .empty)
  }

  @Test("more alerts than there is room for are refused, and there is room again once some end") func bound() throws {
    var options = ReceiverOptions()
    options.groupWaitMilliseconds = 0
    let table = Rig(AlertGroupTable(options, alertsMax: 2))
    #expect(table.add(alert("A", "a", at: start), at: start))
    #expect(table.add(alert("A", "b", at: start), at: start))
    #expect(!table.add(alert("A", "c", at: start), at: start))
    table.delivered(try #require(table.takeDue(at: start)))
    _ = table.add(alert("A", "a", at: start + 1, resolved: true), at: start + 1)
    table.delivered(try #require(table.takeDue(at: start + 300_000)))
    #expect(table.add(alert("A", "c", at: start + 300_001), at: start + 300_001))
  }

  @Test("the file brings groups back, and alerts have as much left as they had") func stateFile() throws {
    let table = table()
    for instance in ["a", "b\"\u{1F600}"] { _ = table.add(alert("A", instance, at: start, endsIn: 240_000), at: start) }
    table.delivered(try #require(table.takeDue(at: start + 30_000)))
    let body = ReceiverStateFile.encode(["r": table.groups, "empty": [:]], at: start + 30_000)
    #expect(ReceiverStateFile.decode(body, at: start + 30_000) == ["r": table.groups, "empty": [:]])
    // An hour later.
    let now = start + 3_630_000
    let read = try #require(ReceiverStateFile.decode(body, at: now)?["r"])
    let restored = self.table()
    for (labels, group) in read { restored.table.restore(labels, group) }
    #expect(restored.alertCount == 2)
    // They are known, and not taken for ended: nobody is told of anything.
    #expect(restored.takeDue(at: now) == nil)
    for instance in ["a", "b\"\u{1F600}"] { _ = restored.add(alert("A", instance, at: now, since: start), at: now) }
    #expect(restored.takeDue(at: now + 300_000) == nil)
    _ = restored.add(alert("A", "a", at: now, resolved: true), at: now)
    #expect(restored.takeDue(at: now + 600_000)?.resolved.count == 1)
  }

  @Test("bytes that are not the file's are refused") func otherBytes() {
    let start = start
    for text in [
      "", "{}", #"{"savedAt":1}"#, #"{"savedAt":-9223372036854775808,"receivers":[]}"#,
      #"{"savedAt":1,"receivers":[{}]}"#, #"{"savedAt":1,"receivers":[{"name":"a","groups":[{}]}]}"#,
      #"{"savedAt":1,"receivers":[{"name":"a","groups":[{"labels":{"a":1},"next":1}]}]}"#,
      #"{"savedAt":1,"receivers":[{"name":"a","groups":[{"labels":{},"next":1,"alerts":[{}]}]}]}"#,
    ] { #expect(ReceiverStateFile.decode(Array(text.utf8), at: start) == nil, "\(text)") }
  }

  @Test("whatever one byte of the file becomes, what is read of it can be used, and comes back") func everyByte() throws
  {
    let table = table()
    _ = table.add(alert("A", at: start, endsIn: 240_000), at: start)
    table.delivered(try #require(table.takeDue(at: start + 30_000)))
    let body = ReceiverStateFile.encode(["r": table.groups], at: start)
    var readable = 0
    for place in body.indices {
      for byte in [UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "\""), 0, body[place] ^ 1] {
        var changed = body
        changed[place] = byte
        guard let receivers = ReceiverStateFile.decode(changed, at: start + 60_000) else { continue }
        readable += 1
        let again = ReceiverStateFile.encode(receivers, at: 5)
        #expect(ReceiverStateFile.decode(again, at: 5) == receivers, "byte \(place)")
        var used = AlertGroupTable(ReceiverOptions(), alertsMax: 10)
        for (labels, group) in receivers.values.flatMap({ $0 }) { used.restore(labels, group) }
        while let message = used.takeDue(at: start + 60_000) { used.delivered(message) }
        #expect(used.alertCount == used.groups.values.reduce(0) { $0 + $1.alerts.count }, "byte \(place)")
      }
    }
    #expect(readable > 100)
  }
}

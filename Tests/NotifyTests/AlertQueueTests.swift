import Discovery
import Model
import Testing

@testable import Notify

@Suite("Notify.Queue") struct AlertQueueTests {
  private func alert(_ name: String, endsAt: Int64 = 1_000_000, resolved: Bool = false) -> AlertNotice {
    AlertNotice(
      labels: Labels([("alertname", name)]), annotations: .empty, startsAt: 0, endsAt: endsAt, isResolved: resolved,
      generatorURL: "")
  }

  private func names(_ batch: [AlertNotice]) -> [String] { batch.compactMap { $0.labels["alertname"] } }

  @Test("alerts leave in the order they came, so many at a time") func order() {
    var queue = AlertQueue(capacity: 10)
    for name in ["a", "b", "c"] { #expect(queue.add(alert(name)) == 0) }
    #expect(names(queue.take(2, at: 0).batch) == ["a", "b"])
    #expect(names(queue.take(2, at: 0).batch) == ["c"])
    #expect(queue.isEmpty)
  }

  @Test("an alert that waits is replaced by its newer state and keeps its place") func newestState() {
    var queue = AlertQueue(capacity: 10)
    for name in ["a", "b"] { _ = queue.add(alert(name)) }
    #expect(queue.add(alert("a", endsAt: 5, resolved: true)) == 0)
    #expect(queue.count == 2)
    let batch = queue.take(10, at: 10).batch
    #expect(names(batch) == ["a", "b"])
    #expect(batch[0].isResolved)
  }

  @Test("a full queue loses its oldest alerts, and says how many") func overflow() {
    var queue = AlertQueue(capacity: 3)
    let dropped = (0..<5).reduce(0) { $0 + queue.add(alert("n\($1)")) }
    #expect(dropped == 2)
    #expect(names(queue.take(10, at: 0).batch) == ["n2", "n3", "n4"])
    for name in ["a", "b", "c"] { _ = queue.add(alert(name)) }
    #expect(queue.setCapacity(1) == 2)
    #expect(names(queue.takeAll()) == ["c"])
  }

  @Test("what could not be sent goes first again, unless a newer state waits or there is no room") func putBack() {
    var queue = AlertQueue(capacity: 3)
    for name in ["a", "b", "c"] { _ = queue.add(alert(name)) }
    let batch = queue.take(3, at: 0).batch
    _ = queue.add(alert("b", endsAt: 7, resolved: true))
    _ = queue.add(alert("d"))
    #expect(queue.putBack(batch) == 1)
    let again = queue.take(10, at: 8).batch
    #expect(names(again) == ["c", "b", "d"])
    #expect(again[1].isResolved)
  }

  @Test("an alert whose end has passed is not sent; a resolved one is, for fifteen minutes") func expiry() {
    var queue = AlertQueue(capacity: 10)
    _ = queue.add(alert("over", endsAt: 1000))
    _ = queue.add(alert("resolved", endsAt: 1000, resolved: true))
    let taken = queue.take(10, at: 1000)
    #expect(names(taken.batch) == ["resolved"])
    #expect(taken.expired == 1)
    _ = queue.add(alert("resolved", endsAt: 1000, resolved: true))
    #expect(queue.take(10, at: 1000 + 900_001).expired == 1)
  }

  @Test("many alerts in and out keep what is there in order") func long() {
    var queue = AlertQueue(capacity: 5_000)
    var expected: [String] = []
    var next = 0
    for round in 0..<40 {
      for _ in 0..<100 {
        _ = queue.add(alert("n\(next)"))
        expected.append("n\(next)")
        next += 1
      }
      let batch = queue.take(90, at: 0).batch
      if round % 3 == 0 {
        #expect(queue.putBack(batch) == 0)
      } else {
        #expect(names(batch) == Array(expected.prefix(90)))
        expected.removeFirst(90)
      }
    }
    #expect(names(queue.takeAll()) == expected)
  }

  @Test("the body is that of Prometheus: members in its order, times with three digits, text safe for pages")
  func payload() {
    let notice = AlertNotice(
      labels: Labels([("alertname", "A"), ("q", "a<b&\"c\"")]), annotations: Labels([("summary", "x")]),
      startsAt: 1_700_000_000_000, endsAt: 1_700_000_240_001, isResolved: false, generatorURL: "http://h/g?a=1&b=2")
    var bare = notice
    bare.annotations = .empty
    bare.generatorURL = ""
    let expected =
      #"[{"annotations":{"summary":"x"},"endsAt":"2023-11-14T22:17:20.001Z","startsAt":"2023-11-14T22:13:20.000Z","#
      + #""generatorURL":"http://h/g?a=1\u0026b=2","labels":{"alertname":"A","q":"a\u003cb\u0026\"c\""}},"#
      + #"{"endsAt":"2023-11-14T22:17:20.001Z","startsAt":"2023-11-14T22:13:20.000Z","#
      + #""labels":{"alertname":"A","q":"a\u003cb\u0026\"c\""}}]"#
    #expect(String(decoding: AlertPayload.json([notice, bare]), as: UTF8.self) == expected)
  }

  @Test("an address is made of scheme, host and path, which rules may change; a path is no host") func targets() throws
  {
    var options = AlertmanagerSetOptions()
    options.pathPrefix = "am//x/../y/"
    let group = TargetGroup(source: "0", labels: Labels([("zone", "a")]), targets: [])
    func outcome(_ address: String, _ rules: [RelabelRule] = []) throws -> AlertmanagerTarget.Outcome {
      AlertmanagerTarget.make(
        Labels([("__address__", address)]), of: group, options, try Relabelling(rules))
    }
    #expect(try outcome("am:9093") == .active(url: "http://am:9093/am/y/api/v2/alerts"))
    #expect(try outcome("[::1]:9093") == .active(url: "http://[::1]:9093/am/y/api/v2/alerts"))
    #expect(try outcome("http://am") == .fault("\"http://am\" is not a valid hostname"))
    var drop = RelabelRule()
    drop.sourceLabels = ["zone"]
    drop.regex = "a"
    drop.action = .drop
    #expect(try outcome("am:9093", [drop]) == .dropped(url: "http://am:9093/am/y/api/v2/alerts"))
    var scheme = RelabelRule()
    scheme.targetLabel = "__scheme__"
    scheme.replacement = "https"
    var path = RelabelRule()
    path.targetLabel = "__alerts_path__"
    path.replacement = "own path"
    #expect(try outcome("am:1", [scheme, path]) == .active(url: "https://am:1/own%20path"))
  }
}

import Discovery
import Model
import Outbound
import Platform
import Synchronization
import TestKit
import Testing

@testable import Notify

@Suite("Notify.Notifier", .serialized) struct NotifierTests {
  private func options(_ sets: [AlertmanagerSetOptions]) -> NotifyOptions {
    var options = NotifyOptions()
    options.alertmanagers = sets
    return options
  }

  private func url(_ port: Int) -> String { "http://127.0.0.1:\(port)/api/v2/alerts" }

  @Test("alerts get external labels where they have none, then the rules of all, then those of each set")
  func relabelling() throws {
    let (one, two) = (try RecordingServer(), try RecordingServer())
    let rig = NotifierRig()
    defer { rig.notifier.stop() }
    var whole = options([AlertmanagerSetOptions(ports: [one.port]), AlertmanagerSetOptions(ports: [two.port])])
    whole.externalLabels = Labels([("cluster", "c1"), ("severity", "none")])
    var drop = RelabelRule()
    drop.sourceLabels = ["alertname"]
    drop.regex = "Silent"
    drop.action = .drop
    whole.relabelling = [drop]
    var label = RelabelRule()
    label.sourceLabels = ["cluster"]
    label.targetLabel = "from"
    whole.alertmanagers[1].alertRelabelling = [label]
    rig.notifier.reconfigure(whole)
    rig.notifier.send([
      rig.alert("Silent"), rig.alert("Loud", labels: [("severity", "page")]),
    ])
    #expect(soon { one.posts.count == 1 && two.posts.count == 1 })
    #expect(one.posts[0].body.contains(#""labels":{"alertname":"Loud","cluster":"c1","severity":"page"}"#))
    #expect(two.posts[0].body.contains(#""labels":{"alertname":"Loud","cluster":"c1","from":"c1","severity":"page"}"#))
    #expect(one.posts[0].headers["content-type"] == "application/json")
    #expect(one.posts[0].headers["user-agent"] == "Prometheus/3.5.0")
    #expect(one.names == ["Loud"])
  }

  @Test("a request has 256 alerts at most, and metrics count them") func batches() throws {
    let server = try RecordingServer()
    let rig = NotifierRig()
    rig.notifier.reconfigure(options([AlertmanagerSetOptions(ports: [server.port])]))
    rig.notifier.send((0..<600).map { rig.alert("n\($0)") })
    #expect(soon { server.names.count == 600 })
    #expect(server.names == (0..<600).map { "n\($0)" })
    #expect(server.posts.count == 3)
    let labels = ["alertmanager": url(server.port)]
    #expect(soon { rig.metric("prometheus_notifications_sent_total", labels) == 600 })
    #expect(rig.metric("prometheus_notifications_errors_total", labels) == 0)
    #expect(rig.metric("prometheus_notifications_dropped_total", labels) == 0)
    #expect(rig.metric("prometheus_notifications_queue_length", labels) == 0)
    #expect(rig.metric("prometheus_notifications_queue_capacity", labels) == 10_000)
    #expect(rig.metric("prometheus_notifications_queue_capacity") == 10_000)
    #expect(rig.metric("prometheus_notifications_latency_seconds_count", labels) == 3)
    #expect(rig.metric("prometheus_notifications_latency_histogram_seconds_count", labels) == 3)
    #expect(rig.metric("prometheus_notifications_alertmanagers_discovered") == 1)
    rig.notifier.reconfigure(NotifyOptions())
    #expect(soon { rig.metric("prometheus_notifications_sent_total", labels) == nil })
    #expect(rig.metric("prometheus_notifications_latency_seconds_count", labels) == nil)
    #expect(rig.metric("prometheus_notifications_queue_length", labels) == nil)
    rig.notifier.stop()
  }

  @Test("alerts that find no room are counted, and told once") func full() throws {
    let rig = NotifierRig()
    let gate = Gate()
    let silent = try ScriptedServer { _ in
      gate.wait()
      return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    }
    defer { rig.notifier.stop() }
    defer { gate.open() }
    var whole = options([AlertmanagerSetOptions(ports: [silent.port])])
    whole.queueCapacity = 2
    rig.notifier.reconfigure(whole)
    for round in 0..<5 { rig.notifier.send((0..<10).map { rig.alert("r\(round)n\($0)") }) }
    let labels = ["alertmanager": url(silent.port)]
    #expect(rig.metric("prometheus_notifications_dropped_total", labels).map { $0 >= 40 } == true)
    #expect(rig.log.count { $0.contains("Alert notification queue full") } == 1)
  }

  @Test("a dead and a silent Alertmanager hold up no other") func deadBesideGood() throws {
    let good = try RecordingServer()
    let gate = Gate()
    let silent = try ScriptedServer { _ in
      gate.wait()
      return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    }
    let dead = Int(FreePort.next())
    let rig = NotifierRig()
    rig.notifier.reconfigure(options([AlertmanagerSetOptions(ports: [dead, silent.port, good.port])]))
    for round in 0..<5 {
      rig.notifier.send([rig.alert("n\(round)")])
      #expect(soon { good.names.count == round + 1 })
    }
    let view = rig.notifier.shown
    #expect(Set(view.active.map(\.url)) == [url(dead), url(silent.port), url(good.port)])
    #expect(view.active.map(\.url) == view.active.map(\.url).sorted())
    #expect(soon { rig.notifier.shown.active.contains { $0.url == url(dead) && $0.lastError.contains("refused") } })
    #expect(soon { rig.notifier.shown.active.first { $0.url == url(good.port) }?.queued == 0 })
    gate.open()
    rig.notifier.stop()
  }

  @Test(
    "what fails with 500 is tried again after a growing pause, in its newest state, and told once a minute has passed")
  func retries() throws {
    let server = try RecordingServer()
    server.answer(500)
    let rig = NotifierRig()
    defer { rig.notifier.stop() }
    rig.notifier.reconfigure(options([AlertmanagerSetOptions(ports: [server.port])]))
    rig.notifier.send([rig.alert("A"), rig.alert("B")])
    let labels = ["alertmanager": url(server.port)]
    func failed(_ count: Double) -> Bool {
      soon { rig.metric("prometheus_notifications_errors_total", labels) == count }
    }
    #expect(failed(2))
    rig.clock.advance(milliseconds: 999)
    #expect(server.posts.count == 1)
    rig.clock.advance(milliseconds: 1)
    #expect(failed(4))
    rig.clock.advance(milliseconds: 2_000)
    #expect(failed(6))
    #expect(rig.log.filter { $0.contains("Error sending alerts") }.count == 1)
    #expect(rig.metric("apus_notifications_undelivered_seconds", labels) == 3)
    rig.notifier.send([rig.alert("A", resolved: true)])
    rig.clock.advance(milliseconds: 57_000)
    #expect(soon { rig.log.contains { $0.contains("No alert could be delivered for a minute") } })
    #expect(rig.notifier.shown.active[0].failingSince == 1_700_000_000_000)
    #expect(rig.notifier.shown.active[0].lastError.hasPrefix("bad response status 500 Internal Server Error"))
    #expect(rig.notifier.shown.active[0].queued == 2)
    #expect(failed(8))
    server.answer(200)
    rig.clock.advance(milliseconds: 30_000)
    #expect(soon { rig.metric("prometheus_notifications_sent_total", labels) == 2 })
    let last = try #require(server.posts.last)
    #expect(last.body.contains(#""endsAt":"2023-11-14T22:13:23.000Z""#))
    #expect(soon { rig.log.contains { $0.contains("delivered again") } })
    #expect(rig.notifier.shown.active[0].failingSince == nil)
    #expect(rig.metric("apus_notifications_undelivered_seconds", labels) == 0)
    #expect(rig.metric("prometheus_notifications_dropped_total", labels) == 0)
  }

  @Test("what is refused with 400 is dropped, and the next batch goes at once") func refused() throws {
    let server = try RecordingServer(text: "start time must be before end time")
    server.answer(400)
    let rig = NotifierRig()
    defer { rig.notifier.stop() }
    rig.notifier.reconfigure(options([AlertmanagerSetOptions(ports: [server.port])]))
    rig.notifier.send([rig.alert("A")])
    let labels = ["alertmanager": url(server.port)]
    #expect(soon { rig.metric("prometheus_notifications_dropped_total", labels) == 1 })
    #expect(rig.metric("prometheus_notifications_errors_total", labels) == 1)
    #expect(rig.log.contains { $0.contains("bad response status 400 Bad Request: start time must be") })
    server.answer(200)
    rig.notifier.send([rig.alert("B")])
    #expect(soon { server.names == ["A", "B"] })
  }

  @Test("a cut connection is tried again; an alert that ended meanwhile is dropped, and counted") func cutAndExpired()
    throws
  {
    let cut = try ScriptedServer(answer: "")
    let rig = NotifierRig()
    rig.notifier.reconfigure(options([AlertmanagerSetOptions(ports: [cut.port])]))
    rig.notifier.send([rig.alert("Short", endsIn: 5_000), rig.alert("Long", endsIn: 60_000)])
    let labels = ["alertmanager": url(cut.port)]
    #expect(soon { rig.metric("prometheus_notifications_errors_total", labels) == 2 })
    #expect(rig.notifier.shown.active[0].lastError == "Post \"\(url(cut.port))\": EOF")
    rig.clock.advance(milliseconds: 6_000)
    #expect(soon { rig.metric("prometheus_notifications_errors_total", labels) == 3 })
    #expect(rig.metric("prometheus_notifications_dropped_total", labels) == 1)
    #expect(soon { cut.requests.count == 2 })
    #expect(cut.requests[1].contains("Long") && !cut.requests[1].contains("Short"))
    rig.notifier.stop()
  }

  @Test("at the stop the queue is drained; where it is not to be, it is dropped") func stop() throws {
    for drains in [true, false] {
      let gate = Gate()
      let slow = try ScriptedServer { _ in
        gate.wait()
        return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
      }
      let rig = NotifierRig()
      var whole = options([AlertmanagerSetOptions(ports: [slow.port])])
      whole.drainsAtStop = drains
      whole.batchSize = 1
      rig.notifier.reconfigure(whole)
      rig.notifier.send([rig.alert("A"), rig.alert("B"), rig.alert("C")])
      #expect(soon { slow.requests.count == 1 })
      let ended = Gate()
      startThread {
        rig.notifier.stop()
        ended.open()
      }
      // The stop has begun once nobody is shown any more.
      #expect(soon { rig.notifier.shown.active.isEmpty })
      gate.open()
      ended.wait()
      #expect(slow.requests.count == (drains ? 3 : 1))
      #expect(rig.log.contains { $0.contains("not drained on shutdown") } == !drains)
    }
  }

  @Test("others may end while the queue is drained: the time for it counts from the leave") func leave() throws {
    let gate = Gate()
    let silent = try ScriptedServer { _ in
      gate.wait()
      return "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
    }
    let rig = NotifierRig()
    rig.notifier.reconfigure(options([AlertmanagerSetOptions(ports: [silent.port])]))
    rig.notifier.send([rig.alert("A")])
    #expect(soon { silent.requests.count == 1 })
    rig.notifier.leave()
    rig.notifier.send([rig.alert("Late")])
    #expect(!rig.log.contains { $0.contains("not delivered before the server ended") })
    rig.clock.advance(milliseconds: Notifier.stopMillisecondsMax)
    rig.notifier.stop()
    #expect(rig.log.contains { $0.contains("not delivered before the server ended") && $0.contains("count=1") })
    rig.notifier.stop()
    gate.open()
  }

  @Test("a reload keeps the queue of an Alertmanager that is still there, and new options hold for it") func reload()
    throws
  {
    let server = try RecordingServer()
    server.answer(503)
    let rig = NotifierRig()
    defer { rig.notifier.stop() }
    var set = AlertmanagerSetOptions(ports: [server.port])
    rig.notifier.reconfigure(options([set]))
    rig.notifier.send([rig.alert("A")])
    let labels = ["alertmanager": url(server.port)]
    #expect(soon { rig.metric("prometheus_notifications_errors_total", labels) == 1 })
    set.client.credentials = .basic(user: .text("u"), password: .text("p"))
    rig.notifier.reconfigure(options([set]))
    server.answer(200)
    rig.clock.advance(milliseconds: 1_000)
    #expect(soon { rig.metric("prometheus_notifications_sent_total", labels) == 1 })
    #expect(server.posts.last?.headers["authorization"] == "Basic dTpw")
    #expect(server.posts.first?.headers["authorization"] == nil)
  }

  @Test("alerts that come before a discovery has answered are sent once it has; dropped Alertmanagers are shown")
  func early() throws {
    let server = try RecordingServer()
    let rig = NotifierRig()
    defer { rig.notifier.stop() }
    let folder = try TemporaryDirectory()
    var set = AlertmanagerSetOptions()
    var file = FileDiscoveryOptions()
    file.files = ["\(folder.path)/am.json"]
    set.discoveries = [.file(file)]
    var drop = RelabelRule()
    drop.sourceLabels = ["__address__"]
    drop.regex = "old.*"
    drop.action = .drop
    set.relabelling = [drop]
    _ = try folder.write(#"[{"targets":["127.0.0.1:\#(server.port)","old:1"]}]"#, to: "am.json")
    rig.notifier.reconfigure(options([set]))
    rig.notifier.send([rig.alert("A", endsIn: 86_400_000)])
    // Changes of discoveries are told at some distance from each other.
    let isSent = soon {
      rig.clock.advance(milliseconds: 100)
      return server.names == ["A"]
    }
    #expect(isSent)
    #expect(rig.notifier.shown.droppedURLs == ["http://old:1/api/v2/alerts"])
    #expect(rig.notifier.shown.active.map(\.url) == [url(server.port)])
  }

  @Test("requests are signed for the managed service") func signed() throws {
    let server = try RecordingServer(paths: ["/workspaces/ws-1/alertmanager/api/v2/alerts"])
    let rig = NotifierRig()
    defer { rig.notifier.stop() }
    var set = AlertmanagerSetOptions(ports: [server.port])
    set.pathPrefix = "/workspaces/ws-1/alertmanager/"
    var signing = RequestSigning()
    signing.access.region = "eu-central-1"
    signing.access.accessKey = "AKIDEXAMPLE"
    signing.access.secretKey = "secret"
    set.signing = signing
    rig.notifier.reconfigure(options([set]))
    rig.notifier.send([rig.alert("A")])
    #expect(soon { server.posts.count == 1 })
    let authorization = try #require(server.posts[0].headers["authorization"])
    #expect(
      authorization.hasPrefix(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20231114/eu-central-1/aps/aws4_request, "
          + "SignedHeaders=content-type;host;user-agent;x-amz-date, Signature="))
    #expect(server.posts[0].headers["x-amz-date"] == "20231114T221320Z")
  }
}

/// Holds threads up until it is opened.
final class Gate: Sendable {
  private let state = Monitor(false)
  func wait() { _ = state.wait { $0 ? true : nil } }
  func open() {
    state.withLock { $0 = true }
    state.wakeAll()
  }
}

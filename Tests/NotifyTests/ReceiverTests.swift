import Format
import Model
import Platform
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import Notify

@Suite("Notify.Receivers", .serialized) struct ReceiverTests {
  private func options(_ channel: ReceiverOptions.Channel, _ change: (inout ReceiverOptions) -> Void = { _ in })
    -> NotifyOptions
  {
    var receiver = ReceiverOptions()
    receiver.name = "team"
    receiver.channel = channel
    change(&receiver)
    var options = NotifyOptions()
    options.externalURL = "http://p:9090"
    options.externalLabels = Labels([("cluster", "c")])
    options.receivers = [receiver]
    return options
  }

  private func webhook(_ server: RecordingServer, _ change: (inout ReceiverOptions) -> Void = { _ in }) -> NotifyOptions
  {
    var webhook = WebhookOptions()
    webhook.url = .text("http://127.0.0.1:\(server.port)/hook")
    return options(.webhook(webhook), change)
  }

  @Test("a webhook is told of a group after its wait, of its end after the interval, and of nothing twice")
  func course() throws {
    let server = try RecordingServer(paths: ["/hook"])
    let rig = NotifierRig()
    rig.notifier.reconfigure(webhook(server) { $0.matchers = [Matcher(.equal, "alertname", "A")] })
    let (one, two) = (
      rig.alert("A", labels: [("i", "1")], endsIn: 900_000), rig.alert("A", labels: [("i", "2")], endsIn: 900_000)
    )
    var fresh = one
    fresh.startsAt = rig.clock.nowMilliseconds()
    rig.notifier.send([fresh, two, rig.alert("Other")])
    // Both have begun long ago or now: the first of a group says when.
    #expect(rig.notifier.shown.receivers.first?.alerts == 2)
    rig.clock.advance(milliseconds: 30_000)
    #expect(soon { rig.metric("apus_alert_receiver_messages_total", ["receiver": "team"]) == 1 })
    let first = try #require(server.posts.first.flatMap { JSONDocument.read($0.body) })
    #expect(first["status"]?.text == "firing" && first["alerts"]?.elements.count == 2)
    #expect(first["commonLabels"]?["cluster"]?.text == "c")
    #expect(first["receiver"]?.text == "team" && first["externalURL"]?.text == "http://p:9090")
    rig.notifier.send([fresh, two])
    rig.clock.advance(milliseconds: 300_000)
    var ended = fresh
    (ended.isResolved, ended.endsAt) = (true, rig.clock.nowMilliseconds())
    rig.notifier.send([ended])
    rig.clock.advance(milliseconds: 300_000)
    #expect(soon { server.posts.count == 2 })
    let second = try #require(server.posts.last.flatMap { JSONDocument.read($0.body) })
    #expect(second["alerts"]?.elements.map { $0["status"]?.text } == ["firing", "resolved"])
    rig.notifier.stop()
    #expect(server.posts.count == 2)
  }

  @Test("a receiver that fails is tried again with what is true then; its address stays out of the log")
  func retries() throws {
    let server = try RecordingServer(paths: ["/hook"])
    server.answer(500)
    let rig = NotifierRig()
    defer { rig.notifier.stop() }
    rig.notifier.reconfigure(webhook(server))
    let labels = ["receiver": "team"]
    rig.notifier.send([rig.alert("A", labels: [("i", "1")])])
    #expect(soon { rig.metric("apus_alert_receiver_failures_total", labels) == 1 })
    rig.notifier.send([rig.alert("A", labels: [("i", "2")])])
    rig.clock.advance(milliseconds: 1_000)
    #expect(soon { rig.metric("apus_alert_receiver_failures_total", labels) == 2 })
    #expect(rig.metric("apus_alert_receiver_undelivered_seconds", labels) == 1)
    #expect(rig.notifier.shown.receivers.first?.lastError.hasPrefix("bad response status 500") == true)
    server.answer(200)
    rig.clock.advance(milliseconds: 2_000)
    #expect(soon { rig.metric("apus_alert_receiver_messages_total", labels) == 1 })
    #expect(JSONDocument.read(server.posts[2].body)?["alerts"]?.elements.count == 2)
    #expect(rig.metric("apus_alert_receiver_undelivered_seconds", labels) == 0)
    #expect(rig.log.contains { $0.contains("delivered again") })
    #expect(!rig.log.contains { $0.contains("/hook") })
  }

  @Test("a restart repeats nothing, and tells the end of what it was told before") func restart() throws {
    let disk = SimulatedDisk()
    try disk.makeDirectories("/data")
    let server = try RecordingServer(paths: ["/hook"])
    let first = NotifierRig(disk: disk)
    first.notifier.reconfigure(webhook(server))
    let alert = first.alert("A")
    first.notifier.send([alert])
    #expect(soon { (try? disk.status("/data/apus.notify")) != nil })
    #expect(server.posts.count == 1)
    // Without a stop, as after a kill; the first one's threads end behind the scenes.
    let second = NotifierRig(now: 1_700_000_600_000, disk: disk)
    second.notifier.reconfigure(webhook(server))
    #expect(second.notifier.shown.receivers.first?.alerts == 1)
    var again = alert
    again.endsAt += 600_000
    second.notifier.send([again])
    second.clock.advance(milliseconds: 300_000)
    again.endsAt = second.clock.nowMilliseconds()
    again.isResolved = true
    second.notifier.send([again])
    second.clock.advance(milliseconds: 300_000)
    #expect(soon { server.posts.count == 2 })
    #expect(JSONDocument.read(server.posts[1].body)?["status"]?.text == "resolved")
    second.notifier.stop()
    first.notifier.stop()
    #expect(server.posts.count == 2)
  }

  @Test("a damaged state file is set aside and told, and receivers are told anew") func damage() throws {
    let disk = SimulatedDisk()
    try disk.makeDirectories("/data")
    try AtomicReplace.write(Array("apus notify 1\nrubbish".utf8), to: "/data/apus.notify", on: disk)
    let server = try RecordingServer(paths: ["/hook"])
    let rig = NotifierRig(disk: disk)
    defer { rig.notifier.stop() }
    rig.notifier.reconfigure(webhook(server))
    #expect(rig.metric("apus_damaged_files_total", ["file": "apus.notify"]) == 1)
    #expect(rig.log.contains { $0.contains("damaged") && $0.contains("apus.notify") })
    rig.notifier.send([rig.alert("A")])
    #expect(soon { server.posts.count == 1 })
  }

  @Test("Slack's address comes from a file that is read for each message") func slack() throws {
    let server = try RecordingServer(paths: ["/services/one", "/services/two"], text: "ok")
    let folder = try TemporaryDirectory()
    let path = try folder.write("http://127.0.0.1:\(server.port)/services/one\n", to: "url")
    var slack = SlackOptions()
    slack.url = .file(path)
    let rig = NotifierRig()
    defer { rig.notifier.stop() }
    rig.notifier.reconfigure(options(.slack(slack)))
    rig.notifier.send([rig.alert("A")])
    #expect(soon { server.posts.map(\.path) == ["/services/one"] })
    #expect(server.posts[0].body.contains("*firing* about A"))
    _ = try folder.write("http://127.0.0.1:\(server.port)/services/two", to: "url")
    rig.notifier.send([rig.alert("B")])
    #expect(soon { server.posts.map(\.path) == ["/services/one", "/services/two"] })
    try removeFile(path)
    rig.notifier.send([rig.alert("C")])
    #expect(
      soon { rig.notifier.shown.receivers[0].lastError.hasPrefix("unable to read the address: unable to read file") })
  }

  @Test("SNS is asked with a signed form, and what it refuses is told with its reason") func sns() throws {
    let answer =
      "<ErrorResponse><Error><Code>NotFound</Code><Message>Topic does not exist</Message></Error></ErrorResponse>"
    let server = try RecordingServer(paths: ["/"], text: answer)
    server.answer(404)
    var sns = SNSOptions()
    sns.topicARN = "arn:aws:sns:eu-central-1:123456789012:alerts"
    sns.endpoint = "http://127.0.0.1:\(server.port)"
    sns.access.accessKey = "AKIDEXAMPLE"
    sns.access.secretKey = "secret"
    let rig = NotifierRig()
    defer { rig.notifier.stop() }
    rig.notifier.reconfigure(options(.sns(sns)))
    rig.notifier.send([rig.alert("A", endsIn: 900_000)])
    #expect(soon { rig.notifier.shown.receivers[0].lastError.contains("Topic does not exist") })
    let post = try #require(server.posts.first)
    #expect(post.body.hasPrefix("Action=Publish&Version=2010-03-31&TopicArn=arn%3Aaws%3Asns%3Aeu-central-1"))
    #expect(post.headers["authorization"]?.contains("/eu-central-1/sns/aws4_request") == true)
    server.answer(200)
    rig.clock.advance(milliseconds: 300_000)
    #expect(soon { server.posts.count == 2 })
  }

  @Test("receivers come and go with the configuration, and those that stay keep their groups") func reload() throws {
    let server = try RecordingServer(paths: ["/hook"])
    let rig = NotifierRig()
    defer { rig.notifier.stop() }
    rig.notifier.reconfigure(webhook(server))
    rig.notifier.send([rig.alert("A", endsIn: 900_000)])
    #expect(soon { rig.metric("apus_alert_receiver_messages_total", ["receiver": "team"]) == 1 })
    rig.notifier.reconfigure(webhook(server) { $0.groupIntervalMilliseconds = 60_000 })
    rig.notifier.send([rig.alert("A", endsIn: 900_000)])
    rig.clock.advance(milliseconds: 300_000)
    #expect(rig.notifier.shown.receivers.map(\.groups) == [1])
    rig.notifier.reconfigure(NotifyOptions())
    #expect(soon { rig.metric("apus_alert_receiver_messages_total", ["receiver": "team"]) == nil })
    #expect(rig.notifier.shown.receivers.isEmpty)
    #expect(server.posts.count == 1)
  }
}

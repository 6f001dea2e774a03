import Discovery
import Format
import Model
import Platform
import TestKit
import Testing

@testable import Notify

/// Beside a real Alertmanager, and Amazon's SNS as moto plays it.
@Suite("Notify.Peers", .serialized, .timeLimit(.minutes(2))) struct NotifyPeerTests {
  private static let hasAlertmanager = PeerBinary.alertmanager.isExpected
  private static let hasMoto = PeerBinary.moto.isExpected

  private func notifier() -> Notifier {
    Notifier(
      DiscoverySurroundings(
        clock: SystemClock(), log: Log(level: .error, format: .logfmt) { _ in }, registry: MetricsRegistry(),
        userAgent: "Prometheus/3.5.0"))
  }

  private func alert(_ instance: String, from start: Int64, resolved: Bool = false) -> AlertNotice {
    AlertNotice(
      labels: Labels([("alertname", "Disk \"full\""), ("instance", instance), ("job", "näme")]),
      annotations: Labels([("summary", "a <b> & c\n\(instance)"), ("runbook", "http://r")]), startsAt: start,
      endsAt: start + (resolved ? 500 : 600_000), isResolved: resolved,
      generatorURL: "http://p:9090/graph?g0.expr=up+%3D%3D+0&g0.tab=1")
  }

  /// The members of ours in the other, which may have more; alerts in the order of their fingerprints.
  private func same(_ ours: JSONDocument, _ others: JSONDocument) -> Bool {
    switch (ours, others) {
    case (.object(let members), .object):
      return members.allSatisfy { member in
        if member.name == "externalURL" { return true }
        guard let other = others[member.name] else { return false }
        return same(member.value, other)
      }
    case (.array(let ours), .array(let others)):
      func sorted(_ list: [JSONDocument]) -> [JSONDocument] {
        list.sorted { ($0["fingerprint"]?.text ?? "") < ($1["fingerprint"]?.text ?? "") }
      }
      return ours.count == others.count && zip(sorted(ours), sorted(others)).allSatisfy { same($0, $1) }
    default: return ours == others
    }
  }

  @Test(
    "Alertmanager takes the alerts, and a webhook hears from it what it hears from here directly",
    .enabled(if: hasAlertmanager, Comment(rawValue: PeerBinary.alertmanager.absence)))
  func alertmanager() throws {
    let hooks = try RecordingServer(paths: ["/theirs", "/ours"])
    let folder = try TemporaryDirectory()
    let configuration = try folder.write(
      """
      route: {receiver: team, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 4h}
      receivers: [{name: team, webhook_configs: [{url: 'http://127.0.0.1:\(hooks.port)/theirs', send_resolved: true}]}]
      """, to: "am.yml")
    let peer = try ServerProcess.alertmanager(data: folder.path("data"), configuration: configuration)
    defer { _ = peer.child.terminate() }
    var receiver = ReceiverOptions()
    receiver.name = "team"
    var webhook = WebhookOptions()
    webhook.url = .text("http://127.0.0.1:\(hooks.port)/ours")
    receiver.channel = .webhook(webhook)
    receiver.groupWaitMilliseconds = 1_000
    receiver.groupIntervalMilliseconds = 1_000
    var options = NotifyOptions()
    options.alertmanagers = [AlertmanagerSetOptions(ports: [Int(peer.port)])]
    options.receivers = [receiver]
    let notifier = notifier()
    defer { notifier.stop() }
    notifier.reconfigure(options)

    func newest(_ path: String) -> JSONDocument? { hooks.posts.last { $0.path == path }.flatMap { .read($0.body) } }
    let start = nowMilliseconds()
    notifier.send([alert("a", from: start), alert("b", from: start)])
    let began = eventually(within: .seconds(30)) { newest("/theirs") != nil && newest("/ours") != nil }
    #expect(began)
    let (ours, theirs) = (try #require(newest("/ours")), try #require(newest("/theirs")))
    #expect(ours["alerts"]?.elements.count == 2)
    #expect(same(ours, theirs), "\(ours)\n\(theirs)")

    notifier.send([alert("a", from: start, resolved: true)])
    func hasEnd(_ path: String) -> Bool {
      newest(path)?["alerts"]?.elements.contains { $0["status"]?.text == "resolved" } ?? false
    }
    let ended = eventually(within: .seconds(30)) { hasEnd("/theirs") && hasEnd("/ours") }
    #expect(ended)
    let (ourEnd, theirEnd) = (try #require(newest("/ours")), try #require(newest("/theirs")))
    #expect(same(ourEnd, theirEnd), "\(ourEnd)\n\(theirEnd)")
    #expect(notifier.shown.active.map(\.lastError) == [""] && notifier.shown.receivers.map(\.lastError) == [""])
  }

  @Test(
    "a message published to SNS arrives at the subscriber of the topic",
    .enabled(if: hasMoto, Comment(rawValue: PeerBinary.moto.absence)))
  func sns() throws {
    let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    let fake = try ChildProcess(try PeerBinary.moto.path(), [root + "/Tests/Scripts/sns.py"])
    func line(_ number: Int) -> JSONDocument? {
      let lines = fake.standardOutput.text.split(separator: "\n", omittingEmptySubsequences: false)
      return lines.count > number + 1 ? .read(String(lines[number])) : nil
    }
    let facts = try #require(
      eventually(within: .seconds(60)) { line(0) }, "moto does not run: \(fake.standardError.text.suffix(2000))")
    var sns = SNSOptions()
    sns.topicARN = facts["topic"]?.text ?? ""
    sns.endpoint = facts["url"]?.text ?? ""
    (sns.access.accessKey, sns.access.secretKey) = ("a", "s")
    var receiver = ReceiverOptions()
    receiver.name = "team"
    receiver.channel = .sns(sns)
    receiver.groupWaitMilliseconds = 0
    var options = NotifyOptions()
    options.receivers = [receiver]
    let notifier = notifier()
    defer { notifier.stop() }
    notifier.reconfigure(options)
    notifier.send([alert("a", from: nowMilliseconds())])
    let found = eventually(within: .seconds(30)) { line(1) }
    let message = try #require(found, "\(notifier.shown.receivers)")
    #expect(message["TopicArn"] == facts["topic"])
    #expect(message["Subject"]?.text == "[FIRING:1] Disk \"full\" (a n?me)")
    #expect(message["Message"]?.text?.contains("Alerts Firing:\nLabels:\n - alertname = Disk \"full\"") == true)
  }
}

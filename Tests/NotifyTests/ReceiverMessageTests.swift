import Format
import Model
import Outbound
import Testing

@testable import Notify

@Suite("Notify.Messages") struct ReceiverMessageTests {
  private func message(_ firing: Int, resolved: Int = 0, summary: String = "disk <full> & hot") -> GroupMessage {
    func alert(_ number: Int, _ isResolved: Bool) -> AlertNotice {
      AlertNotice(
        labels: Labels([("alertname", "Disk"), ("instance", "n\(number)"), ("job", "node")]),
        annotations: Labels([("summary", summary)]), startsAt: 1_700_000_000_120, endsAt: 1_700_000_300_000,
        isResolved: isResolved, generatorURL: "http://p/graph?g0.expr=a|b&g0.tab=1")
    }
    return GroupMessage(
      groupLabels: Labels([("alertname", "Disk")]), firing: (0..<firing).map { alert($0, false) },
      resolved: (firing..<firing + resolved).map { alert($0, true) }, milliseconds: 0)
  }

  @Test("a webhook's body is Alertmanager's version 4") func webhook() {
    let text = String(
      decoding: WebhookMessage.json(message(1, resolved: 1), receiver: "team", externalURL: "http://p"), as: UTF8.self)
    let expected =
      #"{"receiver":"team","status":"firing","alerts":[{"status":"firing","#
      + #""labels":{"alertname":"Disk","instance":"n0","job":"node"},"#
      + #""annotations":{"summary":"disk \u003cfull\u003e \u0026 hot"},"startsAt":"2023-11-14T22:13:20.12Z","#
      + #""endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://p/graph?g0.expr=a|b\u0026g0.tab=1","#
      + #""fingerprint":"\#(AlertNotice.text(ofFingerprint: message(1).firing[0].fingerprint))"},"#
      + #"{"status":"resolved","labels":{"alertname":"Disk","instance":"n1","job":"node"},"#
      + #""annotations":{"summary":"disk \u003cfull\u003e \u0026 hot"},"startsAt":"2023-11-14T22:13:20.12Z","#
      + #""endsAt":"2023-11-14T22:18:20Z","generatorURL":"http://p/graph?g0.expr=a|b\u0026g0.tab=1","#
      + #""fingerprint":"\#(AlertNotice.text(ofFingerprint: message(1, resolved: 1).resolved[0].fingerprint))"}],"#
      + #""groupLabels":{"alertname":"Disk"},"commonLabels":{"alertname":"Disk","job":"node"},"#
      + #""commonAnnotations":{"summary":"disk \u003cfull\u003e \u0026 hot"},"externalURL":"http://p","version":"4","#
      + #""groupKey":"{}:{alertname=\"Disk\"}","truncatedAlerts":0}"#
    #expect(text == expected + "\n")
    let cut = WebhookMessage.json(message(5), receiver: "team", externalURL: "", alertsMax: 2)
    let read = cut.lend { JSONDocument($0) }
    #expect(read?["alerts"]?.elements.count == 2 && read?["truncatedAlerts"]?.integer == 3)
  }

  @Test("a fingerprint is FNV-1a over names and values") func fingerprint() {
    let notice = AlertNotice(
      labels: .empty, annotations: .empty, startsAt: 0, endsAt: 0, isResolved: false, generatorURL: "")
    // That of no labels is the offset of the hash, as in Prometheus's common library.
    #expect(AlertNotice.text(ofFingerprint: notice.fingerprint) == "cbf29ce484222325")
    #expect(AlertNotice.text(ofFingerprint: 255) == "00000000000000ff")
  }

  @Test("a subject counts what fires, and names what all have in common") func subject() {
    #expect(message(2).subject == "[FIRING:2] Disk (node)")
    #expect(message(0, resolved: 1).subject == "[RESOLVED] Disk (n0 node)")
  }

  @Test("Slack gets a line for each alert, twenty at most, with its three characters escaped") func slack() throws {
    var options = SlackOptions()
    options.channel = "#alerts"
    let one = try #require(
      SlackMessage.json(message(1, resolved: 1), options, externalURL: "http://p").lend { JSONDocument($0) })
    #expect(one["channel"]?.text == "#alerts" && one["username"] == nil)
    let attachment = try #require(one["attachments"]?.elements.first)
    #expect(attachment["color"]?.text == "danger")
    #expect(attachment["title"]?.text == "[FIRING:1] Disk (node)")
    #expect(attachment["title_link"]?.text == "http://p/alerts")
    let source = "<http://p/graph?g0.expr=a%7Cb&amp;g0.tab=1|source>"
    #expect(
      attachment["text"]?.text
        == "*firing* disk &lt;full&gt; &amp; hot \(source)\n*resolved* disk &lt;full&gt; &amp; hot \(source)")
    let many = SlackMessage.json(message(25, summary: String(repeating: "ä", count: 5_000)), options, externalURL: "")
    let lines = try #require(many.lend { JSONDocument($0) }?["attachments"]?.elements.first?["text"]?.text)
      .split(separator: "\n")
    #expect(lines.count == 21 && lines[20] == "… and 5 more")
    #expect(lines.allSatisfy { $0.utf8.count < 600 })
    let end = SlackMessage.json(message(0, resolved: 1), SlackOptions(), externalURL: "").lend { JSONDocument($0) }
    #expect(end?["attachments"]?.elements.first?["color"]?.text == "good")
  }

  @Test("SNS gets plain text in the bounds of AWS") func sns() {
    #expect(
      SNSMessage.text(message(1))
        == "disk <full> & hot\nAlerts Firing:\nLabels:\n - alertname = Disk\n - instance = n0\n - job = node\n"
        + "Annotations:\n - summary = disk <full> & hot\nSource: http://p/graph?g0.expr=a|b&g0.tab=1\n")
    let long = SNSMessage.text(message(300, summary: String(repeating: "ä", count: 1_000)))
    #expect(long.utf8.count <= 262_144 && long.hasSuffix("\n(cut)") && !long.contains("\u{FFFD}"))
    let even = SNSMessage.text(message(1, summary: String(repeating: "ä", count: 200_000)))
    let odd = SNSMessage.text(message(1, summary: "a" + String(repeating: "ä", count: 200_000)))
    for text in [even, odd] {
      #expect((262_140...262_144).contains(text.utf8.count) && !text.contains("\u{FFFD}"))
    }
    #expect(SNSMessage.subject(" [FIRING] ä\nb") == "[FIRING] ??b")
    #expect(SNSMessage.subject(String(repeating: "x", count: 300)).count == 100)
    var options = SNSOptions()
    options.topicARN = "arn:aws:sns:eu-central-1:123456789012:alerts"
    #expect(options.accessOfTopic.region == "eu-central-1")
  }
}

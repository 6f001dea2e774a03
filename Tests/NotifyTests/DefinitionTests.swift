import HTTP
import Model
import TestKit
import Testing

@testable import Notify

@Suite("Alert manager definitions")
struct DefinitionTests {
  /// A definition with this configuration.
  private static func definition(_ config: String, _ rest: String = "") -> [UInt8] {
    let lines = config.split(separator: "\n", omittingEmptySubsequences: false).map { "  " + $0 }
    return Array("alertmanager_config: |\n\(lines.joined(separator: "\n"))\n\(rest)".utf8)
  }

  /// The reason why this server cannot tell the receivers itself; empty where it can.
  private static func refusal(_ config: String, _ rest: String = "", allowsPrivate: Bool = false) -> String {
    do throws(DefinitionError) {
      let read = try AlertmanagerDefinition(definition(config, rest))
      _ = try DefinitionReceivers(read, of: "ws-1", allowsPrivate: allowsPrivate)
      return ""
    } catch { return "\(error)" }
  }

  private static let whole = """
    route:
      receiver: all
      group_wait: 1s
      repeat_interval: 2h
      routes:
      - {receiver: page, matchers: ['severity="page"', team=~a|b], continue: true, group_by: [alertname, x]}
      - receiver: slack
        match: {severity: page}
        group_interval: 3m
        routes: [{receiver: topic, match_re: {team: 'b.*'}}]
      - {receiver: nobody, matchers: ['{quiet="yes"}']}
    receivers:
    - name: all
      webhook_configs: [{url: 'https://example.org/all', max_alerts: 3, timeout: 4s}]
    - name: page
      webhook_configs:
      - {url: 'https://example.org/page', send_resolved: false, http_config: {basic_auth: {username: u, password: p}}}
    - {name: slack, slack_configs: [{api_url: 'https://hooks.example.org/x', channel: '#a'}]}
    - name: topic
      sns_configs: [{topic_arn: 'arn:aws:sns:eu-west-1:123456789012:t', sigv4: {region: eu-west-1}, attributes: {a: b}}]
    - name: nobody
    """

  @Test("a definition becomes receivers with what its routes say, each told of the alerts that take its route")
  func receivers() throws {
    let read = try AlertmanagerDefinition(Self.definition(Self.whole))
    let receivers = try DefinitionReceivers(read, of: "ws-1", allowsPrivate: false).receivers
    #expect(receivers.map(\.name) == ["ws-1/all/0.0", "ws-1/page/1.0", "ws-1/slack/2.0", "ws-1/topic/3.0"])
    #expect(receivers[0].groupBy == [] && receivers[0].groupWaitMilliseconds == 1_000)
    #expect(receivers[0].timeoutMilliseconds == 4_000 && receivers[0].sendsResolved)
    #expect(receivers[1].groupBy == ["alertname", "x"] && !receivers[1].sendsResolved)
    #expect(receivers[1].repeatMilliseconds == 7_200_000)
    #expect(receivers[2].groupIntervalMilliseconds == 180_000 && !receivers[2].sendsResolved)
    #expect(receivers[3].groupIntervalMilliseconds == 180_000 && receivers[3].sendsResolved)
    guard case .webhook(let page) = receivers[1].channel, case .sns(let topic) = receivers[3].channel else {
      Issue.record("other channels")
      return
    }
    #expect(page.client.credentials == .basic(user: .text("u"), password: .text("p")))
    #expect(page.client.reach == .publicOnly && topic.attributes == ["a": "b"] && topic.access.region == "eu-west-1")

    let routes = try CompiledRoutes(read.parsed.tree)
    func places(_ labels: [(name: String, value: String)]) -> [Int] { routes.places(of: Labels(labels)) }
    #expect(places([("severity", "info")]) == [0])
    #expect(places([("severity", "page"), ("team", "a")]) == [1, 2])
    #expect(places([("severity", "page"), ("team", "b")]) == [1, 3])
    #expect(places([("severity", "page"), ("team", "bc")]) == [3])
    #expect(places([("severity", "page")]) == [2])
    #expect(places([("quiet", "yes")]) == [4])
  }

  @Test(
    "a mistake is refused with its place and leaves nothing",
    arguments: [
      ("alertmanager_config: 1\nother: 2\n", "line 2: the key other is not known"),
      ("a", "no section with the key alertmanager_config"), ("template_files: {}", "lacks alertmanager_config"),
      ("alertmanager_config: '['", "alertmanager_config, line"),
      ("alertmanager_config: 'x: 1'", "field x not found"),
      ("alertmanager_config: 'receivers: []'", "no routes provided"),
      ("alertmanager_config: 'route: {receiver: a}'", "receivers is no list"),
      ("alertmanager_config: '{route: {receiver: b}, receivers: [{name: a}]}'", "undefined receiver \"b\""),
      (
        "alertmanager_config: '{route: {receiver: a, match: {x: y}}, receivers: [{name: a}]}'",
        "must not have any matchers"
      ),
      ("alertmanager_config: '{route: {receiver: a, routs: []}, receivers: [{name: a}]}'", "field routs not found"),
      ("alertmanager_config: '{route: {receiver: a, group_wait: 1}, receivers: [{name: a}]}'", "not a valid duration"),
      ("alertmanager_config: '{route: {receiver: a, repeat_interval: 0s}, receivers: [{name: a}]}'", "cannot be zero"),
      ("alertmanager_config: '{route: {receiver: a, group_by: [x, x]}, receivers: [{name: a}]}'", "duplicated label"),
      (
        "alertmanager_config: '{route: {receiver: a, group_by: [x, ...]}, receivers: [{name: a}]}'",
        "cannot have wildcard group_by"
      ),
      (
        "alertmanager_config: '{route: {receiver: a, routes: [{match: {x: [y]}}]}, receivers: [{name: a}]}'",
        "the value of x is no text"
      ),
      (
        "alertmanager_config: '{route: {receiver: a, routes: [{matchers: [\"x\"]}]}, receivers: [{name: a}]}'",
        "bad matcher format: x"
      ),
      (
        "alertmanager_config: '{route: {receiver: a, routes: [{match_re: {x: \"(\"}}]}, receivers: [{name: a}]}'",
        "missing closing"
      ),
      ("alertmanager_config: '{route: {receiver: a}, receivers: [{name: a}, {name: a}]}'", "is not unique"),
      (
        "alertmanager_config: '{route: {receiver: a}, receivers: [{name: a, telex_configs: [{}]}]}'",
        "telex_configs not found"
      ),
      (
        "alertmanager_config: '{route: {receiver: a}, receivers: [{name: a, webhook_configs: [{url_file: /etc/passwd}]}]}'",
        "url_file names a file"
      ),
      (
        "alertmanager_config: '{route: {receiver: a}, templates: [\"/etc/*\"], receivers: [{name: a}]}'",
        "not one of template_files"
      ),
      ("alertmanager_config: 'x'\ntemplate_files: {'../x': y}", "no plain file name"),
      (
        "alertmanager_config: '{route: {receiver: a, mute_time_intervals: [n]}, receivers: [{name: a}]}'",
        "undefined time interval"
      ),
    ])
  func mistakes(_ text: String, _ part: String) {
    do throws(DefinitionError) {
      _ = try AlertmanagerDefinition(Array(text.utf8))
      Issue.record("taken: \(text)")
    } catch { #expect("\(error)".contains(part), "\(error)") }
  }

  @Test("what only an Alertmanager can do is refused by name, and so are addresses that only this machine reaches")
  func beyond() throws {
    let route = "route: {receiver: a}\n"
    let all = Self.refusal(
      """
      route: {receiver: a, mute_time_intervals: [n]}
      time_intervals: [{name: n}]
      inhibit_rules: [{source_match: {a: b}}]
      receivers:
      - name: a
        pagerduty_configs: [{routing_key: x}]
        slack_configs: [{api_url: 'https://example.org', text: 'x', title: '{{ .X }}'}]
        webhook_configs: [{url: 'https://example.org/{{ x }}', http_config: {tls_config: {}}}]
      """, "template_files: {t: ''}")
    for part in [
      "apus.managed_alertmanagers", "mute_time_intervals (line 1)", "inhibit_rules (line 3)", "pagerduty_configs of a",
      "text of slack_configs", "title of slack_configs", "http_config.tls_config", "the template url", "template_files",
    ] { #expect(all.contains(part), "\(part) in \(all)") }
    for (host, isLinkLocal) in [
      ("127.0.0.1", false), ("localhost", false), ("10.1.2.3", false), ("[::1]", false), ("192.168.1.1:80", false),
      ("169.254.169.254", true), ("[fe80::1]", true), ("[::ffff:169.254.169.254]", true),
    ] {
      let config = route + "receivers: [{name: a, webhook_configs: [{url: 'http://\(host)/x'}]}]"
      #expect(Self.refusal(config).contains("private address"), "\(host)")
      #expect(Self.refusal(config, allowsPrivate: true).contains("private address") == isLinkLocal, "\(host)")
    }
  }

  @Test(
    "no key is without effect in silence: what is not carried out is named",
    arguments: [
      ("global: {http_config: {proxy_url: 'http://p'}}", "", "global.http_config"),
      ("global: {reslove_timeout: 1m}", "", "global.reslove_timeout"), ("global: 1", "", "global is no section"),
      ("tracing: {endpoint: x}", "", "tracing (line 4)"),
      ("", "http_config: {basic_auth: {username: u, password_ref: p}}", "http_config.basic_auth.password_ref"),
      ("", "http_config: {authorization: {credentials_ref: p}}", "http_config.authorization.credentials_ref"),
      ("", "http_config: {bearer_token: t, basic_auth: {username: u}}", "at most one of"),
      ("", "http_config: {follow_redirects: 7}", "follow_redirects is neither true nor false"),
      ("", "http_config: 1", "http_config is no section"),
      ("", "http_config: {basic_auth: x}", "basic_auth is no section"),
      ("", "http_config: {bearer_token: [x]}", "bearer_token is no text"),
      ("", "send_resolved: 1", "send_resolved is neither true nor false"),
    ])
  func silence(_ top: String, _ webhook: String, _ part: String) {
    let config = """
      route: {receiver: a}
      receivers:
      - {name: a, webhook_configs: [{url: 'https://example.org'\(webhook.isEmpty ? "" : ", " + webhook)}]}
      \(top)
      """
    #expect(Self.refusal(config).contains(part), "\(Self.refusal(config))")
  }

  @Test("keys of SNS, of Slack and of receivers that no route names are told apart as well")
  func silenceOfOthers() {
    func refusal(_ receivers: String, _ top: String = "") -> String {
      Self.refusal("route: {receiver: a}\nreceivers: [\(receivers)]\n\(top)")
    }
    let topic = "topic_arn: 'arn:aws:sns:eu-west-1:1:t'"
    #expect(refusal("{name: a, sns_configs: [{\(topic), sigv4: x}]}").contains("sigv4 is no section"))
    #expect(refusal("{name: a, sns_configs: [{\(topic), sigv4: {profile: p}}]}").contains("sigv4.profile"))
    #expect(refusal("{name: a, sns_configs: [{\(topic), sigv4: {access_key: k}}]}").contains("secret_key"))
    #expect(
      refusal("{name: a, slack_configs: [{}]}", "global: {slack_api_url: 'https://x/{{ y }}'}")
        .contains("the template api_url"))
    #expect(refusal("{name: a}, {name: b, pagerduty_configs: [{}]}").contains("pagerduty_configs of b"))
    #expect(refusal("{name: a}, {name: b, webhook_configs: [{url: 'http://10.0.0.1'}]}").contains("private address"))
    #expect(refusal("{name: a}, {name: b, webhook_configs: [{url: 'https://example.org'}]}") == "")
    #expect(
      refusal(
        "{name: a, slack_configs: [{}]}", "global: {slack_api_url: 'https://x/y', resolve_timeout: 5m, smtp_from: z}")
        == "")
  }

  @Test("the addresses of private networks are told from others at their borders")
  func reach() throws {
    for (text, isPublic) in [
      ("9.255.255.255", true), ("10.0.0.0", false), ("11.0.0.0", true), ("172.15.255.255", true), ("172.16.0.0", false),
      ("172.31.255.255", false), ("172.32.0.0", true), ("100.63.255.255", true), ("100.64.0.0", false),
      ("8.8.8.8", true),
      ("0.0.0.0", false), ("224.0.0.1", false), ("2001:db8::1", true), ("fd00::1", false), ("::", false),
      ("::1", false),
      ("64:ff9b::7f00:1", false),
    ] {
      #expect(AddressReach.publicOnly.allows(try #require(IPAddress(text))) == isPublic, "\(text)")
    }
  }

  @Test("matchers are read as Alertmanager writes them")
  func matchers() {
    #expect(MatcherText.parse("a=b") == [Matcher(.equal, "a", "b")])
    #expect(MatcherText.parse(" { a = \"b,\\\"c\\n\" , d!~e|f , \"g h\"!=i, j=~\"\" } ")?.count == 4)
    #expect(MatcherText.parse("{a=\"b,\\\"c\\n\"}")?.first?.value == "b,\"c\n")
    #expect(MatcherText.parse("") == [] && MatcherText.parse("{}") == [])
    for text in ["a", "=b", "a=b c=\"d\"", "{a=b", "a=\"b", "a~b", "a=b,,c=d"] {
      #expect(MatcherText.parse(text) == nil, "\(text)")
    }
  }
}

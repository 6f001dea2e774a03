import Discovery
import Model
import Notify
import Outbound
import Testing

@testable import apus

@Suite("Configuration.Alerting") struct AlertingSectionTests {
  private func read(_ text: String) throws -> Configuration {
    try Configuration.read(Array(text.utf8), file: "/etc/p/p.yml")
  }

  private func fault(_ text: String) -> String {
    do throws(ConfigurationErrors) {
      _ = try Configuration.read(Array(text.utf8), file: "p.yml")
      return "none"
    } catch { return "\(error)" }
  }

  @Test("an Alertmanager that cannot be told anything is warned of, as Prometheus takes it") func unreachable() throws {
    let found = try read(
      "alerting: {alertmanagers: [{timeout: 1s}, {scheme: htp, timeout: 0s}, {scheme: '', timeout: 1m}]}\n")
    #expect(
      found.warnings == [
        "alerting.alertmanagers[1]: the scheme \"htp\" is neither http nor https",
        "alerting.alertmanagers[1]: a timeout of 0s leaves no time to tell it anything",
      ])
  }

  @Test("an entry is read with Prometheus's defaults, and no key of it is without effect") func defaults() throws {
    let found = try read(
      """
      global: {external_labels: {cluster: a}}
      alerting:
        alert_relabel_configs: [{regex: replica, action: labeldrop}]
        alertmanagers:
          - static_configs: [{targets: ['am:9093']}]
          - {scheme: https, path_prefix: /am, timeout: 3s, api_version: v2, file_sd_configs: [{files: [am.json]}]}
      """)
    #expect(found.warnings == [])
    #expect(found.alerting.externalLabels == Labels([("cluster", "a")]))
    #expect(found.alerting.relabelling.map(\.action) == [.labeldrop])
    var first = AlertmanagerSetOptions()
    first.discoveries = [.fixed([TargetGroup(source: "0", targets: [Labels([("__address__", "am:9093")])])])]
    #expect(found.alerting.alertmanagers.first == first)
    let second = try #require(found.alerting.alertmanagers.last)
    #expect(second.scheme == "https" && second.pathPrefix == "/am" && second.timeoutMilliseconds == 3_000)
    var files = FileDiscoveryOptions()
    files.files = ["/etc/p/am.json"]
    #expect(second.discoveries == [.file(files)])
    #expect(first.scheme == "http" && first.timeoutMilliseconds == 10_000 && first.signing == nil)
  }

  @Test("messages name the server as rules do: by the flag, else by its own address")
  func externalURL() throws {
    for (flags, url) in [(["--web.external-url=http://p/x/"], "http://p/x"), ([], "http://own:9090")] {
      let options = try options(flags)
      var configuration = try read("")
      configuration.takeOver(options)
      configuration = configuration.reached(at: "http://own:9090")
      #expect(configuration.rules.externalURL == url)
      #expect(NotifyOptions(configuration, options).externalURL == url)
    }
  }

  @Test("credentials and signatures are read, files begin in the folder of the configuration") func credentials() throws
  {
    let found = try read(
      """
      alerting:
        alertmanagers:
          - basic_auth: {username: u, password_file: secret}
            alert_relabel_configs: [{target_label: a, replacement: b}]
            relabel_configs: [{source_labels: [__meta_x], action: keep, regex: y}]
          - sigv4: {region: eu-west-1, role_arn: 'arn:aws:iam::1:role/r', use_fips_sts_endpoint: true}
          - sigv4: {}
      """
    ).alerting.alertmanagers
    #expect(found[0].client.credentials == .basic(user: .text("u"), password: .file("/etc/p/secret")))
    #expect(found[0].alertRelabelling.count == 1 && found[0].relabelling.count == 1)
    var signing = RequestSigning()
    signing.access.region = "eu-west-1"
    signing.access.roleARN = "arn:aws:iam::1:role/r"
    signing.usesFIPS = true
    #expect(found[1].signing == signing)
    #expect(found[2].signing == RequestSigning())
    #expect(RequestSigning().service == "aps")
  }

  @Test(
    "what is wrong is told with its place, in Prometheus's words",
    arguments: [
      (
        "alerting: {alertmanagers: [{static_configs: [{targets: ['http://a']}]}]}",
        #"alertmanager: "http://a" is not a valid hostname"#
      ),
      (
        "alerting: {alertmanagers: [{basic_auth: {username: u}, sigv4: {}}]}",
        "at most one of basic_auth, authorization, oauth2, & sigv4 must be configured"
      ),
      (
        "alerting: {alertmanagers: [{sigv4: {access_key: a}}]}",
        "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config"
      ),
      ("alerting: {alertmanagers: [{api_version: v1}]}", "api_version: \"v1\" (expected"),
      ("alerting: {alertmanager: []}", "unknown key \"alertmanager\" in alerting"),
      ("alerting: {alert_relabel_configs: [{action: x}]}", "unknown relabel action \"x\""),
    ])
  func faults(text: String, message: String) {
    let told = fault(text)
    #expect(told.contains(message), "\(told)")
    #expect(told.contains("p.yml:1:"))
  }

  @Test("receivers are read, with the intervals of Alertmanager") func receivers() throws {
    let found = try read(
      """
      apus:
        notify:
          - {name: hook, webhook: {url: 'http://h/x', bearer_token_file: token, max_alerts: 5}}
          - name: chat
            slack: {api_url_file: slack-url, channel: '#a'}
            match: '{severity=~"page|warn"}'
            group_by: [alertname, cluster]
            group_wait: 10s
            group_interval: 1m
            repeat_interval: 12h
            send_resolved: false
            timeout: 5s
          - {name: topic, sns: {topic_arn: 'arn:aws:sns:eu-west-1:1:t', subject: S, sigv4: {profile: p}}}
      """)
    #expect(found.warnings == [])
    #expect(found.alerting.receivers.map(\.name) == ["hook", "chat", "topic"])
    var hook = WebhookOptions()
    hook.url = .text("http://h/x")
    hook.alertsMax = 5
    hook.client.credentials = .authorization(type: "Bearer", credentials: .file("/etc/p/token"))
    #expect(found.alerting.receivers[0].channel == .webhook(hook))
    #expect(found.alerting.receivers[0].groupBy == ["alertname"] && found.alerting.receivers[0].sendsResolved)
    #expect(found.alerting.receivers[0].groupWaitMilliseconds == 30_000)
    #expect(found.alerting.receivers[0].groupIntervalMilliseconds == 300_000)
    #expect(found.alerting.receivers[0].repeatMilliseconds == 14_400_000)
    let chat = found.alerting.receivers[1]
    var slack = SlackOptions()
    slack.url = .file("/etc/p/slack-url")
    slack.channel = "#a"
    #expect(chat.channel == .slack(slack))
    #expect(chat.matchers == [Matcher(.regex, "severity", "page|warn")])
    #expect(chat.groupBy == ["alertname", "cluster"] && !chat.sendsResolved && chat.repeatMilliseconds == 43_200_000)
    var sns = SNSOptions()
    sns.topicARN = "arn:aws:sns:eu-west-1:1:t"
    sns.subject = "S"
    sns.access.profile = "p"
    #expect(found.alerting.receivers[2].channel == .sns(sns))
    #expect(!found.text.contains("http://h/x"))
  }

  @Test(
    "a receiver that cannot be told is refused",
    arguments: [
      ("{name: a}", "receiver: exactly one of webhook, slack and sns is needed"),
      (
        "{name: a, webhook: {url: 'http://a'}, sns: {topic_arn: 'arn:aws:sns:r:1:t'}}",
        "exactly one of webhook, slack and sns is needed"
      ),
      ("{name: a, webhook: {}}", "webhook: exactly one of url and url_file is needed"),
      ("{name: a, webhook: {url: 'ftp://a'}}", "webhook: url is neither http nor https"),
      ("{name: a, slack: {api_url: 'http://a', api_url_file: b}}", "exactly one of api_url and api_url_file is needed"),
      ("{name: a, sns: {topic_arn: 'arn:aws:sqs:r:1:t'}}", "sns: \"arn:aws:sqs:r:1:t\" is no topic"),
      ("{name: a, sns: {topic_arn: 'arn:aws:sns:r::t'}}", "is no topic: its ARN is arn:aws:sns:REGION:ACCOUNT:TOPIC"),
      ("{name: a, sns: {}}", "sns: the key \"topic_arn\" is missing"),
      ("{name: a, webhook: {url: 'http://a'}, group_interval: 0s}", "receiver: group_interval cannot be zero"),
      ("{webhook: {url: 'http://a'}}", "receiver: the key \"name\" is missing"),
      (
        "{name: a, webhook: {url: 'http://a'}}, {name: a, webhook: {url: 'http://a'}}",
        "two receivers have the name a"
      ),
    ])
  func refusedReceivers(text: String, message: String) {
    let told = fault("apus: {notify: [\(text)]}")
    #expect(told.contains(message), "\(told)")
  }

  @Test("two workspaces share neither an entry nor the file of an Alertmanager, however its path is written")
  func managedAlertmanagers() {
    func told(_ entries: String) -> String { fault("apus: {managed_alertmanagers: [\(entries)]}") }
    #expect(told("{url: 'http://a'}, {url: 'http://b'}").contains("the workspace default has two Alertmanagers"))
    for second in ["am.yml", "./am.yml", "x/../am.yml", ".//am.yml"] {
      let text = told("{url: 'http://a', config_file: am.yml}, {workspace: w, url: 'http://b', config_file: \(second)}")
      #expect(text.contains("two Alertmanagers have the config_file"), "\(second): \(text)")
    }
    #expect(
      told("{url: 'http://a', config_file: am.yml}, {workspace: w, url: 'http://a', config_file: b/am.yml}") == "none")
    #expect(told("{url: 'http://a'}, {workspace: w, url: 'http://a'}") == "none")
  }
}

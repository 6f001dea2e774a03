import TestKit

/// A Prometheus and Apus with the same rules, each with an Alertmanager of its own, and a recorder that both tell of
/// alerts beside it.
final class RulePeerPair {
  let site: EndToEnd.Site
  let recorder: AlertRecorder
  let prometheus: ServerProcess
  let apus: ServerProcess
  /// Of Prometheus, then of Apus.
  let alertmanagers: [ServerProcess]
  /// The second at which the samples of the past end.
  let moment: Int64

  var servers: [ServerProcess] { [prometheus, apus] }

  /// The names of the servers in paths of the recorder.
  static let names = ["prometheus", "apus"]

  /// Both have no rules yet, and samples of the past.
  init() throws {
    site = try EndToEnd.Site()
    recorder = try AlertRecorder()
    moment = nowMilliseconds() / 1000 - 2
    try site.directory.makeFolder("rules")
    var alertmanagers: [ServerProcess] = []
    for name in Self.names {
      let file = try site.directory.write(Self.alertmanagerText(recorder, name), to: "alertmanager-\(name).yml")
      alertmanagers.append(try .alertmanager(data: site.directory.path("alertmanager-\(name)"), configuration: file))
    }
    self.alertmanagers = alertmanagers
    var files: [String] = []
    for (name, alertmanager) in zip(Self.names, alertmanagers) {
      files.append(
        try site.directory.write(Self.text(site.directory.path, recorder, name, alertmanager), to: "\(name).yml"))
    }
    let flags = [
      "--web.enable-lifecycle", "--web.external-url=http://rules.example:9090/base/", "--web.route-prefix=/",
      "--rules.alert.resend-delay=2s",
    ]
    let features = "--enable-feature=native-histograms"
    prometheus = try .prometheus(data: site.directory.path("peer"), configuration: files[0], flags + [features])
    // The harness itself is right where it finds nothing between two of a kind.
    apus =
      environmentVariable("APUS_RULE_PEERS_ALIKE") != nil
      ? try .prometheus(data: site.directory.path("data"), configuration: files[1], flags + [features])
      : try site.start(["--config.file=\(files[1])", "--no-storage.own-metrics"] + flags)
    try write(RulePeerSamples.history(until: moment * 1000))
    // What Prometheus has to tell before it found an Alertmanager is lost.
    let areFound = try eventually(within: .seconds(30), every: .milliseconds(100)) {
      try servers.allSatisfy {
        try RuleOutcome.data($0, "/api/v1/alertmanagers")["activeAlertmanagers"].array?.count == 2
      }
    }
    guard areFound else { throw QueryAnswer.Refusal(status: 0, body: "no Alertmanagers were found") }
  }

  func write(_ body: RemoteWriteBody) throws {
    for server in servers {
      let answer = try server.write(body)
      guard answer.status / 100 == 2 else { throw QueryAnswer.Refusal(status: answer.status, body: answer.text) }
    }
  }

  /// Writes rule files, by name; those of other names stay. `reload` makes them known.
  func writeRules(_ files: [String: String]) throws {
    for (name, text) in files { try site.directory.write(text, to: "rules/\(name)") }
  }

  /// Asks both to read their configuration again; their answers, Prometheus's first.
  func reload() throws -> [HTTPAnswer] { try servers.map { try $0.request("POST", "/-/reload") } }

  func differences() throws -> [String] { try RuleOutcome(apus).differences(from: RuleOutcome(prometheus)) }

  /// What the recorder was told directly, and by the Alertmanagers.
  func history(of place: Int) throws -> RuleHistory {
    let name = Self.names[place]
    return try RuleHistory(
      servers[place], posted: recorder.deliveries(to: "/\(name)/"),
      told: recorder.deliveries(to: "/hook/\(name)"))
  }

  private static func text(
    _ folder: String, _ recorder: AlertRecorder, _ name: String, _ alertmanager: ServerProcess
  ) -> String {
    """
    global:
      evaluation_interval: 1s
      external_labels: {cluster: test, replica: a, zone: never}
    rule_files: ['\(folder)/rules/*.yml', '\(folder)/none/*.yml']
    alerting:
      alert_relabel_configs:
      - {regex: replica, action: labeldrop}
      - {source_labels: [alertname], regex: '(Now|For)', target_label: relabelled, replacement: 'to $1'}
      - {source_labels: [drop], regex: me, action: drop}
      alertmanagers:
      - static_configs: [{targets: ['127.0.0.1:\(alertmanager.port)']}]
      - path_prefix: /\(name)/
        relabel_configs:
        - {source_labels: [__address__], regex: dropped.*, action: drop}
        static_configs: [{targets: ['\(recorder.address)', 'dropped.example:1']}]

    """
  }

  private static func alertmanagerText(_ recorder: AlertRecorder, _ name: String) -> String {
    """
    route: {receiver: hook, group_by: ['...'], group_wait: 100ms, group_interval: 1s, repeat_interval: 1h}
    receivers:
    - {name: hook, webhook_configs: [{url: 'http://\(recorder.address)/hook/\(name)', send_resolved: true}]}

    """
  }
}

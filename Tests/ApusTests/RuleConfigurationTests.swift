import Model
import Rules
import TestKit
import Testing

@testable import apus

@Suite("Rules in the configuration")
struct RuleConfigurationTests {
  private static let good = "groups: [{name: g, rules: [{record: x, expr: up}]}]"

  /// Loads a configuration beside these rule files, as the server does.
  private func load(
    _ text: String, _ files: [(String, String)], _ arguments: [String] = []
  ) throws -> Result<(Configuration, directory: String), ConfigurationErrors> {
    try withTemporaryDirectory { directory in
      let file = directory + "/apus.yml"
      try write(text, to: file)
      for (name, text) in files { try write(text, to: directory + "/" + name) }
      let options = try options(["--config.file=\(file)"] + arguments)
      do throws(ConfigurationErrors) {
        return .success((try ConfigurationFile.load(options, environment: [:]), directory))
      } catch {
        return .failure(error)
      }
    }
  }

  @Test("intervals, offset, labels and files come from the file, the rest from flags")
  func values() throws {
    let text = """
      global: {evaluation_interval: 30s, rule_query_offset: 10s, external_labels: {a: b}}
      rule_files: [./b.yml, '*.rules.yml', none.yml]
      """
    let (read, directory) = try load(
      text, [("b.yml", Self.good), ("a.rules.yml", Self.good)],
      [
        "--rules.alert.resend-delay=5s", "--rules.alert.for-outage-tolerance=2h",
        "--rules.alert.for-grace-period=3m", "--rules.max-concurrent-evals=9", "--web.external-url=http://h/p/",
      ]
    ).get()
    var wanted = RuleOptions()
    (wanted.intervalMilliseconds, wanted.queryOffsetMilliseconds) = (30_000, 10_000)
    wanted.externalLabels = Labels([("a", "b")])
    wanted.externalURL = "http://h/p"
    (wanted.resendMilliseconds, wanted.outageToleranceMilliseconds) = (5000, 7_200_000)
    (wanted.graceMilliseconds, wanted.concurrentEvaluationsMax) = (180_000, 9)
    #expect(read.rules == wanted)
    #expect(read.ruleGroups.map(\.key) == [directory + "/b.yml;g", directory + "/a.rules.yml;g"])
    #expect(
      read.warnings == ["rule_files: \"\(directory)/none.yml\" is not there; no rules are read from it"])
    let (plain, _) = try load("global: {evaluation_interval: 0s}", []).get()
    #expect(plain.rules == RuleOptions() && plain.ruleGroups.isEmpty)
  }

  @Test("one bad rule file refuses the configuration with all errors, unless valid files are asked for")
  func errors() throws {
    let files = [
      ("a.yml", Self.good), ("b.yml", "groups: [{name: g, rules: [{record: x, expr: 'sum('}, {expr: up}]}]"),
    ]
    guard case .failure(let errors) = try load("rule_files: ['?.yml']", files) else {
      Issue.record("a bad rule file is taken")
      return
    }
    #expect(errors.lines.count == 2)
    #expect(
      errors.lines[0].hasSuffix(
        "/b.yml: 1:46: group \"g\", rule 1, \"x\": could not parse expression: 1:5: parse error: unclosed left parenthesis"
      ))
    let (read, directory) = try load("rule_files: ['?.yml']\napus: {rules: {load_valid_files: true}}", files).get()
    #expect(read.ruleGroups.map(\.key) == [directory + "/a.yml;g"])
    #expect(read.refusedRuleFiles == [directory + "/b.yml"])
    #expect(read.warnings.count == 2 && read.warnings[0].hasPrefix("rule file left out: \(directory)/b.yml: 1:46: "))
  }

  @Test("what rules do otherwise than Prometheus can be turned off")
  func settings() throws {
    let text =
      "apus: {rules: {hold_alerts_on_failure: false, resolve_removed_alerts: false, recovered_rounds_max: 0}}"
    var wanted = RuleOptions()
    (wanted.holdsAlertsOnFailure, wanted.resolvesRemovedAlerts, wanted.recoveredSlotsMax) = (false, false, 0)
    #expect(try load(text, []).get().0.rules == wanted)
    #expect(throws: ConfigurationErrors.self) { try load("apus: {rules: {recovered_rounds_max: 1001}}", []).get() }
  }

  @Test(
    "an external label that tells the servers of a pair apart is warned of where it reaches an Alertmanager",
    arguments: [
      ("replica: a", "", "", 1), ("__replica__: a", "", "", 1), ("prometheus_replica: a", "", "", 1),
      ("cluster: a", "", "", 0),
      ("replica: a", "alert_relabel_configs: [{regex: replica, action: labeldrop}]", "", 0),
      ("replica: a", "", "alert_relabel_configs: [{regex: replica, action: labeldrop}]", 0),
      ("replica: a", "alert_relabel_configs: [{target_label: replica, replacement: all}]", "", 0),
      ("replica: a", "", "alert_relabel_configs: [{regex: cluster, action: labeldrop}]", 1),
    ])
  func replicas(label: String, all: String, one: String, count: Int) throws {
    let text = """
      global: {external_labels: {\(label)}}
      alerting:
        \(all)
        alertmanagers:
        - static_configs: [{targets: ['a:9093']}]
          \(one)
      """
    let warnings = try load(text, []).get().0.warnings
    #expect(warnings.count == count, "\(warnings)")
    #expect(warnings.allSatisfy { $0.hasPrefix("global.external_labels.\(label.prefix { $0 != ":" }): ") })
    #expect(try load("global: {external_labels: {\(label)}}", []).get().0.warnings == [])
  }

  @Test("names and expressions of rules follow the settings of the server")
  func terms() throws {
    let files = [("r.yml", "groups: [{name: g, rules: [{record: 'a b', expr: 'limitk(1, up)'}]}]")]
    let text = "rule_files: [r.yml]\n"
    #expect(throws: ConfigurationErrors.self) { try load(text, files).get() }
    let feature = ["--enable-feature=promql-experimental-functions"]
    #expect(try load(text, files, feature).get().0.ruleGroups.count == 1)
    let legacy = "global: {metric_name_validation_scheme: legacy}\n" + text
    #expect(throws: ConfigurationErrors.self) { try load(legacy, files, feature).get() }
  }
}

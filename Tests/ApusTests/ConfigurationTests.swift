import Format
import Model
import Testing

@testable import apus

/// A configuration from text that must be valid.
func configuration(_ text: String, environment: [String: String] = [:]) throws -> Configuration {
  try Configuration.read(Array(text.utf8), file: "test.yml", environment: environment)
}

@Suite("The configuration")
struct ConfigurationTests {
  @Test("an empty file means the defaults")
  func defaults() throws {
    for text in ["", "# nothing\n", "---\n", "global:\nstorage:\napus:\n", "{}"] {
      let configuration = try configuration(text)
      #expect(configuration.global.scrapeIntervalMilliseconds == 60_000)
      #expect(configuration.global.scrapeTimeoutMilliseconds == 10_000)
      #expect(configuration.global.evaluationIntervalMilliseconds == 60_000)
      #expect(configuration.global.externalLabels.isEmpty)
      #expect(configuration.storage.outOfOrderWindowMilliseconds == nil)
      #expect(configuration.storage.retention == nil)
      #expect(configuration.storage.exemplarsMax == 100_000)
      #expect(configuration.limits.labelsPerSeriesMax == 100)
      #expect(configuration.limits.activeSeriesMax == 10_000_000)
      #expect(configuration.ha.isEnabled && configuration.ha.replicaLabel == "__replica__")
      #expect(configuration.ha.failoverTimeoutMilliseconds == 30_000)
      #expect(configuration.warnings.isEmpty)
    }
  }

  @Test("the built-in default is config/apus.yml, and means what an empty file means")
  func builtInDefault() throws {
    #expect(try repositoryFile("config/apus.yml") == ConfigurationFile.defaultText)
    let builtIn = try configuration(ConfigurationFile.defaultText)
    #expect(builtIn.warnings.isEmpty)
    let withoutEmptyMap = builtIn.text.replacing("  external_labels: {}\n", with: "")
    #expect(withoutEmptyMap == (try configuration("").text))
  }

  @Test("a prometheus.yml from the field is read whole, and what is not served is named in one line")
  func realLife() throws {
    let configuration = try configuration(realLifeConfiguration, environment: ["CLUSTER": "prod", "REPLICA": "b"])
    #expect(configuration.global.scrapeIntervalMilliseconds == 15_000)
    #expect(configuration.global.queryLogFile == "/prometheus/query.log")
    #expect(
      configuration.global.externalLabels
        == Labels([("cluster", "prod"), ("__replica__", "b"), ("price", "$5"), ("region", "eu-central-1")]))
    #expect(configuration.storage.outOfOrderWindowMilliseconds == 1_800_000)
    #expect(
      configuration.storage.retention
        == Configuration.Retention(timeMilliseconds: 90 * 86_400_000, sizeBytes: 100 << 30))
    #expect(
      configuration.warnings == [
        "accepted but not served by this version: rule_files, scrape_config_files, alerting, scrape_configs, "
          + "remote_write, remote_read, tracing, runtime"
      ])
    let jobs = configuration.document.sections("scrape_configs")
    #expect(jobs.compactMap { $0.text("job_name") }.count == 5)
    #expect(jobs[1].boolean("honor_labels") == true)
    #expect(jobs[2].section("tls_config")?.text("ca_file") == "/etc/ssl/ca.pem")
    #expect(jobs[2].section("tls_config")?.text("server_name") == "pods.internal")
    #expect(jobs[2].bytes("body_size_limit") == 10 << 20)
    #expect(jobs[0].sections("static_configs")[0].pairs("labels").map(\.value) == ["payments", "0"])
    let queue = configuration.document.sections("remote_write")[0].section("queue_config")
    #expect(queue?.integer("max_shards") == 200 && queue?.integer("min_shards") == 1)
  }

  @Test("our own section sets limits, HA and retention rules")
  func ownSection() throws {
    let configuration = try configuration(
      """
      apus:
        limits:
          max_active_series: 0
          max_labels_per_series: 30
          label_sets:
          - labels: {team: a}
            max_series: 1000
        ha:
          enabled: off
          replica_label: replica
          failover_timeout: 1m
          ring_bytes: 1MB
        retention_rules:
        - {selector: '{env="dev"}', retention: 7d}
        - selector: up
          retention: 1y
      """)
    #expect(configuration.limits.activeSeriesMax == 0)
    #expect(configuration.limits.labelsPerSeriesMax == 30 && configuration.limits.labelValueBytesMax == 8192)
    #expect(configuration.limits.labelSets == [.init(labels: Labels([("team", "a")]), seriesMax: 1000)])
    #expect(!configuration.ha.isEnabled && configuration.ha.replicaLabel == "replica")
    #expect(configuration.ha.clusterLabel == "cluster" && configuration.ha.ringBytes == 1 << 20)
    #expect(configuration.retentionRules.map(\.selector) == ["{env=\"dev\"}", "up"])
    #expect(configuration.retentionRules.map(\.retentionMilliseconds) == [604_800_000, 31_536_000_000])
    #expect(configuration.retentionRules.map(\.position.line) == [14, 15])
    #expect(configuration.warnings.isEmpty)
  }

  @Test("other names and relabelling rules become the rules of what is received, with their defaults")
  func ingestRules() throws {
    let configuration = try configuration(
      """
      apus:
        rename:
        - {from: 'ecs_(.*)_Megabytes', to: ecs_$1}
        - {from: a, to: b, keep: true}
        write_relabel_configs:
        - {action: Drop, source_labels: [__name__, job], regex: 'go_.*;x'}
        - {target_label: a, replacement: '', separator: ''}
        - {action: hashmod, source_labels: [a], target_label: b, modulus: 8}
      """)
    let rules = configuration.ingestRules
    #expect(
      rules.renames == [
        .init(from: "ecs_(.*)_Megabytes", to: "ecs_$1"), .init(from: "a", to: "b", keepsOld: true),
      ])
    var set = RelabelRule(.replace, to: "a", replacement: "")
    set.separator = ""
    var spread = RelabelRule(.hashmod, of: ["a"], to: "b")
    spread.modulus = 8
    #expect(rules.relabel == [RelabelRule(.drop, of: ["__name__", "job"], regex: "go_.*;x"), set, spread])
    #expect(configuration.warnings.isEmpty)
  }

  @Test("the file's retention comes before the flags', and 15 days before nothing")
  func retention() throws {
    func effective(_ text: String, time: Int64?, size: Int?) throws -> Configuration.Retention {
      .effective(try configuration(text), flagTimeMilliseconds: time, flagSizeBytes: size)
    }
    let days: Int64 = 86_400_000
    #expect(try effective("", time: nil, size: nil) == .init(timeMilliseconds: 15 * days))
    #expect(try effective("", time: 30 * days, size: nil) == .init(timeMilliseconds: 30 * days))
    #expect(try effective("", time: nil, size: 5) == .init(sizeBytes: 5))
    let file = "storage: {tsdb: {retention: "
    #expect(try effective(file + "{time: 1d}}}", time: 2 * days, size: 5) == .init(timeMilliseconds: days))
    #expect(try effective(file + "{size: 1KB}}}", time: 2 * days, size: nil) == .init(sizeBytes: 1024))
    #expect(try effective(file + "{percentage: 80}}}", time: nil, size: nil) == .init(percentage: 80))
    #expect(try effective(file + "{time: 0s}}}", time: 2 * days, size: nil) == .init())
    #expect(try effective(file + "{}}}", time: 2 * days, size: nil) == .init(timeMilliseconds: 2 * days))
    let both = try configuration(file + "{percentage: 80, size: 1KB}}}")
    #expect(both.storage.retention == .init(percentage: 80))
    #expect(both.warnings == ["storage.tsdb.retention: size is ignored, because percentage is given"])
  }

  @Test("empty sections and a second document are no errors")
  func oddities() throws {
    #expect(try configuration("scrape_configs:\nrule_files: []\nremote_write:\n").warnings.isEmpty)
    let two = try configuration("global:\n  scrape_interval: 5s\n---\nrubbish: [\n")
    #expect(two.global.scrapeIntervalMilliseconds == 5000)
    #expect(two.global.scrapeTimeoutMilliseconds == 5000)
    #expect(two.warnings == ["test.yml:3:1: what follows the first document is ignored"])
  }

  @Test(
    "environment variables stand in external labels as in a shell",
    arguments: [
      ("plain", "plain", []), ("$A", "1", []), ("${A}", "1", []), ("x$A.y", "x1.y", []), ("$A$B", "12", []),
      ("$AB", "", ["AB"]), ("${A}B", "1B", []), ("$$A", "$A", []), ("$$$A", "$1", []), ("$", "$", []), ("a$", "a$", []),
      ("$.", "$.", []), ("${}", "", []), ("${A", "A", []), ("${NOT_SET}x", "x", ["NOT_SET"]), ("$EMPTY", "", ["EMPTY"]),
      ("$1", "", ["1"]), ("$10", "0", ["1"]), ("ü$A", "ü1", []),
    ] as [(String, String, [String])])
  func expansion(text: String, expected: String, missing: [String]) {
    let result = EnvironmentText.expand(text, ["A": "1", "B": "2", "EMPTY": ""])
    #expect(result.text == expected)
    #expect(result.missing == missing)
  }

  @Test("a variable that is not set is named with its label")
  func missingVariable() throws {
    let configuration = try configuration("global: {external_labels: {a: $NOPE, b: c}}")
    #expect(configuration.global.externalLabels == Labels([("b", "c")]))
    #expect(configuration.warnings == ["global.external_labels.a: the environment variable NOPE is not set"])
  }
}

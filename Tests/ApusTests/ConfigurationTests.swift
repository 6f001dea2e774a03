import Format
import Ingest
import Model
import TSDB
import Testing

@testable import apus
import Workspaces

/// A configuration from text that must be valid.
func configuration(
  _ text: String, environment: [String: String] = [:], flags: [String] = []
) throws -> Configuration {
  try Configuration.read(
    Array(text.utf8), file: "test.yml", environment: environment, flags: WorkspaceSettings(try options(flags)))
}

/// A duration of `global` in effect.
private func interval(_ key: String, _ configuration: Configuration) -> Int64? {
  configuration.document.section("global")?.milliseconds(key)
}

@Suite("The configuration")
struct ConfigurationTests {
  @Test("an empty file means the defaults")
  func defaults() throws {
    for text in ["", "# nothing\n", "---\n", "global:\nstorage:\napus:\n", "{}"] {
      let configuration = try configuration(text)
      #expect(interval("scrape_interval", configuration) == 60_000)
      #expect(interval("scrape_timeout", configuration) == 10_000)
      #expect(interval("evaluation_interval", configuration) == 60_000)
      #expect(configuration.global.externalLabels.isEmpty)
      let settings = configuration.standard
      #expect(configuration.workspaces.count == 1 && settings.id == "default" && settings.alias == nil)
      #expect(!configuration.createsWorkspacesOnWrite)
      #expect(settings.database.head.lateWindowMilliseconds == nil)
      #expect(settings.database.retentionText == "15d")
      #expect(settings.database.head.exemplarsMax == 100_000)
      #expect(settings.ingest == .standard && settings.ingest.labelsPerSeriesMax == 100)
      #expect(settings.database.head.limits == .standard)
      #expect(settings.database.head.limits.activeSeriesMax == 10_000_000)
      #expect(settings.ha == HAOptions() && settings.otlp == OTLPOptions())
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
    #expect(interval("scrape_interval", configuration) == 15_000)
    #expect(
      configuration.global.externalLabels
        == Labels([("cluster", "prod"), ("__replica__", "b"), ("price", "$5"), ("region", "eu-central-1")]))
    #expect(configuration.standard.database.head.lateWindowMilliseconds == 1_800_000)
    #expect(configuration.standard.database.retentionText == "90d or 100GiB")
    #expect(
      configuration.warnings == [
        "accepted but not served by this version: remote_write, remote_read, tracing, runtime"
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
    let settings = configuration.standard
    let series = settings.database.head.limits
    #expect(series.activeSeriesMax == 0 && series.seriesPerMetricMax == 2_000_000)
    #expect(series.labelSets == [LabelSetLimit(labels: Labels([("team", "a")]), seriesMax: 1000)])
    #expect(settings.ingest.labelsPerSeriesMax == 30 && settings.ingest.labelValueBytesMax == 8192)
    #expect(!settings.ha.isEnabled && settings.ha.replicaLabel == "replica")
    #expect(settings.ha.clusterLabel == "cluster" && settings.ha.ringBytes == 1 << 20)
    let rules = settings.database.retentionRules
    #expect(
      rules.map { $0.matchers.map(\.matcher) } == [
        [Matcher(.equal, "env", "dev")], [Matcher(.equal, "__name__", "up")],
      ])
    #expect(rules.map(\.milliseconds) == [604_800_000, 31_536_000_000])
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
    let rules = configuration.standard.rules
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
    func effective(_ section: String, _ flags: [String: String] = [:]) throws -> String {
      let text = section.isEmpty ? "" : "storage: {tsdb: {retention: \(section)}}"
      let flags = flags.map { "--storage.tsdb.retention.\($0)=\($1)" }
      return try configuration(text, flags: flags).standard.database.retentionText
    }
    #expect(try effective("") == "15d")
    #expect(try effective("", ["time": "30d"]) == "30d")
    #expect(try effective("", ["size": "5B"]) == "5B")
    #expect(try effective("", ["time": "30d", "size": "5B"]) == "30d or 5B")
    #expect(try effective("{time: 1d}", ["time": "2d", "size": "5B"]) == "1d")
    #expect(try effective("{size: 1KB}", ["time": "2d"]) == "1KiB")
    #expect(try effective("{percentage: 80}") == "80% of the disk")
    #expect(try effective("{time: 0s}", ["time": "2d"]) == "")
    #expect(try effective("{}", ["time": "2d"]) == "2d")
    let both = try configuration("storage: {tsdb: {retention: {percentage: 80, size: 1KB}}}")
    #expect(both.standard.database.retentionText == "80% of the disk")
    #expect(both.warnings == ["storage.tsdb.retention: size is ignored, because percentage is given"])
  }

  @Test("empty sections and a second document are no errors")
  func oddities() throws {
    #expect(try configuration("scrape_configs:\nrule_files: []\nremote_write:\n").warnings.isEmpty)
    let two = try configuration("global:\n  scrape_interval: 5s\n---\nrubbish: [\n")
    #expect(interval("scrape_interval", two) == 5000)
    #expect(interval("scrape_timeout", two) == 5000)
    #expect(two.warnings.last == "test.yml:3:1: what follows the first document is ignored")
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

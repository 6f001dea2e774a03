import Ingest
import Model
import TSDB
import Testing

@testable import apus
import Workspaces

@Suite("Workspaces of the configuration")
struct WorkspaceSettingsTests {
  private static let text = """
    storage:
      tsdb: {out_of_order_time_window: 2h, retention: {time: 30d, size: 50GB}}
      exemplars: {max_exemplars: 5}
    otlp: {promote_resource_attributes: [service.name], promote_scope_metadata: true}
    apus:
      limits: {max_active_series: 100, max_labels_per_series: 20, label_sets: [{labels: {a: b}, max_series: 1}]}
      ha: {cluster_label: c, failover_timeout: 1m}
      retention_rules: [{selector: up, retention: 1d}]
      write_relabel_configs: [{action: labeldrop, regex: pod}]
      rename: [{from: a, to: b}]
      create_workspaces_on_write: true
      workspaces:
      - id: ws-5f3d0f3e-7f1c-4d0f-9d5e-3f2a1b0c4d5e
        alias: payments
      - id: Test_1
        limits: {max_active_series: 7, max_samples_per_second: 9}
        ha: {enabled: false}
        retention: {time: 1h}
        retention_rules: [{selector: '{job="x"}', retention: 2d}]
        write_relabel_configs: []
        rename: [{from: c, to: d, keep: true}]
        otlp: {translation_strategy: NoTranslation}
        out_of_order_time_window: 0s
        exemplars: {max_exemplars: 0}

    """

  private func read(_ text: String = text, flags: [String] = []) throws -> [WorkspaceSettings] {
    try configuration(text, flags: flags).workspaces
  }

  @Test("what an entry does not give is as for the default workspace")
  func inherited() throws {
    let workspaces = try read(flags: [
      "--storage.tsdb.wal-sync=always", "--storage.tsdb.min-free-space=7MB", "--web.max-decoded-body-bytes=9MB",
      "--enable-feature=otlp-native-delta-ingestion", "--storage.tsdb.path=/d",
    ])
    #expect(workspaces.map(\.id) == ["default", "ws-5f3d0f3e-7f1c-4d0f-9d5e-3f2a1b0c4d5e", "Test_1"])
    #expect(workspaces.map(\.alias) == [nil, "payments", nil])
    let standard = workspaces[0]
    #expect(standard.database.head.limits.activeSeriesMax == 100 && standard.otlp.deltas == .stored)
    var named = workspaces[1]
    (named.id, named.alias) = (standard.id, standard.alias)
    #expect("\(named)" == "\(standard)")
    let other = workspaces[2]
    #expect(other.database.walSync == .always && other.database.freeBytesMin == 7 << 20)
    #expect(other.ingest.decodedBytesMax == 9 << 20 && other.otlp.deltas == .stored)
  }

  @Test("what an entry gives counts for it alone, key by key; a list counts as a whole")
  func own() throws {
    let workspaces = try read()
    let other = workspaces[2]
    let series = other.database.head.limits
    #expect(series.activeSeriesMax == 7 && series.seriesPerMetricMax == 2_000_000)
    #expect(series.labelSets == [LabelSetLimit(labels: Labels([("a", "b")]), seriesMax: 1)])
    #expect(other.ingest.samplesPerSecondMax == 9 && other.ingest.labelsPerSeriesMax == 20)
    #expect(!other.ha.isEnabled && other.ha.clusterLabel == "c" && other.ha.failoverMilliseconds == 60_000)
    #expect(other.database.retentionText == "1h or 50GiB")
    #expect(other.database.retentionRules.map(\.milliseconds) == [172_800_000])
    #expect(other.database.retentionRules.first?.matchers.map(\.matcher) == [Matcher(.equal, "job", "x")])
    #expect(other.rules.relabel.isEmpty && other.rules.renames == [.init(from: "c", to: "d", keepsOld: true)])
    #expect(!other.otlp.escapes && other.otlp.promotesScope && other.otlp.promotion == .only(["service.name"]))
    #expect(other.database.head.lateWindowMilliseconds == 0 && other.database.head.exemplarsMax == 0)

    let standard = workspaces[0]
    #expect(standard.database.head.limits.activeSeriesMax == 100 && standard.ingest.samplesPerSecondMax == 0)
    #expect(standard.ha.isEnabled && standard.otlp.escapes && standard.rules.relabel.count == 1)
    #expect(standard.database.retentionText == "30d or 50GiB")
    #expect(try configuration(WorkspaceSettingsTests.text).createsWorkspacesOnWrite)
  }

  @Test(
    "a size of its own comes before the server's percentage of the disk, and the flags count where nothing else does")
  func retention() throws {
    func texts(_ server: String, _ own: String, flags: [String] = []) throws -> [String] {
      try read("storage: {tsdb: {\(server)}}\napus: {workspaces: [{id: a, \(own)}]}\n", flags: flags).map(
        \.database.retentionText)
    }
    let percentage = "retention: {time: 1d, percentage: 80}"
    #expect(try texts(percentage, "") == ["1d or 80% of the disk", "1d or 80% of the disk"])
    #expect(try texts(percentage, "retention: {size: 1GB}") == ["1d or 80% of the disk", "1d or 1GiB"])
    #expect(try texts(percentage, "retention: {size: 0B, time: 0s}") == ["1d or 80% of the disk", ""])
    let flags = ["--storage.tsdb.retention.time=3d", "--storage.tsdb.retention.size=2GB"]
    #expect(try texts("", "retention: {time: 1d}", flags: flags) == ["3d or 2GiB", "1d or 2GiB"])
    #expect(try texts("", "retention: {time: 0s}") == ["15d", ""])
  }

  @Test("there are at most as many as a server has room for")
  func count() throws {
    func text(_ count: Int) -> String {
      "apus:\n  workspaces:\n" + (0..<count).map { "  - {id: w\($0)}\n" }.joined()
    }
    #expect(try read(text(1999)).count == 2000)
    do throws(ConfigurationErrors) {
      _ = try Configuration.read(Array(text(2001).utf8), file: "p")
      Issue.record("2001 are taken")
    } catch {
      #expect(
        error.lines == [
          "p:2002:5: workspace: there are 2001 workspaces; a server has room for 1999 besides the default one"
        ])
    }
  }

  @Test("an entry is printed with what it gives and no more, and reads back as it was")
  func printed() throws {
    let configuration = try configuration(WorkspaceSettingsTests.text)
    let text = configuration.text
    #expect(
      text.contains(
        """
          - id: Test_1
            retention:
              time: 1h
            out_of_order_time_window: 0s
            exemplars:
              max_exemplars: 0
            otlp:
              translation_strategy: NoTranslation
            limits:
              max_active_series: 7
              max_samples_per_second: 9
            ha:
              enabled: false

        """), "\(text)")
    let again = try apusTestsConfiguration(text)
    #expect("\(again.workspaces)" == "\(configuration.workspaces)")
  }

  @Test(
    "what cannot be is an error at its place",
    arguments: [
      ("- {alias: a}", "5:5: workspace: the key \"id\" is missing"),
      ("- {id: ''}", Self.badID("")), ("- {id: -a}", Self.badID("-a")), ("- {id: a/b}", Self.badID("a/b")),
      ("- {id: é}", Self.badID("é")),
      ("- {id: \(String(repeating: "a", count: 65))}", Self.badID(.init(repeating: "a", count: 65))),
      ("- {id: \(String(repeating: "a", count: 64))}", ""),
      ("- {id: a}\n  - {id: b}\n  - {id: a}", "7:6: workspace: two workspaces have the id a"),
      (
        "- {id: default}",
        "5:6: workspace: the settings of the workspace default are those of the sections storage, otlp and apus, not here"
      ),
      ("- {id: a, alias: '\(String(repeating: "é", count: 100))'}", ""),
      (
        "- {id: a, alias: '\(String(repeating: "é", count: 101))'}",
        "5:20: alias: \"\(String(repeating: "é", count: 101))\" (expected a text of at most 100 characters)"
      ),
      ("- {id: a, limit: {}}", "5:13: unknown key \"limit\" in workspace; did you mean limits?"),
      ("- {id: a, create_workspaces_on_write: true}", "5:13: unknown key \"create_workspaces_on_write\" in workspace"),
      ("- {id: a, workspaces: []}", "5:13: unknown key \"workspaces\" in workspace"),
      (
        "- {id: a, limits: {max_active_series: -1}}", "5:41: max_active_series: \"-1\" (expected a whole number from 0)"
      ),
      ("- {id: a, retention: {percentage: 5}}", "5:25: unknown key \"percentage\" in retention"),
      ("- {id: a, ha: {replica_label: c}}", "5:18: ha: cluster_label and replica_label are the same"),
      (
        "- {id: a, retention_rules: [{selector: '{', retention: 1d}]}",
        "5:42: selector: not a selector: 1:2: parse error: unexpected end of input inside braces"
      ),
      (
        "- {id: a, otlp: {translation_strategy: NoTranslation}}",
        "5:19: the configuration: the translation_strategy "
          + "NoTranslation needs metric_name_validation_scheme: utf8"
      ),
      (
        "- {id: a, otlp: {ignore_resource_attributes: [b]}}",
        "5:20: otlp: ignore_resource_attributes needs promote_all_resource_attributes: true"
      ),
      ("- ~", "5:5: workspace: it is empty"),
    ])
  func refused(entries: String, message: String) {
    let text =
      "global: {metric_name_validation_scheme: legacy}\napus:\n  ha: {cluster_label: c}\n  workspaces:\n  \(entries)\n"
    var lines: [String] = []
    do throws(ConfigurationErrors) { _ = try Configuration.read(Array(text.utf8), file: "p") } catch {
      lines = error.lines
    }
    #expect(lines == (message.isEmpty ? [] : ["p:" + message]))
  }

  private static func badID(_ id: String) -> String {
    "5:10: id: \"\(id)\" (expected 1 to 64 letters, digits, dashes and underscores, the first a letter or digit)"
  }

  private func apusTestsConfiguration(_ text: String) throws -> Configuration { try configuration(text) }
}

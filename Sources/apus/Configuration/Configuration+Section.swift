import Ingest
import Notify
import Scrape
import TSDB
import Workspaces

extension Configuration {
  /// The whole file: Prometheus's keys in its order, then our own section.
  static let section = Section(
    "the configuration", Configuration(),
    [
      .section("global", \.global, GlobalSettings.section),
      .unread(
        SchemaKey("runtime", .section(Schema("runtime", [SchemaKey("gogc", .integer(-1...(.max)), "75")])), "{}")),
      .optional("alerting", \.alerting, NotifyOptions.section),
      .texts("rule_files", \.ruleFiles, element: .filePattern),
      // Read with the files that it names, once the main file is.
      .custom(SchemaKey("scrape_config_files", .list(.filePattern))) { _, _ in },
      Setting(
        "scrape_configs", key: { _ in SchemaKey("scrape_configs", .list(.section(ScrapeOptions.section.schema))) }
      ) { section, configuration, faults in
        configuration.scrapes = section.sections("scrape_configs").map { ScrapeOptions($0, &faults) }
      },
      .section("storage", \.standard.database, DatabaseOptions.section),
      .unread(SchemaKey("tracing", .section(Schema.tracing))),
      .unread(SchemaKey("remote_write", .list(.section(Schema.remoteWrite)))),
      .unread(SchemaKey("remote_read", .list(.section(Schema.remoteRead)))),
      .section("otlp", \.standard.otlp, OTLPOptions.section),
      .section("apus", \.self, apus),
    ],
    rules: [
      .check(SchemaRules.jobNamesAreUnique), .check(SchemaRules.remoteNamesAreUnique),
      .check(SchemaRules.translationFitsNames),
    ])

  private static let rules = Section(
    "rules", Configuration(),
    [
      .boolean(
        "load_valid_files", \.loadsValidRuleFiles,
        help: "Serve the rule files that can be read where others cannot: those are told in the log and left out."),
      .boolean(
        "hold_alerts_on_failure", \.rules.holdsAlertsOnFailure,
        help: "Tell the firing alerts of a rule that fails on, so that they do not expire; false as in Prometheus."),
      .boolean(
        "resolve_removed_alerts", \.rules.resolvesRemovedAlerts,
        help: "Resolve the alerts of a rule that is taken away at once; false lets them expire, as in Prometheus."),
      .integer(
        "recovered_rounds_max", \.rules.recoveredSlotsMax, shape: .integer(0...1000),
        help:
          "Rounds that a stall has passed over whose recording rules are evaluated afterwards; 0: none, as in Prometheus."
      ),
    ])

  /// The section of the keys that Prometheus does not have.
  private static let apus = Section(
    "apus", Configuration(),
    WorkspaceSettings.own.map { $0.at(\.standard) } + [
      .section("scrape", \.scraping, ScrapeServerOptions.section, help: "Scraping: see scraping.md."),
      .section("rules", \.self, rules, help: "Rules: see rules.md."),
      .sections(
        "notify", \.alerting.receivers, ReceiverOptions.section,
        help: "Receivers of alerts without an Alertmanager: see alerting.md."),
      .sections(
        "managed_alertmanagers", \.alertmanagers, AlertmanagerBinding.section,
        help: "The Alertmanager of a workspace, for its alert manager definition and its users: see alerting.md."),
      .boolean(
        "allow_private_receivers", \.allowsPrivateReceivers,
        help: "Let receivers of alert manager definitions that came over the API have addresses of private networks."),
      .section(
        "total_retention", \.totalRetention, TotalRetention.section,
        help: "What all workspaces keep together: see blocks.md."),
      .section("usage", \.usagePrices, UsagePrices.section, help: "Usage and its prices: see usage.md."),
      .boolean(
        "create_workspaces_on_write", \.createsWorkspacesOnWrite,
        help: "Make a workspace that does not exist when the first write for it comes."),
      // The last key: by now all is read that the entries do not give.
      Setting(
        "workspaces",
        key: { _ in
          SchemaKey(
            "workspaces", .list(.section(WorkspaceSettings.entry.schema)),
            help: "Workspaces besides the default one. What an entry does not give is as for the default workspace.")
        }
      ) { section, configuration, faults in
        configuration.workspaces += WorkspaceSettings.read(
          section.sections("workspaces"), over: configuration.standard, &faults)
      },
    ], rules: [.check(ReceiverOptions.receiversAreTold), .check(AlertmanagerBinding.areApart)],
    conditions: [{ IngestRules.compile($0.standard.rules) }])
}

extension Schema {
  static let root = Configuration.section.schema
}

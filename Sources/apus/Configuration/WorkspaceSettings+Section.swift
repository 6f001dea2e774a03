import Ingest
import TSDB
import Workspaces

extension WorkspaceSettings {
  /// Keys of `apus` that are those of the default workspace, and that an entry of `apus.workspaces` may have of its own.
  static let own: [Setting<WorkspaceSettings>] =
    [
      .section("limits", \.self, limits, help: "Limits of a workspace; 0 means no limit."),
      .section(
        "ha", \.ha, HAOptions.section, help: "De-duplication of replicas that send the same series: see ha.md."),
      RetentionRules.Rule.setting.at(\.database),
    ] + IngestRules.settings.map { $0.at(\.rules) }

  /// An entry of `apus.workspaces`, read over the settings of the top level.
  static let entry = Section(
    "workspace", WorkspaceSettings(),
    [
      .text("id", \.id, shape: .workspaceID, isRequired: true, help: "The name in its address, /workspaces/ID."),
      .custom(
        SchemaKey("alias", .shortText(aliasCharactersMax), help: "What people call it; need not be unique.")
      ) {
        $1.alias = $0.text("alias").flatMap { $0.isEmpty ? nil : $0 }
      },
      .section(
        "retention", \.database, DatabaseOptions.workspaceRetention,
        help: "How long and how much is kept; without it storage.tsdb.retention, or the flags."),
      documented(DatabaseOptions.lateWindow.at(\.database), "As storage.tsdb.out_of_order_time_window."),
      documented(DatabaseOptions.exemplars.at(\.database), "As storage.exemplars."),
      documented(.section("otlp", \.otlp, OTLPOptions.section), "As the section otlp."),
    ] + own
  ).withoutPresets

  static let aliasCharactersMax = 100

  private static func documented(
    _ setting: Setting<WorkspaceSettings>, _ help: String
  ) -> Setting<WorkspaceSettings> {
    Setting(
      setting.name,
      key: {
        var key = setting.key($0)
        key.help = help
        return key
      }, number: setting.number, read: setting.read)
  }

  /// Reads the workspaces of the file, each over the settings of the default one.
  static func read(
    _ entries: [SectionValue], over standard: WorkspaceSettings, _ faults: inout [ConfigurationFault]
  ) -> [WorkspaceSettings] {
    var seen: Set<String> = []
    var workspaces: [WorkspaceSettings] = []
    for value in entries {
      var settings = standard
      entry.fill(&settings, from: value, &faults)
      if settings.rules != standard.rules, let violation = IngestRules.compile(settings.rules) {
        faults.append(value.fault(violation))
      }
      if settings.id == defaultID {
        faults.append(
          value.fault(
            RuleViolation(
              "the settings of the workspace \(defaultID) are those of the sections storage, otlp and apus, not here",
              at: "id")))
      } else if !seen.insert(settings.id).inserted {
        faults.append(value.fault(RuleViolation("two workspaces have the id \(settings.id)", at: "id")))
      }
      workspaces.append(settings)
    }
    let countMax = WorkspaceBound.workspacesMax - 1
    if entries.count > countMax {
      faults.append(
        entries[countMax].fault(
          RuleViolation(
            "there are \(entries.count) workspaces; a server has room for \(countMax) besides the default one")))
    }
    return workspaces
  }
}

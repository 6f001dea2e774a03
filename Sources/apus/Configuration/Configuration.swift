import Format
import Notify
import Rules
import Scrape
import TSDB
import Workspaces

/// The configuration file, typed. Immutable; a reload makes a new one. `document` keeps the sections that this version
/// only checks and does not read; `warnings` names them.
struct Configuration: Sendable {
  var global = GlobalSettings()
  /// The settings of every workspace. The first is the default one, as the flags and the top level of the file set it;
  /// the others start from its settings.
  var workspaces: [WorkspaceSettings]
  var createsWorkspacesOnWrite = false
  /// The jobs to scrape, of the main file and of those it names.
  var scrapes: [ScrapeOptions] = []
  /// Settings of all scrapes.
  var scraping = ScrapeServerOptions()
  /// Settings of all rules.
  var rules = RuleOptions()
  /// The patterns of `rule_files` as they are opened.
  var ruleFiles: [String] = []
  /// The terms under which rule files are read.
  var ruleFileOptions = RuleFileOptions()
  /// Files that can be read count although others cannot: `apus.rules.load_valid_files`.
  var loadsValidRuleFiles = false
  /// The groups of the rule files; `loadRules` reads them.
  var ruleGroups: [RuleGroupDefinition] = []
  /// Rule files that were left out because they cannot be read.
  var refusedRuleFiles: [String] = []
  /// Whom alerts go to. Flags add to it.
  var alerting = NotifyOptions()
  /// The Alertmanagers of workspaces, for their definitions and their users.
  var alertmanagers: [AlertmanagerBinding] = []
  /// Receivers of definitions may have private addresses.
  var allowsPrivateReceivers = false
  /// Limits on what all workspaces keep together.
  var totalRetention = TotalRetention()
  /// The prices of usage; they change no counts.
  var usagePrices = UsagePrices()
  /// The whole file, typed and with defaults filled in: for printing. A key that sets none of the other fields has no
  /// effect.
  var document = SectionValue(Schema("the configuration", []), at: YAMLPosition(line: 1, column: 1))
  /// The file's path, or the name of the built-in default, as errors and the log call it.
  var file = ""
  /// Lines to log: keys without effect, and what may be a mistake.
  var warnings: [String] = []

  /// Starts from `flags`: the default workspace as the flags set it, which the file is read over.
  init(flags: WorkspaceSettings = WorkspaceSettings()) { workspaces = [flags] }

  /// The settings of the default workspace.
  var standard: WorkspaceSettings {
    get { workspaces[0] }
    set { workspaces[0] = newValue }
  }
}

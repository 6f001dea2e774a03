import Ingest
import Rules
import TSDB

/// The settings of one workspace: the options of each of its parts. A value; a reload makes new ones.
package struct WorkspaceSettings: Sendable {
  /// The id of the workspace that is always there.
  package static let defaultID = "default"

  /// 1 to 64 letters, digits, dashes and underscores.
  package var id: String
  /// The name people give it; nil: it has only its id. Not unique.
  package var alias: String?
  /// The database: retention and its rules, limits of series, late samples, exemplars. `directory` is the server's own;
  /// whoever opens the workspace names its place in there.
  package var database: DatabaseOptions
  /// The limits of a body and of a series.
  package var ingest = IngestLimits.standard
  /// De-duplication of replicas.
  package var ha = HAOptions()
  /// Other names and relabelling of everything received.
  package var rules = IngestRules()
  /// How OpenTelemetry's metrics become series.
  package var otlp = OTLPOptions()
  /// The groups of rules of the configuration; those that came over the API are the workspace's own.
  package var ruleGroups: [RuleGroupDefinition] = []
  /// The terms under which groups that come over the API are read.
  package var ruleFileOptions = RuleFileOptions()
  /// How rules are evaluated.
  package var ruleOptions = RuleOptions()

  /// The logs that it keeps for itself.
  package var logging = WorkspaceLogging()

  /// The defaults: the settings of a workspace for which neither flags nor configuration say anything.
  package init(id: String = WorkspaceSettings.defaultID, directory: String = "") {
    self.id = id
    database = DatabaseOptions(directory: directory)
    database.head.limits = .standard
  }
}

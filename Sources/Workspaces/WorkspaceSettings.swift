import Ingest
import TSDB

/// All that one workspace is told: the options of each of its parts. A value; a reload makes new ones.
struct WorkspaceSettings: Sendable {
  /// Of the workspace that is always there.
  static let defaultID = "default"

  /// 1 to 64 letters, digits, dashes and underscores.
  var id: String
  /// What people call it; nil: it has only its id. Not unique.
  var alias: String?
  /// The database: retention and its rules, limits of series, late samples, exemplars. `directory` is the server's own;
  /// whoever opens the workspace names its place in there.
  var database: DatabaseOptions
  /// What a body and a series may be.
  var ingest = IngestLimits.standard
  /// De-duplication of replicas.
  var ha = HAOptions()
  /// Other names and relabelling of everything received.
  var rules = IngestRules()
  /// How OpenTelemetry's metrics become series.
  var otlp = OTLPOptions()

  /// What holds where nothing is said.
  init(id: String = WorkspaceSettings.defaultID, directory: String = "") {
    self.id = id
    database = DatabaseOptions(directory: directory)
    database.head.limits = .standard
  }
}

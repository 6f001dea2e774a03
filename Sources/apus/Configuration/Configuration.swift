import Format
import Ingest
import Model

/// The configuration file with types. Immutable; a reload makes a new one. Sections whose subsystem is not part of this
/// version are checked and kept in `document`, and named in `warnings`.
struct Configuration: Sendable {
  struct Global: Sendable {
    static let scrapeIntervalDefault: Int64 = 60_000
    static let scrapeTimeoutDefault: Int64 = 10_000
    static let evaluationIntervalDefault: Int64 = 60_000

    var scrapeIntervalMilliseconds: Int64
    var scrapeTimeoutMilliseconds: Int64
    var evaluationIntervalMilliseconds: Int64
    var ruleQueryOffsetMilliseconds: Int64
    /// Added to what leaves the server; `${NAME}` is already replaced.
    var externalLabels: Labels
    /// nil: queries are not logged to a file.
    var queryLogFile: String?
  }

  /// The retention of the file: overrides the flags as a whole when any of its keys is given.
  struct Retention: Sendable, Equatable {
    /// nil: no limit by time.
    var timeMilliseconds: Int64?
    /// nil: no limit by size.
    var sizeBytes: Int?
    /// Percentage of the disk, above 0 and up to 100; nil: no such limit.
    var percentage: Double?
  }

  struct Storage: Sendable {
    /// How late a sample may be, 0: not at all.
    /// Nil: late samples are taken as far back as samples are kept.
    var outOfOrderWindowMilliseconds: Int64?
    /// nil: what the flags say counts.
    var retention: Retention?
    /// 0: exemplars are not kept.
    var exemplarsMax: Int
  }

  /// Limits of the workspace; 0 means no limit.
  struct Limits: Sendable, Equatable {
    var activeSeriesMax: Int
    var seriesPerMetricMax: Int
    var labelsPerSeriesMax: Int
    var labelNameBytesMax: Int
    var labelValueBytesMax: Int
    var samplesPerSecondMax: Int
    /// Samples that may come at once after a quiet time; 0: as many as a second's.
    var samplesBurstMax: Int
    /// The most active series with these labels.
    var labelSets: [LabelSetLimit]
  }

  struct LabelSetLimit: Sendable, Equatable {
    var labels: Labels
    var seriesMax: Int
  }

  struct HA: Sendable, Equatable {
    var isEnabled: Bool
    var clusterLabel: String
    var replicaLabel: String
    var failoverTimeoutMilliseconds: Int64
    /// 0: a bound of the server's own.
    var clustersMax: Int
    /// Bytes of refused bodies kept in all, to close the gap of a fail-over; 0: none.
    var ringBytes: Int
    /// Also where the cluster label is missing.
    var isLoneReplicaLabelStripped: Bool
  }

  /// Samples of series that match live for a time of their own. The first rule that matches counts.
  struct RetentionRule: Sendable, Equatable {
    /// A PromQL selector, as written.
    var selector: String
    var retentionMilliseconds: Int64
    /// Where the selector stands, for messages of whoever reads it.
    var position: YAMLPosition
  }

  var global: Global
  var storage: Storage
  var limits: Limits
  var ha: HA
  var retentionRules: [RetentionRule]
  /// What happens to the labels of everything received.
  var ingestRules: IngestRules
  /// Slower queries are logged; 0: none.
  var slowQueryMilliseconds: Int64
  /// The whole file, typed and with defaults filled in.
  var document: SectionValue
  /// Where it was read from, as errors and the log call it.
  var file = ""
  /// Lines to log: sections without effect, and what may be a mistake.
  var warnings: [String]
}

extension Configuration.Retention {
  static let defaultMilliseconds: Int64 = 15 * 86_400_000

  /// What counts: the file's retention, else the flags', else 15 days.
  static func effective(
    _ configuration: Configuration, flagTimeMilliseconds: Int64?, flagSizeBytes: Int?
  ) -> Configuration.Retention {
    if let retention = configuration.storage.retention { return retention }
    if flagTimeMilliseconds == nil && flagSizeBytes == nil {
      return Configuration.Retention(timeMilliseconds: defaultMilliseconds)
    }
    return Configuration.Retention(timeMilliseconds: flagTimeMilliseconds, sizeBytes: flagSizeBytes)
  }
}

import Model
import TSDB

extension DatabaseOptions {
  /// Prometheus's section `storage`.
  static let section = Section(
    "storage", DatabaseOptions(directory: ""),
    [
      .section("tsdb", \.self, tsdb),
      exemplars,
    ])

  private static let tsdb = Section(
    "tsdb", DatabaseOptions(directory: ""),
    [
      lateWindow,
      .unread(SchemaKey("stale_series_compaction_threshold", .number(0...1))),
      .unread(
        SchemaKey(
          "chunk_encoding", .section(Schema("chunk_encoding", [SchemaKey("floats", .choice(["", "xor", "xor2"]))])))),
      Setting("retention", key: { _ in SchemaKey("retention", .section(retention.schema)) }) {
        if let section = $0.section("retention") { retention.fill(&$1, from: section, &$2) }
      },
    ])

  /// Nil, which is no text of the file, stands for as long as samples are kept.
  static let lateWindow = Setting<DatabaseOptions>.custom(SchemaKey("out_of_order_time_window", .duration)) {
    $1.head.lateWindowMilliseconds = $0.milliseconds("out_of_order_time_window")
  }

  static let exemplars = Setting<DatabaseOptions>.section(
    "exemplars", \.self,
    Section(
      "exemplars", DatabaseOptions(directory: ""),
      [.integer("max_exemplars", \.head.exemplarsMax, shape: .integer(.min...(.max)))]))

  /// The file's retention. If any of its keys is given, it counts as a whole, and the flags do not.
  private static let retention = Section(
    "retention", DatabaseOptions(directory: ""),
    [
      .duration("time", \.retentionMilliseconds, isShown: false),
      .size("size", \.retentionBytes, isShown: false),
      .number("percentage", \.retentionDiskPercentage, in: 0...100),
    ], prepare: { $0.setRetention(milliseconds: 0, bytes: 0) })

  /// A workspace's own retention: what it does not give is the server's.
  static let workspaceRetention = Section(
    "retention", DatabaseOptions(directory: ""),
    [
      .duration(
        "time", \.retentionMilliseconds, isShown: false, help: "How long samples are kept; 0s: without an end."),
      .custom(
        SchemaKey(
          "size", .size, help: "What the workspace may take on the disk; 0B: any size. Comes before a percentage.")
      ) {
        $1.retentionBytes = $0.bytes("size") ?? 0
        $1.retentionDiskPercentage = 0
      },
    ])

  /// Sets these two limits, and no other; 0: none.
  mutating func setRetention(milliseconds: Int64, bytes: Int) {
    retentionMilliseconds = milliseconds
    retentionBytes = bytes
    retentionDiskPercentage = 0
  }
}

extension RetentionRules.Rule {
  /// `apus.retention_rules`. The selector comes compiled from the check.
  static let setting = Setting<DatabaseOptions>.sections(
    "retention_rules", \.retentionRules,
    Section(
      "retention rule", RetentionRules.Rule([], milliseconds: .max),
      [
        .custom(SchemaKey("selector", .selector, isRequired: true, help: "PromQL selector of the series.")) {
          $1.matchers = $0.matchers("selector")
        },
        .duration("retention", \.milliseconds, isRequired: true, help: "How long their samples are kept."),
      ], rules: [.check(SchemaRules.retentionIsAboveZero)]),
    help: "Retention of the series that match a selector; the first rule that matches counts.")
}

/// Every flag of `apus serve`, in the order of the help.
enum FlagTable {
  static let rows: [Flag] = general + web + storage + query + agent + rules

  static let byName: [String: Flag] = Dictionary(uniqueKeysWithValues: rows.map { ($0.name, $0) })

  private static let general: [Flag] = [
    Flag(
      "config.file", .text, "prometheus.yml",
      "Configuration file. If the flag is not given and there is no such file, the built-in default is used."),
    Flag("config.auto-reload", .boolean, "false", use: .accepted, "Reload the configuration when its file changes."),
    Flag(
      "config.auto-reload-interval", .duration, "30s", use: .accepted,
      "How often the configuration file is looked at. Only with --config.auto-reload."),
    Flag("log.level", .choice(["debug", "info", "warn", "error"]), "info", "Lowest level that is logged."),
    Flag("log.format", .choice(["logfmt", "json"]), "logfmt", "Form of the log lines."),
    Flag(
      "enable-feature", .names, "", isRepeatable: true,
      "Features to turn on, separated by commas: "
        + FeatureTable.rows.filter { $0.use == .served }.map(\.name).joined(separator: ", ") + "."),
    Flag("auto-gomaxprocs", .boolean, "true", use: .accepted, "A setting of Go's runtime."),
    Flag("auto-gomemlimit", .boolean, "true", use: .accepted, "A setting of Go's runtime."),
    Flag("auto-gomemlimit.ratio", .number(0...1), "0.9", use: .accepted, "A setting of Go's runtime."),
    Flag("auto-gomemlimit.refresh-interval", .duration, "0s", use: .accepted, "A setting of Go's runtime."),
  ]

  private static let query: [Flag] = [
    Flag("query.lookback-delta", .duration, "5m", "How far back an instant selector looks for its last sample."),
    Flag("query.timeout", .duration, "2m", "The longest a query may take before it is stopped."),
    Flag("query.max-concurrency", .integer(1...10_000), "20", "The most queries that run at the same time."),
    Flag(
      "query.max-queued", .integer(0...100_000), "200",
      "The most queries that wait for their turn; one more is answered with 503."),
    Flag(
      "query.max-samples", .integer(1...(.max)), "50000000", "The most samples one query may hold in memory."),
    Flag(
      "query.max-bytes", .size, "512MB",
      "The most memory one query may hold at once: what it reads, the labels and series it makes, its groups and its answer."
    ),
    Flag(
      "query.partial-answers", .boolean, "true",
      "Answer queries that meet a damaged block from the rest, with a warning that names it. Without it they fail with 422."
    ),
    Flag(
      "query.slow-log-file", .text, "",
      "File in which queries that took long are written, a JSON object a line; at 64MB it is renamed to name.1. Empty: none."
    ),
    Flag("query.slow-log-threshold", .duration, "5s", "How long a query takes that is written there."),
  ]

  private static let agent: [Flag] = [
    Flag("agent", .boolean, "false", "Agent mode, which is not available: the server refuses to start."),
    Flag("storage.agent.path", .text, "data-agent/", use: .accepted, "For agent mode."),
    Flag("storage.agent.wal-segment-size", .size, "0B", use: .accepted, isHidden: true, "For agent mode."),
    Flag("storage.agent.wal-compression", .boolean, "true", use: .accepted, "For agent mode."),
    Flag(
      "storage.agent.wal-compression-type", .choice(["snappy", "zstd"]), "snappy", use: .accepted, isHidden: true,
      "For agent mode."),
    Flag("storage.agent.wal-truncate-frequency", .duration, "0s", use: .accepted, isHidden: true, "For agent mode."),
    Flag("storage.agent.retention.min-time", .duration, "0s", use: .accepted, "For agent mode."),
    Flag("storage.agent.retention.max-time", .duration, "0s", use: .accepted, "For agent mode."),
    Flag(
      "storage.agent.checkpoint-from-in-memory-series", .boolean, "false", use: .accepted, "For agent mode."),
    Flag("storage.agent.checkpoint-batch-size", .integer(1...(.max)), "1000", use: .accepted, "For agent mode."),
    Flag("storage.agent.no-lockfile", .boolean, "false", use: .accepted, "For agent mode."),
  ]

  private static let rules: [Flag] = [
    Flag(
      "rules.alert.for-outage-tolerance", .duration, "1h",
      "How long ago the server may have ended for pending and firing alerts to be restored when it starts."),
    Flag(
      "rules.alert.for-grace-period", .duration, "10m",
      "The shortest time from a start until a restored alert whose rule has a longer `for` fires."),
    Flag(
      "rules.alert.resend-delay", .duration, "1m",
      "How long after an alert was sent it is sent again while it fires."),
    Flag(
      "rules.max-concurrent-evals", .integer(1...10_000), "4",
      "The most rules of all groups that are evaluated beside the first ones of their groups; 1: in order."),
    Flag(
      "alertmanager.notification-queue-capacity", .integer(1...1_000_000), "10000",
      "Alerts that wait for one Alertmanager; past it the oldest are dropped."),
    Flag("alertmanager.notification-batch-size", .integer(1...100_000), "256", "Alerts in one request."),
    Flag(
      "alertmanager.drain-notification-queue-on-shutdown", .boolean, "true",
      "Send what waits before the server ends, for eight seconds at most."),
    Flag("scrape.adjust-timestamps", .boolean, "true", use: .accepted, isHidden: true, "For scraping."),
    Flag("scrape.timestamp-tolerance", .duration, "2ms", use: .accepted, isHidden: true, "For scraping."),
    Flag("scrape.discovery-reload-interval", .duration, "5s", use: .accepted, isHidden: true, "For scraping."),
  ]
}

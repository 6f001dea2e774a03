import Platform
import TSDB

/// Everything `apus serve` takes from its command line and environment. Immutable; made once at start. Names end in
/// their unit; 0 means "no limit" where the flag's help says so.
struct ServeOptions: Sendable {
  var configFile: String
  /// The file was named, so that its absence is an error.
  var isConfigFileGiven: Bool
  var logLevel: LogLevel
  var logFormat: LogFormat
  /// Features named by `--enable-feature` that this version serves.
  var features: Set<String>

  var listenAddresses: [ListenAddress]
  var readTimeoutMilliseconds: Int64
  var connectionsMax: Int
  /// 0: three quarters of `connectionsMax`.
  var connectionsPerAddressMax: Int
  /// The time from the signal to the end of the last request.
  var shutdownGraceMilliseconds: Int64
  /// 0: one per processor.
  var httpThreads: Int
  var headerBytesMax: Int
  var bodyBytesMax: Int
  var decodedBodyBytesMax: Int
  var bodiesInFlightBytesMax: Int
  /// The URL as the flag has it; empty where no flag gives it.
  var externalURL: String
  /// Begins with a slash and ends in none, or is a slash alone.
  var routePrefix: String
  /// Nil where the flag is not given.
  var corsOrigin: String?
  var isLifecycleEnabled: Bool
  var isAdminAPIEnabled: Bool
  var isRulesAPIEnabled: Bool
  /// Empty: there is none.
  var webConfigFile: String
  /// Empty: there is none.
  var credentialsFile: String
  /// True if health checks need no credentials.
  var isHealthOpen: Bool
  var isManagementAPIEnabled: Bool
  var managementRegion: String

  var dataDirectory: String
  /// The retention of the flags alone, nil where no flag gives it: see `Retention.effective`.
  var retentionTimeMilliseconds: Int64?
  var retentionSizeBytes: Int?
  var walSync: WALSync
  var freeSpaceBytesMin: Int
  var isLockFileUsed: Bool
  var areOwnMetricsStored: Bool
  var remoteReadSamplesMax: Int
  var remoteReadsMax: Int
  var remoteReadFrameBytesMax: Int

  var lookbackMilliseconds: Int64
  var queryTimeoutMilliseconds: Int64
  var queriesMax: Int
  var queriesQueuedMax: Int
  var querySamplesMax: Int
  var queryBytesMax: Int
  var areAnswersPartial: Bool
  /// Empty: slow queries are not written down.
  var slowQueryLogFile: String
  var slowQueryMilliseconds: Int64

  var alertOutageToleranceMilliseconds: Int64
  var alertGraceMilliseconds: Int64
  var alertResendMilliseconds: Int64
  var ruleEvaluationsMax: Int
  var notifications: NotificationFlags

  /// Every flag with its value, sorted by name: `/api/v1/status/flags`.
  var flags: [(name: String, value: String)]
  /// Lines to log once the log is open.
  var warnings: [String]
}

extension ServeOptions {
  init(_ values: FlagValues, environment: [String: String] = [:]) throws(ArgumentError) {
    if let refusal = ServeOptions.refusal(of: values) { throw refusal }
    configFile = values.text("config.file")
    isConfigFileGiven = values.isGiven("config.file")
    logLevel = LogLevel.allCases.first { "\($0)" == values.text("log.level") } ?? .info
    logFormat = values.text("log.format") == "json" ? .json : .logfmt
    let named = ServeOptions.namedFeatures(values)
    features = Set(named.filter { FeatureTable.byName[$0]?.use == .served })

    listenAddresses = values.texts("web.listen-address").compactMap { ListenAddress($0) }
    readTimeoutMilliseconds = values.milliseconds("web.read-timeout")
    connectionsMax = values.integer("web.max-connections")
    connectionsPerAddressMax = values.integer("web.max-connections-per-address")
    shutdownGraceMilliseconds = values.milliseconds("web.shutdown-grace")
    httpThreads = values.integer("web.http-threads")
    headerBytesMax = values.bytes("web.max-header-bytes")
    bodyBytesMax = values.bytes("web.max-body-bytes")
    decodedBodyBytesMax = values.bytes("web.max-decoded-body-bytes")
    bodiesInFlightBytesMax = values.bytes("web.max-bodies-in-flight-bytes")
    externalURL = values.text("web.external-url")
    routePrefix = ServeOptions.routePrefix(values.text("web.route-prefix"), externalURL: externalURL)
    corsOrigin = values.isGiven("web.cors.origin") ? values.text("web.cors.origin") : nil
    isLifecycleEnabled = values.boolean("web.enable-lifecycle")
    isAdminAPIEnabled = values.boolean("web.enable-admin-api")
    isRulesAPIEnabled = values.boolean("web.enable-rules-api")
    webConfigFile = values.text("web.config.file")
    credentialsFile = values.text("web.credentials-file")
    isHealthOpen = values.boolean("web.health-without-credentials")
    isManagementAPIEnabled = values.boolean("web.enable-management-api")
    managementRegion = values.text("web.management-region")

    dataDirectory = values.text("storage.tsdb.path")
    // A zero is how a flag is left out, as in Prometheus.
    let time = values.milliseconds("storage.tsdb.retention.time")
    retentionTimeMilliseconds = time == 0 ? nil : time
    let size = values.bytes("storage.tsdb.retention.size")
    retentionSizeBytes = size == 0 ? nil : size
    walSync = WALSync(rawValue: values.text("storage.tsdb.wal-sync")) ?? .interval
    freeSpaceBytesMin = values.bytes("storage.tsdb.min-free-space")
    isLockFileUsed = !values.boolean("storage.tsdb.no-lockfile")
    areOwnMetricsStored = values.boolean("storage.own-metrics")
    remoteReadSamplesMax = values.integer("storage.remote.read-sample-limit")
    remoteReadsMax = values.integer("storage.remote.read-concurrent-limit")
    remoteReadFrameBytesMax = values.integer("storage.remote.read-max-bytes-in-frame")

    lookbackMilliseconds = values.milliseconds("query.lookback-delta")
    queryTimeoutMilliseconds = values.milliseconds("query.timeout")
    queriesMax = values.integer("query.max-concurrency")
    queriesQueuedMax = values.integer("query.max-queued")
    querySamplesMax = values.integer("query.max-samples")
    queryBytesMax = values.bytes("query.max-bytes")
    areAnswersPartial = values.boolean("query.partial-answers")
    slowQueryLogFile = values.text("query.slow-log-file")
    slowQueryMilliseconds = values.milliseconds("query.slow-log-threshold")

    alertOutageToleranceMilliseconds = values.milliseconds("rules.alert.for-outage-tolerance")
    alertGraceMilliseconds = values.milliseconds("rules.alert.for-grace-period")
    alertResendMilliseconds = values.milliseconds("rules.alert.resend-delay")
    ruleEvaluationsMax = values.integer("rules.max-concurrent-evals")
    notifications = NotificationFlags(values)
    flags = FlagTable.rows.map { ($0.name, values.text($0.name)) }.sorted { $0.name < $1.name }
    warnings = ServeOptions.warnings(values, features: named, environment: environment)
  }

  /// The reason why the server does not start with these flags.
  private static func refusal(of values: FlagValues) -> ArgumentError? {
    if values.boolean("agent") { return ArgumentError("--agent: agent mode is not available in this version") }
    for name in ["storage.tsdb.path", "config.file"] where values.text(name).isEmpty {
      return ArgumentError("--\(name) is empty")
    }
    for name in ["query.timeout", "query.lookback-delta", "web.read-timeout"] where values.milliseconds(name) == 0 {
      return ArgumentError("--\(name): a duration above 0 is needed")
    }
    return nil
  }

  private static func namedFeatures(_ values: FlagValues) -> [String] {
    values.texts("enable-feature").flatMap { $0.split(separator: ",").map(String.init) }
  }

  /// `/` and the path of the flag or, where it is empty, of the external URL.
  private static func routePrefix(_ flag: String, externalURL: String) -> String {
    var path = flag[...]
    if path.isEmpty {
      path = externalURL[...]
      for scheme in ["http://", "https://"] where path.hasPrefix(scheme) {
        path = path.dropFirst(scheme.count).drop { $0 != "/" && $0 != "?" && $0 != "#" }
      }
      path = path.prefix { $0 != "?" && $0 != "#" }
    }
    let parts = path.split(separator: "/")
    return "/" + parts.joined(separator: "/")
  }
}

/// The flags `--alertmanager.*`.
struct NotificationFlags: Sendable {
  /// Alerts that wait for one Alertmanager.
  var queuedMax: Int
  var batchSize: Int
  var drainsAtStop: Bool

  init(_ values: FlagValues) {
    queuedMax = values.integer("alertmanager.notification-queue-capacity")
    batchSize = values.integer("alertmanager.notification-batch-size")
    drainsAtStop = values.boolean("alertmanager.drain-notification-queue-on-shutdown")
  }
}

import API
import HTTP
import Ingest
import Model
import Platform
import TSDB

// From the command line and the configuration file to what each part is told.

extension DatabaseOptions {
  init(_ options: ServeOptions, _ configuration: Configuration) {
    self.init(directory: options.dataDirectory)
    walSync = options.walSync
    head.lateWindowMilliseconds = configuration.storage.outOfOrderWindowMilliseconds
    head.limits.activeSeriesMax = configuration.limits.activeSeriesMax
    head.limits.seriesPerMetricMax = configuration.limits.seriesPerMetricMax
    head.exemplarsMax = configuration.storage.exemplarsMax
    head.limits.labelSets = configuration.limits.labelSets.map {
      LabelSetLimit(labels: $0.labels, seriesMax: $0.seriesMax)
    }
    let retention = Configuration.Retention.effective(
      configuration, flagTimeMilliseconds: options.retentionTimeMilliseconds,
      flagSizeBytes: options.retentionSizeBytes)
    retentionMilliseconds = retention.timeMilliseconds ?? 0
    retentionBytes = retention.sizeBytes ?? 0
    retentionDiskPercentage = retention.percentage ?? 0
    retentionRules = configuration.retentionRules.compactMap { rule in
      // The configuration has been checked: a selector that does not compile has not come this far.
      (try? SelectorText.compile(rule.selector)).map {
        RetentionRules.Rule($0, milliseconds: rule.retentionMilliseconds)
      }
    }
    freeBytesMin = options.freeSpaceBytesMin
  }
}

extension IngestLimits {
  init(_ options: ServeOptions, _ configuration: Configuration) {
    self.init()
    decodedBytesMax = options.decodedBodyBytesMax
    labelsPerSeriesMax = configuration.limits.labelsPerSeriesMax
    labelNameBytesMax = configuration.limits.labelNameBytesMax
    labelValueBytesMax = configuration.limits.labelValueBytesMax
    samplesPerSecondMax = configuration.limits.samplesPerSecondMax
    samplesBurstMax = configuration.limits.samplesBurstMax
  }
}

extension HAOptions {
  init(_ configuration: Configuration) {
    self.init()
    isEnabled = configuration.ha.isEnabled
    clusterLabel = configuration.ha.clusterLabel
    replicaLabel = configuration.ha.replicaLabel
    failoverMilliseconds = configuration.ha.failoverTimeoutMilliseconds
    clustersMax = configuration.ha.clustersMax
    ringBytes = configuration.ha.ringBytes
    isLoneReplicaLabelStripped = configuration.ha.isLoneReplicaLabelStripped
  }
}

extension OTLPOptions {
  init(_ options: ServeOptions, _ configuration: Configuration) {
    self.init()
    lookbackMilliseconds = options.lookbackMilliseconds
    if options.features.contains("otlp-native-delta-ingestion") { deltas = .stored }
    guard let section = configuration.document.section("otlp") else { return }
    // Others have been refused with the file.
    _ = setStrategy(section.text("translation_strategy") ?? "")
    promotion =
      section.boolean("promote_all_resource_attributes") ?? false
      ? .allBut(Set(section.texts("ignore_resource_attributes")))
      : .only(Set(section.texts("promote_resource_attributes")))
    keepsIdentifyingAttributes = section.boolean("keep_identifying_resource_attributes") ?? false
    makesCustomBuckets = section.boolean("convert_histograms_to_nhcb") ?? false
    promotesScope = section.boolean("promote_scope_metadata") ?? false
    prefixesUnderscore = section.boolean("label_name_underscore_sanitization") ?? true
    keepsMultipleUnderscores = section.boolean("label_name_preserve_multiple_underscores") ?? true
  }
}

extension QueryOptions {
  init(_ options: ServeOptions) {
    self.init()
    engine.lookback = options.lookbackMilliseconds
    engine.parser.experimentalFunctions = options.features.contains("promql-experimental-functions")
    engine.parser.extendedRangeSelectors = options.features.contains("promql-extended-range-selectors")
    engine.parser.fillModifiers = options.features.contains("promql-binop-fill-modifiers")
    engine.delaysNameRemoval = options.features.contains("promql-delayed-name-removal")
    tellsSamplesPerStep = options.features.contains("promql-per-step-stats")
    timeoutMilliseconds = options.queryTimeoutMilliseconds
    concurrencyMax = options.queriesMax
    queuedMax = options.queriesQueuedMax
    samplesMax = options.querySamplesMax
    bytesMax = options.queryBytesMax
    answersPartly = options.areAnswersPartial
  }
}

extension RemoteReadOptions {
  init(_ options: ServeOptions) {
    self.init()
    samplesMax = options.remoteReadSamplesMax
    frameBytesMax = options.remoteReadFrameBytesMax
    // The message, its compressed form and a copy on its way are in memory together.
    answerBytesMax = options.queryBytesMax / 4
    requestBytesMax = options.decodedBodyBytesMax
  }
}

extension Assembly {
  /// The expressions have been compiled once, when the configuration was checked.
  static func takeOver(_ rules: IngestRules, _ intake: Intake, _ log: Log) {
    do throws(RegexError) {
      try intake.reconfigure(rules)
    } catch {
      log.error("The rules for received series were not taken over", ["err": "\(error)"])
    }
  }

  /// What an operator looks for first in a log: what runs, on which data, told by what, for how long, and where.
  static func tellStart(
    _ options: ServeOptions, _ configuration: Configuration, _ sockets: [BoundSocket], _ log: Log
  ) {
    let addresses = zip(options.listenAddresses, sockets).map { address, socket in
      ListenAddress(host: address.host, port: UInt16(truncatingIfNeeded: socket.port)).description
    }
    let retention = retentionText(options, configuration)
    log.info(
      "Starting Apus",
      [
        "version": Version.number, "revision": Version.revision, "data": options.dataDirectory,
        "config": configuration.file, "retention": retention.isEmpty ? "unlimited" : retention,
        "addresses": addresses.joined(separator: ","),
      ])
  }

  static func retentionText(_ options: ServeOptions, _ configuration: Configuration) -> String {
    let retention = Configuration.Retention.effective(
      configuration, flagTimeMilliseconds: options.retentionTimeMilliseconds,
      flagSizeBytes: options.retentionSizeBytes)
    let time = retention.timeMilliseconds.map { DurationText.format($0) }
    let size = retention.sizeBytes.map { ByteSizeText.format(Int64($0)) }
    return [time, size].compactMap { $0 }.joined(separator: " or ")
  }

  static func runtime(
    _ options: ServeOptions, _ configuration: ConfigurationHolder, _ database: Database, _ clock: any Clock
  ) -> RuntimeFacts {
    RuntimeFacts(
      startMilliseconds: clock.nowMilliseconds(), configuration: { [configuration] in configuration.lastReload },
      retention: { [configuration] in retentionText(options, configuration.present) },
      corruptions: { [weak database] in
        database.map { $0.metrics.wal.corruptions.value + $0.metrics.wbl.corruptions.value } ?? 0
      })
  }
}

extension HTTPServerOptions {
  init(_ options: ServeOptions, _ socket: BoundSocket) {
    self.init()
    self.socket = socket
    threadCount = options.httpThreads
    headerBytesMax = options.headerBytesMax
    bodyBytesMax = options.bodyBytesMax
    bodiesInFlightBytesMax = options.bodiesInFlightBytesMax
    connectionsMax = options.connectionsMax
    connectionsReservedMax = max(16, options.connectionsMax / 16)
    let perAddress = options.connectionsPerAddressMax
    connectionsPerAddressMax = perAddress > 0 ? perAddress : max(1, options.connectionsMax * 3 / 4)
    answersBytesMax = max(16 << 20, options.queryBytesMax / 4)
    idleTimeoutSeconds = Int(options.readTimeoutMilliseconds / 1000)
    busyResponse = APIError(.unavailable, "too many queries are waiting, try again later").response
  }
}

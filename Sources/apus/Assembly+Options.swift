import API
import HTTP
import Ingest
import Model
import Notify
import Platform
import PromQL
import Query
import TSDB
import Workspaces

// From the command line and the configuration file to what each part is told.

extension WorkspaceSettings {
  /// The default workspace as the flags set it; the configuration file is read over this.
  init(_ options: ServeOptions) {
    self.init(directory: options.dataDirectory)
    database.walSync = options.walSync
    database.freeBytesMin = options.freeSpaceBytesMin
    if options.retentionTimeMilliseconds != nil || options.retentionSizeBytes != nil {
      database.setRetention(
        milliseconds: options.retentionTimeMilliseconds ?? 0, bytes: options.retentionSizeBytes ?? 0)
    }
    ingest.decodedBytesMax = options.decodedBodyBytesMax
    otlp.lookbackMilliseconds = options.lookbackMilliseconds
    if options.features.contains("otlp-native-delta-ingestion") { otlp.deltas = .stored }
  }
}

extension QueryOptions {
  init(_ options: ServeOptions) {
    self.init()
    engine.lookback = options.lookbackMilliseconds
    engine.parser = ParserOptions(features: options.features)
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

extension NotifyOptions {
  /// The section of the configuration with what the flags say.
  init(_ configuration: Configuration, _ options: ServeOptions) {
    self = configuration.alerting
    externalURL = configuration.rules.externalURL
    queueCapacity = options.notifications.queuedMax
    batchSize = options.notifications.batchSize
    drainsAtStop = options.notifications.drainsAtStop
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

extension WorkspaceBound {
  /// Half of the files that may be open, at the least, are for connections, blocks and the default workspace.
  init(_ options: ServeOptions) {
    let others = min(options.connectionsMax + 128, DescriptorLimit.present / 2)
    self.init(descriptors: DescriptorLimit.present, reserved: others)
  }
}

extension Assembly {
  /// Logs the line an operator looks for first: version, data directory, configuration, retention and addresses.
  static func tellStart(
    _ options: ServeOptions, _ configuration: Configuration, _ sockets: [BoundSocket], _ log: Log
  ) {
    let addresses = zip(options.listenAddresses, sockets).map { address, socket in
      ListenAddress(host: address.host, port: UInt16(truncatingIfNeeded: socket.port)).description
    }
    let retention = configuration.standard.database.retentionText
    log.info(
      "Starting Apus",
      [
        "version": Version.number, "revision": Version.revision, "data": options.dataDirectory,
        "config": configuration.file, "retention": retention.isEmpty ? "unlimited" : retention,
        "addresses": addresses.joined(separator: ","),
      ])
  }

  /// The log of all queries, open where the configuration names its file.
  static func queryLog(
    _ configuration: Configuration, _ clock: any Clock, _ log: Log
  ) throws(StartError) -> QueryLog {
    let queryLog = QueryLog(on: LinuxDisk(), clock: clock, log: log)
    do throws(DiskError) {
      try queryLog.reopen(configuration.global.queryLogFile)
    } catch {
      throw StartError("global.query_log_file: \(error)")
    }
    return queryLog
  }

  /// Opens the file of the configuration that is taken over, which may be the same one, moved away meanwhile.
  static func reopen(_ queryLog: QueryLog, _ configuration: Configuration, _ log: Log) {
    do throws(DiskError) {
      try queryLog.reopen(configuration.global.queryLogFile)
    } catch {
      log.error("The query log cannot be opened; it goes on where it was", ["err": "\(error)"])
    }
  }

  static func runtime(_ configuration: ConfigurationHolder, _ clock: any Clock) -> RuntimeFacts {
    RuntimeFacts(
      startMilliseconds: clock.nowMilliseconds(), configuration: { [configuration] in configuration.lastReload })
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

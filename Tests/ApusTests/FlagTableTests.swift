import Testing

@testable import apus

@Suite("The flag table")
struct FlagTableTests {
  /// Every server flag of Prometheus 3, hidden ones included.
  private static let prometheus = """
    agent alertmanager.drain-notification-queue-on-shutdown alertmanager.notification-batch-size
    alertmanager.notification-queue-capacity auto-gomaxprocs auto-gomemlimit auto-gomemlimit.ratio
    auto-gomemlimit.refresh-interval config.auto-reload config.auto-reload-interval config.file enable-feature log.format
    log.level query.lookback-delta query.max-concurrency query.max-samples query.timeout rules.alert.for-grace-period
    rules.alert.for-outage-tolerance rules.alert.resend-delay rules.max-concurrent-evals scrape.adjust-timestamps
    scrape.discovery-reload-interval scrape.timestamp-tolerance storage.agent.checkpoint-batch-size
    storage.agent.checkpoint-from-in-memory-series storage.agent.no-lockfile storage.agent.path
    storage.agent.retention.max-time storage.agent.retention.min-time storage.agent.wal-compression
    storage.agent.wal-compression-type storage.agent.wal-segment-size storage.agent.wal-truncate-frequency
    storage.remote.flush-deadline storage.remote.read-concurrent-limit storage.remote.read-max-bytes-in-frame
    storage.remote.read-sample-limit storage.tsdb.allow-overlapping-compaction storage.tsdb.block-reload-interval
    storage.tsdb.delay-compact-file.path storage.tsdb.delayed-compaction.max-percent
    storage.tsdb.head-chunks-write-queue-size storage.tsdb.max-block-chunk-segment-size storage.tsdb.max-block-duration
    storage.tsdb.min-block-duration storage.tsdb.no-lockfile storage.tsdb.path storage.tsdb.retention.size
    storage.tsdb.retention.time storage.tsdb.samples-per-chunk storage.tsdb.wal-compression
    storage.tsdb.wal-compression-type storage.tsdb.wal-segment-size web.config.file web.console.libraries
    web.console.templates web.cors.origin web.enable-admin-api web.enable-lifecycle web.enable-otlp-receiver
    web.enable-remote-write-receiver web.external-url web.listen-address web.local-assets web.max-connections
    web.max-notifications-subscribers web.page-title web.read-timeout
    web.remote-write-receiver.accepted-protobuf-messages web.route-prefix web.search.max-limit web.user-assets
    """.split { $0 == " " || $0 == "\n" }.map(String.init)

  @Test("every server flag of Prometheus 3 is known")
  func complete() {
    #expect(FlagTableTests.prometheus.filter { FlagTable.byName[$0] == nil } == [])
  }

  @Test("every default is a value of its own flag, and no two flags share a variable")
  func defaults() {
    for flag in FlagTable.rows where !flag.preset.isEmpty {
      #expect(flag.canonical(flag.preset) != nil, "--\(flag.name)")
    }
    #expect(Set(FlagTable.rows.map(\.environmentName)).count == FlagTable.rows.count)
    #expect(!FlagTable.byName.keys.contains { $0.hasPrefix("no-") })
  }

  @Test("every flag takes its default, written both ways, and prints it on the status page")
  func everyFlag() throws {
    for flag in FlagTable.rows where !flag.preset.isEmpty && flag.name != "agent" {
      let text = try #require(flag.canonical(flag.preset))
      for arguments in [["--\(flag.name)=\(flag.preset)"], ["--\(flag.name)", flag.preset]]
      where !flag.isBoolean || arguments.count == 1 {
        let options = try options(arguments)
        #expect(options.flags.first { $0.name == flag.name }?.value == text)
        #expect(options.warnings.isEmpty == (flag.use == .served), "--\(flag.name)")
      }
    }
  }

  @Test("the status page has every flag, sorted, with the values in effect")
  func statusPage() throws {
    let flags = try options(["--storage.tsdb.retention.size=512MB", "--query.timeout=90s", "--web.enable-lifecycle"])
      .flags
    #expect(flags.map(\.name) == FlagTable.rows.map(\.name).sorted())
    let values = Dictionary(uniqueKeysWithValues: flags.map { ($0.name, $0.value) })
    #expect(values["storage.tsdb.retention.size"] == "512MiB")
    #expect(values["query.timeout"] == "1m30s")
    #expect(values["web.enable-lifecycle"] == "true" && values["web.enable-admin-api"] == "false")
    #expect(values["web.listen-address"] == "0.0.0.0:9090")
    #expect(values["enable-feature"] == "")
  }

  @Test("help names every flag that is not hidden, and no line is long")
  func help() throws {
    let lines = Help.serve.split(separator: "\n")
    for flag in FlagTable.rows {
      let isNamed = lines.contains { $0.hasPrefix("  --\(flag.name)=") || $0.hasPrefix("  --[no-]\(flag.name) ") }
      #expect(isNamed == !flag.isHidden, "--\(flag.name)")
    }
    #expect(lines.allSatisfy { $0.count <= 120 })
    #expect(Help.text(nil) != nil && Help.text("nothing") == nil)
    for name in Command.names { #expect(Help.text(name) != nil) }
  }

  @Test("the version has the form of Prometheus's")
  func version() {
    #expect(Version.text.hasPrefix("apus, version \(Version.number) (branch: "))
    #expect(Version.text.contains("\n  platform:         linux/"))
  }

  @Test("a near name is found, a far one is not")
  func nearest() {
    #expect(nearestName(to: "lable", in: ["label", "table"]) == "label")
    #expect(nearestName(to: "scrape_intervall", in: ["scrape_interval", "scrape_timeout"]) == "scrape_interval")
    #expect(nearestName(to: "zzz", in: ["label", "global"]) == nil)
    #expect(nearestName(to: "", in: ["label"]) == nil)
  }
}

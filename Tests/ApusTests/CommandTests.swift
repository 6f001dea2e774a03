import Testing

@testable import apus

/// The options of a command line that must be one of `serve`.
func options(_ arguments: [String], environment: [String: String] = [:]) throws -> ServeOptions {
  guard case .serve(let options) = try Command.parse(arguments, environment: environment) else {
    throw ArgumentError("not serve")
  }
  return options
}

@Suite("The command line")
struct CommandTests {
  @Test("a container command line written for Prometheus starts the server as it is")
  func containerCommandLine() throws {
    let options = try options([
      "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/prometheus",
      "--storage.tsdb.retention.time=15d", "--web.console.libraries=/usr/share/prometheus/console_libraries",
      "--web.console.templates=/usr/share/prometheus/consoles", "--web.enable-lifecycle",
    ])
    #expect(options.configFile == "/etc/prometheus/prometheus.yml")
    #expect(options.isConfigFileGiven)
    #expect(options.dataDirectory == "/prometheus")
    #expect(options.retentionTimeMilliseconds == 1_296_000_000)
    #expect(options.isLifecycleEnabled)
    #expect(
      options.warnings == [
        "accepted without effect in this version: --web.console.templates, --web.console.libraries"
      ])
  }

  @Test("a long command line of Kubernetes with values as words of their own starts the server")
  func kubernetesCommandLine() throws {
    let options = try options([
      "serve", "--web.listen-address", "0.0.0.0:9090", "--web.listen-address=[::1]:9091", "--web.listen-address", ":80",
      "--storage.tsdb.retention.size", "50GB", "--storage.tsdb.no-lockfile", "--no-web.enable-admin-api",
      "--web.external-url=https://example.com:8443/prom/", "--query.max-samples=5e7", "--query.timeout", "1m30s",
      "--storage.tsdb.min-block-duration=2h", "--storage.tsdb.max-block-duration=2h", "--storage.tsdb.wal-compression",
      "--enable-feature=promql-experimental-functions,old-ui", "--enable-feature=exemplar-storage",
      "--log.level=warn", "--log.format=json", "--storage.tsdb.wal-sync=always", "--web.enable-remote-write-receiver",
    ])
    #expect(options.listenAddresses.map(\.description) == ["0.0.0.0:9090", "[::1]:9091", ":80"])
    #expect(options.retentionSizeBytes == 50 << 30)
    #expect(options.retentionTimeMilliseconds == nil)
    #expect(!options.isLockFileUsed && !options.isAdminAPIEnabled)
    #expect(options.routePrefix == "/prom")
    #expect(options.querySamplesMax == 50_000_000)
    #expect(options.queryTimeoutMilliseconds == 90_000)
    #expect(options.features == ["promql-experimental-functions"])
    #expect(options.logLevel == .warn)
    #expect(options.walSync == .always)
    #expect(options.warnings.count == 1)
    #expect(options.warnings.first?.hasSuffix("--storage.tsdb.wal-compression, --enable-feature=old-ui") == true)
  }

  @Test("without arguments the server starts with the defaults")
  func defaults() throws {
    let options = try options([])
    #expect(options.configFile == "prometheus.yml" && !options.isConfigFileGiven)
    #expect(options.dataDirectory == "data/")
    #expect(options.listenAddresses == [ListenAddress(host: "0.0.0.0", port: 9090)])
    #expect(options.walSync == .interval && options.logLevel == .info)
    #expect(options.routePrefix == "/" && options.externalURL.isEmpty)
    #expect(options.connectionsMax == 512 && options.readTimeoutMilliseconds == 300_000)
    #expect(options.queryTimeoutMilliseconds == 120_000 && options.lookbackMilliseconds == 300_000)
    #expect(options.queriesMax == 20 && options.querySamplesMax == 50_000_000)
    #expect(options.bodyBytesMax == 32 << 20 && options.isLockFileUsed)
    #expect(options.retentionTimeMilliseconds == nil && options.retentionSizeBytes == nil)
    #expect(options.warnings.isEmpty)
  }

  @Test("words name their commands")
  func commands() throws {
    func text(_ arguments: [String]) throws -> String {
      switch try Command.parse(arguments) {
      case .serve: "serve"
      case .version: "version"
      case .help(let topic): "help \(topic ?? "")"
      case .checkConfig(let check): "check \(check.file) \(check.rules == nil ? "alone" : "with rules")"
      case .checkRules(let check): "rules \(check.files) \(check.lint.findsDuplicates) \(check.lint.isFatal)"
      case .checkScrape(let check): "scrape \(check.target) \(check.job ?? "-") \(check.format?.rawValue ?? "-")"
      case .checkDiscovery(let check): "sd \(check.job) \(check.configFile) \(check.timeoutMilliseconds)"
      case .checkAccess(let check): "\(check.kind.rawValue) \(check.files)"
      case .tsdb(let command): "tsdb \(command)"
      case .testRules: "test rules"
      case .rules(.backfill(let run)): "backfill \(run.rules.start) \(run.rules.end) \(run.directory)"
      case .rules(.backtest(let run)): "backtest \(run.rules.end - run.rules.start) \(run.candidates)"
      }
    }
    #expect(try text([]) == "serve")
    #expect(try text(["serve"]) == "serve")
    #expect(try text(["version"]) == "version")
    #expect(try text(["--version"]) == "version")
    #expect(try text(["--log.level=info", "--version"]) == "version")
    #expect(try text(["help"]) == "help ")
    #expect(try text(["help", "check"]) == "help check")
    #expect(try text(["-h"]) == "help serve")
    #expect(try text(["--log.level=info", "--help"]) == "help serve")
    #expect(try text(["check", "config", "-h"]) == "help check config")
    #expect(try text(["check", "-h"]) == "help check" && text(["help", "check", "sd"]) == "help check sd")
    #expect(try text(["check", "scrape", "-", "--format", "openmetrics"]) == "scrape - - openmetrics")
    #expect(try text(["check", "scrape", "a:1", "--config=f", "--job=j"]) == "scrape a:1 j -")
    #expect(try text(["check", "sd", "j", "--config=f", "--timeout=2s"]) == "sd j f 2000")
    #expect(try text(["check", "web-config", "a", "b"]) == "web-config [\"a\", \"b\"]")
    #expect(try text(["check", "credentials", "a"]) == "credentials [\"a\"]")
    #expect(try text(["check", "config", "x.yml"]) == "check x.yml with rules")
    #expect(try text(["check", "config", "--syntax-only", "x.yml"]) == "check x.yml alone")
    let backfill = ["rules", "backfill", "--start=1700000000", "--end", "2023-11-15T00:00:00Z", "--output-dir=o", "f"]
    #expect(try text(backfill) == "backfill 1700000000000 1700006400000 o")
    #expect(try text(["rules", "backtest", "--since=7d", "--candidate=c", "f"]) == "backtest 604800000 [\"c\"]")
    #expect(try text(["check", "rules"]) == "rules [] true false")
    #expect(try text(["check", "rules", "a", "b", "--lint=none", "--lint-fatal"]) == "rules [\"a\", \"b\"] false true")
  }

  @Test(
    "what cannot be obeyed is one clear line",
    arguments: [
      (["--bogus"], "unknown flag --bogus"),
      (["--storage.tsdb.pth=x"], "unknown flag --storage.tsdb.pth; did you mean --storage.tsdb.path?"),
      (
        ["--storage.tsdb.retention=15d"],
        "unknown flag --storage.tsdb.retention; did you mean --storage.tsdb.retention.time?"
      ),
      (["--no-log.level"], "unknown flag --no-log.level; did you mean --log.level?"),
      (["--no-web.enable-lifecycle=true"], "--no-web.enable-lifecycle takes no value"),
      (["-x"], "unknown flag -x (flags begin with two dashes; see apus help serve)"),
      (["serve", "extra"], "unexpected argument extra (see apus help)"),
      (["--web.enable-lifecycle", "true"], "unexpected argument true (see apus help)"),
      (["--"], "unexpected argument -- (see apus help)"),
      (["--query.timeout"], "--query.timeout: a value is missing (a duration such as 30s, 1h30m or 15d)"),
      (
        ["--query.timeout", "--log.level=info"],
        "--query.timeout: a value is missing (a duration such as 30s, 1h30m or 15d)"
      ),
      (["--query.timeout=3"], "--query.timeout: \"3\" is not a duration such as 30s, 1h30m or 15d"),
      (["--query.timeout=0s"], "--query.timeout: a duration above 0 is needed"),
      (["--query.timeout=1s", "--query.timeout=1s"], "--query.timeout is given more than once"),
      (["--log.level=trace"], "--log.level: \"trace\" is not one of debug, info, warn, error"),
      (["--query.max-samples=x"], "--query.max-samples: \"x\" is not a whole number from 1"),
      (["--query.max-concurrency=0"], "--query.max-concurrency: \"0\" is not a whole number from 1 to 10000"),
      (["--web.enable-lifecycle=yes"], "--web.enable-lifecycle: \"yes\" is not true or false"),
      (["--web.listen-address=9090"], "--web.listen-address: \"9090\" is not host:port or :port"),
      (["--web.listen-address=::1:9090"], "--web.listen-address: \"::1:9090\" is not host:port or :port"),
      (["--web.listen-address=:99999"], "--web.listen-address: \":99999\" is not host:port or :port"),
      (
        ["--storage.tsdb.retention.size=5"],
        "--storage.tsdb.retention.size: \"5\" is not a size with a unit such as 512MB or 10GiB"
      ),
      (["--storage.tsdb.wal-sync=never"], "--storage.tsdb.wal-sync: \"never\" is not one of always, interval, os"),
      (["--agent"], "--agent: agent mode is not available in this version"),
      (["--storage.tsdb.path="], "--storage.tsdb.path is empty"),
      (["tsdb", "lst"], "apus tsdb: unknown command lst; did you mean list? (see apus help tsdb)"),
      (["sevre"], "unknown command sevre; did you mean serve? (see apus help)"),
      (["check"], "apus check: what is to be checked is missing (config, credentials, rules, scrape, sd, web-config)"),
      (
        ["check", "scap"],
        "apus check: scap cannot be checked, only config, credentials, rules, scrape, sd, web-config; did you mean scrape?"
      ),
      (["check", "web-config"], "apus check web-config: a file is missing: apus check web-config FILE..."),
      (
        ["check", "scrape"],
        "apus check scrape: a target is missing: an address, a URL, a file, or - for standard input"
      ),
      (["check", "scrape", "a", "--job=b"], "apus check scrape: --job needs --config, the file that has the job"),
      (["check", "scrape", "a", "--format=xml"], "--format: \"xml\" is none of text, openmetrics, protobuf"),
      (["check", "scrape", "a", "b"], "apus check scrape: unexpected argument b"),
      (["check", "sd"], "apus check sd: the name of a job is missing"),
      (["check", "sd", "job"], "apus check sd: --config is missing, the file that has the job"),
      (["check", "sd", "job", "--config=f", "--timeout=x"], "--timeout: \"x\" is no duration, such as 30s"),
      (["check", "config"], "apus check config: a file is missing: apus check config FILE"),
      (["check", "config", "a", "b"], "apus check config: unexpected argument b"),
      (["version", "x"], "unexpected argument x"),
    ])
  func refusals(arguments: [String], message: String) {
    #expect {
      try Command.parse(arguments)
    } throws: {
      "\($0)" == message
    }
  }

  @Test("an environment variable stands below its flag")
  func environment() throws {
    let environment = [
      "APUS_STORAGE_TSDB_PATH": "/env", "APUS_WEB_ENABLE_LIFECYCLE": "true", "APUS_CONFIG_FILE": "/env.yml",
      "APUS_WEB_LISTEN_ADDRESS": ":1,:2", "APUS_STORAGE_TSDB_WAL_SYNC": "os", "PATH": "/bin",
    ]
    let fromEnvironment = try options([], environment: environment)
    #expect(fromEnvironment.dataDirectory == "/env" && fromEnvironment.isLifecycleEnabled)
    #expect(fromEnvironment.configFile == "/env.yml" && fromEnvironment.isConfigFileGiven)
    #expect(fromEnvironment.listenAddresses.map(\.port) == [1, 2])
    #expect(fromEnvironment.walSync == .os && fromEnvironment.warnings.isEmpty)
    let fromFlags = try options(
      ["--storage.tsdb.path=/flag", "--no-web.enable-lifecycle", "--web.listen-address=:3"], environment: environment)
    #expect(fromFlags.dataDirectory == "/flag" && !fromFlags.isLifecycleEnabled)
    #expect(fromFlags.listenAddresses.map(\.port) == [3])
    #expect {
      try options([], environment: ["APUS_QUERY_TIMEOUT": "soon"])
    } throws: {
      "\($0)"
        == "environment variable APUS_QUERY_TIMEOUT: \"soon\" is not a duration such as 30s, 1h30m or 15d"
    }
  }

  @Test("a variable that is no flag's is named, those that Kubernetes sets are not")
  func unknownVariables() throws {
    let options = try options(
      [],
      environment: [
        "APUS_LOG_LEVL": "info", "APUS_SERVICE_HOST": "10.0.0.1", "APUS_PORT": "tcp://10.0.0.1:9090",
        "APUS_PORT_9090_TCP_ADDR": "10.0.0.1",
      ])
    #expect(options.warnings == ["environment variable APUS_LOG_LEVL is no flag's; did you mean APUS_LOG_LEVEL?"])
  }

  @Test("features are served, always on, without effect, or unknown")
  func features() throws {
    let options = try options(["--enable-feature=promql-experimental-function,native-histograms,st-storage"])
    #expect(options.features.isEmpty)
    #expect(
      options.warnings == [
        "accepted without effect in this version: --enable-feature=st-storage",
        "--enable-feature: unknown feature promql-experimental-function; did you mean promql-experimental-functions?",
      ])
  }

  @Test(
    "the route prefix is the flag's or the path of the external URL",
    arguments: [
      ("", "", "/"), ("", "http://h:1", "/"), ("", "http://h:1/", "/"), ("", "https://h/a/b/", "/a/b"),
      ("", "/prometheus/", "/prometheus"), ("/x/", "https://h/a", "/x"), ("x", "", "/x"), ("/", "https://h/a", "/"),
      ("", "https://h/a?b=/c#d", "/a"), ("", "https://h?b=/c", "/"),
    ])
  func routePrefix(prefix: String, url: String, expected: String) throws {
    let options = try options(["--web.route-prefix=\(prefix)", "--web.external-url=\(url)"])
    #expect(options.routePrefix == expected)
    #expect(options.externalURL == url)
  }
}

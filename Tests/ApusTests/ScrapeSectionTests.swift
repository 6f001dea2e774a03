import Discovery
import Glibc
import Outbound
import Scrape
import TestKit
import Testing

@testable import apus

@Suite("Scrape configs")
struct ScrapeSectionTests {
  private func job(_ global: String, _ rest: String) throws -> ScrapeOptions {
    try #require(configuration("global: \(global)\nscrape_configs: [{job_name: j\(rest)}]\n").scrapes.first)
  }

  @Test("what a job does not give comes from global, and so does what it gives as zero")
  func inheritance() throws {
    let global =
      "{scrape_interval: 30s, scrape_timeout: 5s, sample_limit: 7, body_size_limit: 1MB, label_limit: 3, "
      + "keep_dropped_targets: 4, scrape_failure_log_file: /f, convert_classic_histograms_to_nhcb: true}"
    for rest in ["", ", scrape_interval: 0s, scrape_timeout: 0s, sample_limit: 0, body_size_limit: 0"] {
      let job = try job(global, rest)
      #expect(job.intervalMilliseconds == 30_000 && job.timeoutMilliseconds == 5_000)
      #expect(job.samplesMax == 7 && job.bodyBytesMax == 1 << 20 && job.labelsMax == 3)
      #expect(job.droppedTargetsKeptMax == 4 && job.failureLogFile == "/f" && job.convertsClassicHistograms)
    }
    let own = try job(global, ", scrape_interval: 3s, sample_limit: 9, convert_classic_histograms_to_nhcb: false")
    #expect(own.intervalMilliseconds == 3_000 && own.samplesMax == 9 && !own.convertsClassicHistograms)
    // A timeout that is not given is no longer than the interval.
    #expect(own.timeoutMilliseconds == 3_000)
    #expect(try job("{}", "").intervalMilliseconds == 60_000)
    #expect(try job("{}", "").timeoutMilliseconds == 10_000)
  }

  @Test("protobuf is asked for first where native histograms are, unless global names protocols")
  func protocols() throws {
    #expect(try job("{}", "").protocols == ScrapeProtocol.usual)
    #expect(try job("{}", ", scrape_native_histograms: true").protocols == [.protobuf] + ScrapeProtocol.usual)
    #expect(try job("{scrape_native_histograms: true}", "").protocols.first == .protobuf)
    let named = "{scrape_protocols: [PrometheusText0.0.4], scrape_native_histograms: true}"
    #expect(try job(named, "").protocols == [.text0])
    #expect(try job(named, ", scrape_protocols: [OpenMetricsText1.0.0]").protocols == [.openMetrics1])
  }

  @Test("what cannot be is refused in Prometheus's words")
  func refusals() {
    let cases = [
      (
        "{job_name: j, scrape_interval: 5s, scrape_timeout: 6s}",
        "scrape timeout greater than scrape interval for scrape config with job name \"j\""
      ),
      ("{job_name: j}, {job_name: j}", "two scrape configs have the job_name j"),
      ("{scheme: http}", "\"job_name\" is missing"),
    ]
    for (jobs, text) in cases {
      #expect { try configuration("scrape_configs: [\(jobs)]") } throws: { "\($0)".contains(text) }
    }
  }

  @Test("files of scrape configs are read, with paths that begin in their folder; a job's name is used once")
  func files() throws {
    let folder = try TemporaryDirectory()
    func write(_ name: String, _ text: String) throws -> String {
      let path = "\(folder.path)/\(name)"
      try Array(text.utf8).withUnsafeBytes { bytes throws in
        let file = try #require(fopen(path, "we"))
        defer { fclose(file) }
        #expect(fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count)
      }
      return path
    }
    _ = try write(
      "b.yml", "scrape_configs: [{job_name: b, basic_auth: {username: u, password_file: pw}, sample_limit: 2}]")
    _ = try write("a.yml", "scrape_configs: [{job_name: a, file_sd_configs: [{files: ['t/*.json']}]}]")
    let main = try write(
      "main.yaml",
      """
      global: {scrape_interval: 9s}
      scrape_config_files: ['*.yml']
      scrape_configs: [{job_name: m, bearer_token_file: token, scrape_failure_log_file: log/f}]
      apus: {scrape: {keep_valid: true}}
      """)
    let read = try ConfigurationFile.load(path: main, environment: [:])
    #expect(read.scrapes.map(\.jobName) == ["m", "a", "b"] && read.scrapes.allSatisfy { $0.keepsValid })
    #expect(read.scrapes.allSatisfy { $0.intervalMilliseconds == 9_000 } && read.scrapes[2].samplesMax == 2)
    #expect(read.scrapes[0].failureLogFile == "\(folder.path)/log/f")
    #expect(
      read.scrapes[0].client.credentials
        == .authorization(type: "Bearer", credentials: .file("\(folder.path)/token")))
    var files = FileDiscoveryOptions()
    files.files = ["\(folder.path)/t/*.json"]
    #expect(read.scrapes[1].discoveries == [.file(files)])
    #expect(read.scrapes[2].client.credentials == .basic(user: .text("u"), password: .file("\(folder.path)/pw")))
    #expect(read.scrapes[2].text.contains("job_name: b") && read.warnings.isEmpty)

    _ = try write("c.yml", "scrape_configs: [{job_name: m}]")
    #expect { try ConfigurationFile.load(path: main, environment: [:]) } throws: {
      "\($0)".contains("found multiple scrape configs with job name \"m\"")
    }
    _ = try write("c.yml", "scrape_configs: [{job_name: c, scrape_intervall: 3s}]")
    #expect { try ConfigurationFile.load(path: main, environment: [:]) } throws: {
      "\($0)".contains("c.yml:1:32: unknown key \"scrape_intervall\"")
    }
  }

  @Test("a job that scrapes this server is known by its static targets")
  func own() throws {
    let address = OwnAddress(port: 9090, metricsPath: "/metrics")
    func isOwn(_ rest: String) throws -> Bool { address.isNamed(by: [try job("{}", rest)]) }
    #expect(try isOwn(", static_configs: [{targets: ['a:1', 'localhost:9090']}]"))
    #expect(try isOwn(", static_configs: [{targets: ['[::1]:9090']}]"))
    #expect(try !isOwn(", static_configs: [{targets: ['localhost:9091']}]"))
    #expect(try !isOwn(", static_configs: [{targets: ['localhost:9090']}], metrics_path: /federate"))
    #expect(try !isOwn(""))

    // Once there are targets, they say: one that relabelling dropped, or that fails, brings nothing.
    func isScraped(_ url: String, _ health: TargetState.Health = .up) -> Bool {
      var target = TargetState(
        pool: "p", discoveredLabels: .empty, labels: .empty, url: url, intervalMilliseconds: 1, timeoutMilliseconds: 1)
      target.health = health
      return address.isScraped(among: [target])
    }
    #expect(isScraped("http://localhost:9090/metrics") && isScraped("https://127.0.0.1:9090/metrics?a=b"))
    #expect(isScraped("http://localhost:9090/metrics", .unknown))
    #expect(!isScraped("http://localhost:9090/metrics", .down) && !isScraped("http://localhost:9090/federate"))
    #expect(!isScraped("http://localhost:90901/metrics") && !isScraped("http://a:9090/metrics"))
  }
}

import Discovery
import HTTP
import Model
import Testing

@testable import Scrape

@Suite struct PoolTests {
  @Test("targets are scraped at once, then at their phase, each interval, and told as up")
  func scrapes() throws {
    let bench = PoolBench()
    bench.configure(.test())
    #expect(bench.manager.pools == ["job"] && bench.manager.activeTargets().isEmpty)
    bench.find("job", ["a:1", "b:1", "c:1"])
    let unknown = try #require(bench.target("a:1"))
    #expect(unknown.health == .unknown && unknown.lastMilliseconds == nil && unknown.url == "http://a:1/metrics")
    bench.run(milliseconds: 100)
    #expect(bench.record.all.count == 3, "all within the ramp")
    bench.run(milliseconds: 150_000)
    for instance in ["a:1", "b:1", "c:1"] {
      let times = bench.record.times(instance)
      #expect((11...12).contains(times.count))
      let steady = times.dropFirst()
      #expect(zip(steady, steady.dropFirst()).allSatisfy { $1 - $0 == 15_000 }, "\(times)")
    }
    #expect(Set(["a:1", "b:1", "c:1"].map { bench.record.times($0).last.map { $0 % 15_000 } }).count == 3)
    let up = try #require(bench.target("a:1"))
    #expect(up.health == .up && up.lastError == "" && up.lastMilliseconds == bench.record.times("a:1").last)
    #expect(up.lastSeconds == 0.005 && up.intervalMilliseconds == 15_000 && up.timeoutMilliseconds == 10_000)
    #expect(bench.metric("apus_scrape_ticks_missed_total", ["scrape_job": "job"]) == 0)
    #expect(bench.metric("prometheus_target_interval_length_seconds", ["interval": "15s", "quantile": "0.5"]) == 15)
    #expect(bench.metric("prometheus_target_scrape_pool_targets", ["scrape_job": "job"]) == 3)
    #expect(bench.metric("prometheus_target_metadata_cache_entries", ["scrape_job": "job"]) == 9)
    #expect(bench.metric("prometheus_target_metadata_cache_bytes", ["scrape_job": "job"]) == 210)
  }

  @Test("without the first scrape at once targets wait for their phase, the same after a restart")
  func phases() {
    var options = ScrapeServerOptions()
    options.firstScrapeAtOnce = false
    var phases: [[Int64]] = []
    for (host, wait) in [("a", 0), ("a", 7_777), ("b", 0)] as [(String, Int64)] {
      let bench = PoolBench(host: host, options: options)
      bench.run(milliseconds: wait)
      bench.configure(.test())
      bench.find("job", ["a:1", "b:1"])
      bench.run(milliseconds: 31_000)
      #expect(bench.record.all.count >= 4)
      phases.append(["a:1", "b:1"].map { (bench.record.times($0).first ?? 0) % 15_000 })
    }
    #expect(phases[0] == phases[1] && phases[0] != phases[2])
  }

  @Test("targets whose series have the labels of another target's are told once, counted, and scraped")
  func twins() throws {
    let bench = PoolBench()
    bench.configure(
      .test { $0.relabelling = [RelabelRule(.replace, to: "instance", replacement: "one")] })
    bench.find("job", ["a:1", "b:1", "a:1"])
    bench.run(milliseconds: 20_000)
    #expect(bench.metric("apus_scrape_twin_targets", ["scrape_job": "job"]) == 1)
    #expect(bench.manager.activeTargets().count == 2)
    func count() -> Int { bench.lines.all.count { $0.contains("Targets of a job have the same labels") } }
    #expect(count() == 1 && bench.lines.contain("count=1", "target=http://a:1/metrics", "other=http://b:1/metrics"))
    bench.find("job", ["b:1", "a:1"])
    bench.run(milliseconds: 20_000)
    #expect(count() == 1)
    bench.find("job", ["b:1"])
    bench.run(milliseconds: 20_000)
    #expect(count() == 1 && bench.metric("apus_scrape_twin_targets", ["scrape_job": "job"]) == 0)
  }

  @Test("the request says formats, compression, who asks and the timeout")
  func request() throws {
    let bench = PoolBench()
    bench.configure(
      .test(timeout: 2_500) { options in
        options.isCompressionEnabled = false
        options.relabelling = [RelabelRule(.replace, to: "__unix_socket__", replacement: "/run/x.sock")]
      })
    bench.find("job", ["a:1"])
    bench.run(milliseconds: 100)
    let request = try #require(bench.exchange.requests.first?.request)
    #expect(request.method == "GET" && request.url == "http://a:1/metrics" && request.unixSocket == "/run/x.sock")
    #expect(request.totalMillisecondsMax == 2_500)
    #expect(
      request.headers.map { "\($0.name): \($0.value)" } == [
        "Accept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
          + "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
          + "text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
        "Accept-Encoding: identity", "User-Agent: Prometheus/3.5.0", "X-Prometheus-Scrape-Timeout-Seconds: 2.5",
      ])
  }

  @Test("failures have Prometheus's texts, a failed target is down, and the failure log has them")
  func failures() throws {
    let bench = PoolBench()
    try bench.disk.makeDirectory("/log")
    func behave(_ address: String, _ result: Result<ClientResponse, HTTPClientError>) {
      bench.exchange.set(address, .init(result: result))
    }
    behave(
      "status:1", .success(ClientResponse(status: 503, statusText: "503 Service Unavailable", headers: [], body: [])))
    behave("refused:1", .failure(.cannotConnect(address: "127.0.0.1:1", reason: "connect: connection refused")))
    behave("large:1", .failure(.responseTooLarge(bytesMax: 99)))
    behave("exact:1", .success(ClientResponse(status: 200, headers: [], body: Array(repeating: 65, count: 100))))
    behave("less:1", .success(ClientResponse(status: 200, headers: [], body: Array(repeating: 65, count: 99))))
    bench.exchange.set("slow:1", .init(milliseconds: 60_000))
    bench.configure(
      .test { options in
        options.bodyBytesMax = 100
        options.failureLogFile = "/log/failures.json"
      })
    bench.find("job", ["status:1", "refused:1", "large:1", "exact:1", "less:1", "slow:1"])
    bench.run(milliseconds: 10_300)
    func error(_ address: String) -> String? { bench.target(address).map(\.lastError) }
    #expect(error("status:1") == "server returned HTTP status 503 Service Unavailable")
    #expect(error("refused:1") == #"Get "http://refused:1/metrics": dial tcp 127.0.0.1:1: connect: connection refused"#)
    #expect(error("large:1") == "body size limit exceeded" && error("exact:1") == "body size limit exceeded")
    #expect(error("less:1") == "" && bench.target("less:1")?.health == .up)
    #expect(error("slow:1") == #"Get "http://slow:1/metrics": context deadline exceeded"#)
    #expect(bench.target("slow:1")?.health == .down && bench.target("slow:1")?.lastSeconds == 10)
    #expect(bench.metric("prometheus_target_scrapes_exceeded_body_size_limit_total") ?? 0 >= 2)
    let log = try bench.text("/log/failures.json")
    let line = try #require(log.split(separator: "\n").first { $0.contains("refused:1") })
    #expect(
      line.hasSuffix(
        #""level":"ERROR","msg":"Get \"http://refused:1/metrics\": dial tcp 127.0.0.1:1: connect: connection refused","#
          + #""job_name":"job","target":"http://refused:1/metrics"}"#))
  }

  @Test("without a limit of its own a body is bounded by the server, and all bodies together wait for room")
  func bodies() throws {
    var options = ScrapeServerOptions()
    options.bodyBytesMax = 1_000_000
    options.bodiesBytesMax = 1_000_000
    let bench = PoolBench(options: options)
    for name in 0..<10 { bench.exchange.set("t\(name):1", .init(milliseconds: 1_000, bodyBytes: 100_000)) }
    bench.exchange.set("huge:1", .init(result: .failure(.responseTooLarge(bytesMax: 1_000_000))))
    bench.configure(.test())
    bench.find("job", (0..<10).map { "t\($0):1" })
    bench.run(milliseconds: 14_000)
    #expect(bench.exchange.runningMax <= 3, "each takes 256 KiB at first")
    #expect(bench.manager.activeTargets().allSatisfy { $0.health == .up })
    #expect(bench.exchange.requests.allSatisfy { ($0.request.totalMillisecondsMax ?? 0) <= 10_000 })
    bench.find("job", ["huge:1"])
    bench.run(milliseconds: 14_000)
    #expect(bench.target("huge:1")?.lastError == "body size limit exceeded (1000000 bytes, the server's own)")
    // Those that wait for room while their job goes are done with, too.
    bench.find("job", (0..<10).map { "t\($0):1" })
    bench.run(milliseconds: 5_300)
    bench.find("job", [])
    bench.run(milliseconds: 40_000)
    #expect(bench.scraper.underWay == 0 && bench.scraper.bodyBytes == 0)
    // Two that grow past the budget while they arrive: one gives up.
    bench.exchange.set("x:1", .init(milliseconds: 5_000, bodyBytes: 800_000))
    bench.exchange.set("y:1", .init(milliseconds: 5_000, bodyBytes: 800_000))
    bench.find("job", ["x:1", "y:1"])
    bench.run(milliseconds: 6_200)
    #expect(bench.metric("apus_scrapes_exceeded_body_budget_total") ?? 0 >= 1)
    #expect(bench.manager.activeTargets().contains { $0.lastError.contains("apus.scrape.bodies_bytes_max") })
  }

  @Test("one scrape of a target at a time: a slow one misses its moments, the others none")
  func slow() {
    let bench = PoolBench()
    bench.configure(.test(interval: 5_000, timeout: 5_000))
    bench.exchange.set("slow:1", .init(milliseconds: 4_999))
    bench.find("job", ["slow:1", "fast:1"])
    bench.run(milliseconds: 60_000)
    let fast = bench.record.times("fast:1").dropFirst()
    #expect(fast.count >= 11 && zip(fast, fast.dropFirst()).allSatisfy { $1 - $0 == 5_000 })
    #expect(bench.record.times("slow:1").count >= 11)
    // Fetched for 5 of 5 seconds, and never twice at once.
    #expect(bench.exchange.runningMax <= 2)
    #expect(bench.metric("apus_scrape_ticks_missed_total", ["scrape_job": "job"]) ?? 9 <= 1)
  }

  @Test("over target_limit no target of the job is scraped, and all are again when there are fewer")
  func targetLimit() {
    let bench = PoolBench()
    bench.configure(.test { $0.targetsMax = 2 })
    bench.find("job", ["a:1", "b:1", "c:1"])
    bench.run(milliseconds: 14_000)
    let text = "target_limit exceeded (number of targets: 3, limit: 2)"
    #expect(bench.manager.activeTargets().allSatisfy { $0.lastError == text && $0.health == .down })
    #expect(bench.exchange.requests.isEmpty && bench.record.all.allSatisfy { $0.error == text })
    #expect(bench.metric("prometheus_target_scrape_pool_exceeded_target_limit_total") == 1)
    #expect(bench.metric("prometheus_target_scrape_pool_target_limit", ["scrape_job": "job"]) == 2)
    bench.find("job", ["a:1", "b:1"])
    bench.run(milliseconds: 20_000)
    #expect(bench.manager.activeTargets().map(\.health) == [.up, .up])
  }

  @Test(
    "dropped targets are counted exactly and kept up to the limit; those that cannot be are told; equal ones are one")
  func dropped() {
    let bench = PoolBench()
    bench.configure(
      .test { options in
        options.droppedTargetsKeptMax = 2
        options.relabelling = [RelabelRule(.drop, of: ["__address__"], regex: "d.*")]
      })
    bench.find("job", ["a:1", "d:1", "d:2", "d:3", "x/y", "a:1"])
    #expect(bench.manager.activeTargets().count == 1 && bench.manager.droppedTargets().count == 2)
    #expect(bench.manager.droppedCounts() == ["job": 3])
    #expect(bench.manager.droppedTargets(of: "other").isEmpty && bench.manager.activeTargets(of: "job").count == 1)
    #expect(bench.metric("prometheus_target_sync_failed_total", ["scrape_job": "job"]) == 1)
    #expect(bench.lines.contain("Creating target failed", "instance 4 in group test", "is not a valid hostname"))
    #expect(bench.metric("prometheus_target_scrape_pool_sync_total", ["scrape_job": "job"]) == 1)
  }

  @Test("the first groups are taken at once, later ones at most every five seconds")
  func throttle() {
    let bench = PoolBench()
    bench.configure(.test())
    bench.find("job", ["a:1"])
    #expect(bench.manager.activeTargets().count == 1)
    bench.run(milliseconds: 1_000)
    bench.find("job", ["a:1", "b:1"])
    bench.run(milliseconds: 3_900)
    bench.find("job", ["a:1", "b:1", "c:1"])
    #expect(bench.manager.activeTargets().count == 1)
    bench.run(milliseconds: 200)
    #expect(bench.manager.activeTargets().count == 3)
    #expect(bench.metric("prometheus_target_scrape_pool_sync_total", ["scrape_job": "job"]) == 2)
  }
}

import Discovery
import HTTP
import Model
import Testing

@testable import Scrape

@Suite struct ReloadTests {
  /// The times at which each of some targets was to be scraped and was are the same as without what happened between.
  private func times(_ bench: PoolBench, _ instances: [String]) -> [[Int64]] { instances.map(bench.record.times) }

  private static let addresses = (0..<500).map { "t\($0):1" }

  @Test("500 targets, of one of which the interval changes: no other scrape is missed, moved or stored elsewhere")
  func oneOfMany() {
    func run(reload: Bool) -> PoolBench {
      let bench = PoolBench()
      bench.configure(.test("many"), .test("one"))
      bench.find("many", Self.addresses)
      bench.find("one", ["x:1"])
      bench.run(milliseconds: 40_000)
      if reload { bench.configure(.test("many"), .test("one", interval: 20_000)) }
      bench.run(milliseconds: 40_000)
      return bench
    }
    let (plain, reloaded) = (run(reload: false), run(reload: true))
    #expect(times(plain, Self.addresses) == times(reloaded, Self.addresses))
    #expect(plain.record.all.count > 2_500 && reloaded.record.seriesMade == 501)
    #expect(reloaded.metric("apus_scrape_ticks_missed_total", ["scrape_job": "many"]) == 0)
    #expect(reloaded.metric("prometheus_target_scrape_pool_reloads_total") == 1)
    let x = reloaded.record.times("x:1").suffix(2)
    #expect(x.last.map { $0 - (x.first ?? 0) } == 20_000)
    // Its series go on, so nothing of it is marked as ended.
    #expect(reloaded.record.all.allSatisfy { !$0.isEnd })
    #expect(reloaded.target("x:1")?.intervalMilliseconds == 20_000)
  }

  @Test(
    "interval, timeout, limit of samples, client and what concerns no series change in place: series and phase stay",
    arguments: 0..<6)
  func inPlace(_ number: Int) {
    let changes: [@Sendable (inout ScrapeOptions) -> Void] = [
      { $0.timeoutMilliseconds = 5_000 }, { $0.samplesMax = 7 }, { $0.client.followsRedirects = false },
      { $0.bodyBytesMax = 1_000 }, { $0.targetsMax = 10 },
      { $0.relabelling = [RelabelRule(.labeldrop, regex: "nothing")] },
    ]
    let bench = PoolBench()
    bench.configure(.test())
    bench.find("job", ["a:1"])
    bench.run(milliseconds: 31_000)
    bench.configure(.test { changes[number](&$0) })
    bench.run(milliseconds: 60_000)
    let times = bench.record.times("a:1").dropFirst()
    #expect(times.count >= 5 && zip(times, times.dropFirst()).allSatisfy { $1 - $0 == 15_000 }, "\(times)")
    #expect(bench.record.seriesMade == 1 && bench.record.all.allSatisfy { !$0.isEnd })
    #expect(bench.manager.options(of: "job") == .test { changes[number](&$0) })
    #expect(bench.target("a:1")?.health == .up)
  }

  @Test("other rules for series give new ones at the same phase; what the old ones had is marked 2.1 intervals later")
  func newSeries() {
    let bench = PoolBench()
    bench.configure(.test())
    bench.find("job", ["a:1"])
    bench.run(milliseconds: 31_000)
    bench.configure(.test { $0.metricRelabelling = [RelabelRule(.drop, of: ["x"])] })
    let reload = bench.now
    bench.run(milliseconds: 60_000)
    let times = bench.record.times("a:1").dropFirst()
    #expect(zip(times, times.dropFirst()).allSatisfy { $1 - $0 == 15_000 })
    #expect(bench.record.seriesMade == 2)
    let next = times.first { $0 > reload }
    #expect(bench.record.all.filter(\.isEnd).map(\.time) == [next].compactMap { $0 })
    #expect(bench.record.all.filter(\.isEnd).map(\.series) == [1])
    #expect(bench.record.all.last?.series == 2)
  }

  @Test("a running scrape is not cut by a reload, nor by the end of its target")
  func running() {
    let bench = PoolBench()
    bench.exchange.set("a:1", .init(milliseconds: 9_000))
    bench.configure(.test())
    bench.find("job", ["a:1"])
    bench.run(milliseconds: 1_000)
    #expect(bench.exchange.requests.count == 1 && bench.record.all.isEmpty)
    bench.configure(.test { $0.samplesMax = 1 })
    bench.configure()
    bench.run(milliseconds: 14_000)
    #expect(bench.record.times("a:1").count == 1 && bench.record.all[0].error == nil)
  }

  @Test("a target that has gone is marked 2.1 intervals later at the time of the scrape that did not come")
  func gone() {
    let bench = PoolBench()
    bench.configure(.test())
    bench.find("job", ["a:1", "b:1"])
    bench.run(milliseconds: 31_000)
    let last = bench.record.times("a:1").last ?? 0
    bench.find("job", ["b:1"])
    let due = last + 15_000 + 15_000 + 1_500
    #expect(bench.manager.activeTargets().count == 1)
    bench.run(milliseconds: max(0, due - 1 - bench.now))
    #expect(bench.record.ends("a:1") == [])
    bench.run(milliseconds: 2)
    #expect(bench.record.ends("a:1") == [last + 15_000])
    bench.run(milliseconds: 60_000)
    #expect(bench.record.ends("a:1").count == 1 && bench.record.ends("b:1").isEmpty)
    #expect(bench.record.times("a:1").last == last)
  }

  @Test(
    "a target that comes back meanwhile goes on with its series and phase; one that was never scraped leaves nothing")
  func back() {
    let bench = PoolBench()
    var options = ScrapeServerOptions()
    options.firstScrapeAtOnce = false
    bench.configure(.test())
    bench.find("job", ["a:1"])
    bench.run(milliseconds: 31_000)
    let phase = (bench.record.times("a:1").last ?? 0) % 15_000
    bench.find("job", [])
    bench.run(milliseconds: 20_000)
    bench.find("job", ["a:1"])
    bench.run(milliseconds: 100_000)
    #expect(bench.record.ends("a:1").isEmpty && bench.record.seriesMade == 1)
    #expect(bench.record.times("a:1").suffix(6).allSatisfy { $0 % 15_000 == phase })
    #expect(bench.metric("apus_scrape_ticks_missed_total", ["scrape_job": "job"]) == 0)

    let never = PoolBench(options: options)
    never.configure(.test(interval: 3_600_000))
    never.find("job", ["a:1"])
    never.find("job", [])
    never.run(milliseconds: 10_000)
    never.configure()
    never.run(milliseconds: 10_000_000)
    #expect(never.record.all.isEmpty && never.wheel.count == 0)
  }

  @Test("with a whole job its targets end, are marked, and its metrics go")
  func jobRemoved() {
    let bench = PoolBench()
    bench.configure(.test("stays"), .test("goes"))
    bench.find("stays", ["a:1"])
    bench.find("goes", ["b:1", "c:1"])
    bench.run(milliseconds: 31_000)
    #expect(bench.metric("prometheus_target_scrape_pool_sync_total", ["scrape_job": "goes"]) == 1)
    bench.configure(.test("stays"))
    #expect(bench.manager.pools == ["stays"])
    #expect(bench.metric("prometheus_target_scrape_pool_sync_total", ["scrape_job": "goes"]) == nil)
    bench.run(milliseconds: 50_000)
    #expect(bench.record.ends("b:1").count == 1 && bench.record.ends("c:1").count == 1)
    #expect(bench.record.ends("a:1").isEmpty && bench.record.times("a:1").count >= 5)
    #expect(bench.wheel.count == 1, "nothing is left of the job")
  }

  @Test("at the stop nothing is marked, nothing begins, and what runs is waited for no longer than allowed")
  func stop() {
    let bench = PoolBench()
    bench.configure(.test())
    bench.find("job", ["a:1", "b:1"])
    bench.run(milliseconds: 31_000)
    bench.find("job", ["a:1"])
    bench.run(milliseconds: 1_000)
    let before = bench.record.all.count
    bench.manager.stop()
    bench.manager.stop()
    bench.run(milliseconds: 100_000)
    bench.configure(.test("late"))
    bench.find("late", ["x:1"])
    bench.run(milliseconds: 100_000)
    #expect(bench.record.all.count == before && bench.wheel.count == 0)
  }

  @Test("where the discoveries change with the rules, old targets are not seen by new rules before the new ones come")
  func discoveries() {
    let bench = PoolBench()
    bench.configure(.test { $0.discoveries = [.fixed([])] })
    bench.find("job", ["a:1"])
    bench.run(milliseconds: 100)
    let rules = [RelabelRule(.keep, of: ["__address__"], regex: "new.*")]
    let changed = ScrapeOptions.test { options in
      options.relabelling = rules
      options.discoveries = []
    }
    bench.configure(changed)
    bench.run(milliseconds: 1_000)
    #expect(bench.manager.activeTargets().count == 1)
    bench.find("job", ["new:1"])
    #expect(bench.manager.activeTargets().map(\.url) == ["http://new:1/metrics"])
    bench.configure(.test { $0.relabelling = rules })
    bench.configure(.test { $0.discoveries = [.fixed([])] })
    bench.run(milliseconds: 5_100)
    #expect(bench.manager.activeTargets().count == 1, "nothing new came within five seconds")
  }

  @Test("a job that cannot be set up is told and leaves the others alone; one that was there stays as it was")
  func badRule() {
    let bench = PoolBench()
    let bad = [RelabelRule(.keep, of: ["a"], regex: "(")]
    bench.configure(.test("good"), .test("bad") { $0.relabelling = bad })
    #expect(bench.manager.pools == ["good"])
    #expect(bench.metric("prometheus_target_scrape_pools_failed_total") == 1)
    #expect(bench.metric("prometheus_target_scrape_pools_total") == 2)
    bench.find("good", ["a:1"])
    bench.configure(.test("good") { $0.relabelling = bad })
    #expect(bench.manager.activeTargets().count == 1 && bench.manager.options(of: "good") == .test("good"))
    #expect(bench.metric("prometheus_target_scrape_pool_reloads_failed_total") == 1)
    #expect(bench.lines.contain("A scrape job cannot be set up", "scrape_pool=bad"))
  }
}

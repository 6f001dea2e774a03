import Format
import Ingest
import Model
import TSDB
import Testing

@testable import Scrape

/// When series of a target end.
@Suite struct StalenessTests {
  @Test("a series that is not exposed any more ends at the time of the scrape, once")
  func gone() throws {
    let bench = try ScrapeBench()
    bench.scrape("a 1\nb 1\nc 1\n")
    bench.scrape("a 1\nc 1\n")
    bench.scrape("a 1\nc 1\n")
    bench.scrape("c 1\nb 2\na 1\n")
    #expect(try bench.only("b") == ["15 1.0", "30 stale", "60 2.0"])
    #expect(try bench.only("a").count == 4 && bench.only("c").count == 4)
    #expect(try bench.only("scrape_series_added") == ["15 3.0", "30 0.0", "45 0.0", "60 1.0"])
  }

  @Test("a failed fetch ends all series of the last scrape, at once and once; those about the scrape go on")
  func failed() throws {
    let bench = try ScrapeBench()
    bench.scrape("a 1\nb 1\n")
    let report = bench.scrape(.failure("connection refused", isTooLarge: false))
    #expect(report.error == "connection refused" && report.samplesScraped == 0)
    bench.scrape(.failure("connection refused", isTooLarge: false))
    #expect(try bench.only("a") == ["15 1.0", "30 stale"])
    #expect(try bench.only("up") == ["15 1.0", "30 0.0", "45 0.0"])
    #expect(bench.scrape("a 1\nb 1\n").seriesAdded == 0)
    #expect(try bench.only("b") == ["15 1.0", "30 stale", "60 1.0"])
  }

  @Test("an empty answer is a success of which no content type is asked; all series end")
  func empty() throws {
    let bench = try ScrapeBench()
    bench.scrape("a 1\n")
    let report = bench.scrape("", nil)
    #expect(report.error == nil)
    #expect(try bench.only("a") == ["15 1.0", "30 stale"])
    #expect(try bench.only("up") == ["15 1.0", "30 1.0"])
  }

  @Test("a series with a time of its target's never ends, unless the configuration says so", arguments: [false, true])
  func explicitTimes(_ isTracked: Bool) throws {
    let bench = try ScrapeBench { $0.tracksStalenessOfTimestamps = isTracked }
    bench.scrape("a 1 \(ScrapeBench.start + 1000)\n")
    bench.scrape("b 1\n")
    #expect(try bench.only("a") == (isTracked ? ["1 1.0", "30 stale"] : ["1 1.0"]))
  }

  @Test("a target that is gone ends its series and those about its scrapes, once; one never scraped ends nothing")
  func ended() throws {
    let bench = try ScrapeBench()
    bench.target.end(at: bench.time)
    #expect(try bench.samples("up").isEmpty)
    bench.scrape("a 1\nb 1 \(ScrapeBench.start + 1000)\n")
    bench.advance()
    bench.target.end(at: bench.time)
    #expect(try bench.only("a") == ["15 1.0", "30 stale"])
    #expect(try bench.only("b") == ["1 1.0"])
    for name in [
      "up", "scrape_duration_seconds", "scrape_samples_scraped", "scrape_samples_post_metric_relabeling",
      "scrape_series_added",
    ] {
      #expect(try bench.only(name).last == "30 stale", "\(name)")
    }
  }

  @Test("the marker of a target that another one follows is refused in silence, even where late samples are taken")
  func followed() throws {
    let bench = try ScrapeBench()
    bench.scrape("a 1\n")
    let old = bench.target
    bench.target = try bench.another()
    bench.advance()
    let missed = bench.time
    bench.scrape("a 2\n")
    old.end(at: missed)
    old.end(at: bench.time)
    #expect(try bench.only("a") == ["15 1.0", "45 2.0"])
    #expect(try bench.only("up") == ["15 1.0", "45 1.0"])
    #expect(bench.intake.refusals.last.isEmpty)
    #expect(bench.count("prometheus_target_scrapes_sample_out_of_order_total") == 0)
  }

  @Test("not a number is stored as the usual NaN, so that no target can end a series")
  func notANumber() throws {
    let bench = try ScrapeBench()
    bench.scrape("a NaN\n")
    #expect(try bench.only("a") == ["15 nan(0x1)"])
  }

  @Test("a scrape that is refused remembers no more than twice the series of the last good one, and a thousand")
  func flushed() throws {
    let bench = try ScrapeBench { $0.labelsMax = 4 }
    bench.scrape("a 1\n")
    for round in 0..<4 {
      let text = (0..<600).map { "b{x=\"\(round).\($0)\"} 1\n" }.joined()
      #expect(bench.scrape(text + "c{x=\"1\",y=\"2\"} 1\n").error?.hasPrefix("label_limit exceeded") == true)
    }
    #expect(bench.count("prometheus_target_scrapes_cache_flush_forced_total") == 3)
    #expect(bench.target.tableBytes < 2000 * 32)
  }

  @Test("a series that the head has let go is made again from its text; a marker for one makes none")
  func evicted() throws {
    let bench = try ScrapeBench {
      $0.metricRelabelling = [RelabelRule(.replace, of: ["le"], to: "bound"), RelabelRule(.labeldrop, regex: "le")]
    }
    let text = "# TYPE a histogram\na_bucket{le=\"1\",job=\"x\"} 1\na_bucket{le=\"+Inf\",job=\"x\"} 1\n"
    bench.scrape(text + "gone 1\n")
    let labels = try bench.labels("a_bucket")
    #expect(labels.first == #"{__name__="a_bucket", bound="+Inf", exported_job="x", instance="i:1", job="j"}"#)
    bench.forgetSeries()
    #expect(try bench.labels("a_bucket").isEmpty)
    #expect(bench.scrape(text).warning.isEmpty)
    #expect(try bench.labels("a_bucket") == labels)
    #expect(labels.last?.contains(#"bound="1.0""#) == true, "\(labels)")
    #expect(try bench.labels("gone").isEmpty)
    #expect(try bench.labels("up").count == 1)
  }

  @Test("spellings that the head has forgotten are learned again")
  func forgotten() throws {
    let bench = try ScrapeBench()
    bench.scrape("a 1\nb 1\n")
    let series = try bench.database.head.select([CompiledMatcher(Matcher(.equal, "job", "j"))])
    bench.database.head.distrustSpellings(of: series)
    #expect(bench.scrape("a 2\nb 2\n").warning.isEmpty)
    bench.database.head.distrustSpellings(of: [])
    #expect(bench.scrape("a 3\n").warning.isEmpty)
    #expect(try bench.only("a") == ["15 1.0", "30 2.0", "45 3.0"])
    #expect(try bench.only("b") == ["15 1.0", "30 2.0", "45 stale"])
  }

  @Test("a target takes its spellings with it, while its series go on under those of another one")
  func spellings() throws {
    let bench = try ScrapeBench()
    let none = bench.database.head.spellingCounts.all
    bench.scrape("a{x=\"1\"} 1\nb{x=\"1\"} 1\n")
    let one = bench.database.head.spellingCounts.all
    for _ in 0..<3 {
      bench.target = try bench.another()
      #expect(bench.scrape("a{x=\"1\"} 1\nb{x=\"1\"} 1\n").warning.isEmpty)
      #expect(bench.database.head.spellingCounts.all == one)
    }
    #expect(one - none == 14)
    #expect(try bench.samples("a")["x=1"]?.count == 4)
  }

  @Test("a target under other labels has spellings of its own")
  func otherLabels() throws {
    let bench = try ScrapeBench()
    bench.scrape("a 1\n")
    bench.target = try bench.another(Labels([("job", "other")]))
    bench.scrape("a 2\n")
    #expect(
      try bench.labels("a") == [
        #"{__name__="a", instance="i:1", job="j"}"#, #"{__name__="a", job="other"}"#,
      ])
  }
}

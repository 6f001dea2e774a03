import Format
import Ingest
import Model
import TSDB
import Testing

@testable import Scrape

/// From an answer to the database: the cases of appending.
@Suite struct TargetSeriesTests {
  @Test("samples are stored with the labels of the target, and what is about the scrape too")
  func stored() throws {
    let bench = try ScrapeBench()
    let first = bench.scrape("a 1\nb{x=\"y\"} 2\n")
    #expect(first.error == nil && first.warning.isEmpty)
    #expect(first.samplesScraped == 2 && first.samplesPostRelabelling == 2 && first.seriesAdded == 2)
    let second = bench.scrape("a 3\nb{x=\"y\"} 4\n")
    #expect(second.seriesAdded == 0 && second.warning.isEmpty)
    #expect(try bench.only("a") == ["15 1.0", "30 3.0"])
    #expect(try bench.samples("b") == ["x=y": ["15 2.0", "30 4.0"]])
    #expect(try bench.labels("b") == [#"{__name__="b", instance="i:1", job="j", x="y"}"#])
    #expect(try bench.only("up") == ["15 1.0", "30 1.0"])
    #expect(try bench.only("scrape_samples_scraped") == ["15 2.0", "30 2.0"])
    #expect(try bench.only("scrape_samples_post_metric_relabeling") == ["15 2.0", "30 2.0"])
    #expect(try bench.only("scrape_series_added") == ["15 2.0", "30 0.0"])
    #expect(try bench.only("scrape_duration_seconds") == ["15 0.0", "30 0.0"])
    #expect(try bench.samples("scrape_timeout_seconds").isEmpty)
  }

  @Test("the further series about a scrape are stored where they are asked for")
  func extra() throws {
    let bench = try ScrapeBench { options in
      options.storesExtraMetrics = true
      options.samplesMax = 5
      options.timeoutMilliseconds = 2500
    }
    bench.scrape("a 1\n")
    bench.scrape(.failure("body size limit exceeded", isTooLarge: true))
    bench.scrape(.failure("refused", isTooLarge: false))
    #expect(try bench.only("scrape_timeout_seconds") == ["15 2.5", "30 2.5", "45 2.5"])
    #expect(try bench.only("scrape_sample_limit") == ["15 5.0", "30 5.0", "45 5.0"])
    #expect(try bench.only("scrape_body_size_bytes") == ["15 4.0", "30 -1.0", "45 0.0"])
  }

  @Test(
    "a scrape that cannot be read or named is not stored at all; the series of the last one end, and the counts stay",
    arguments: [
      ("a 1\nb 2\n7&-\n", "expected a valid start token", 2, 2),
      ("a 1\n{x=\"y\"} 2\n", "metric name not set while parsing", 1, 1),
      ("a 1\na{x=\"1\",x=\"2\"} 2\n", #"label name "x" is not unique: invalid sample"#, 2, 1),
    ])
  func failed(_ text: String, _ error: String, _ total: Int, _ added: Int) throws {
    let bench = try ScrapeBench()
    bench.scrape("a 1\nc 1\n")
    let report = bench.scrape(text)
    #expect(report.error?.contains(error) == true, "\(report)")
    #expect(report.samplesScraped == total && report.samplesPostRelabelling == added, "\(report)")
    #expect(try bench.only("a") == ["15 1.0", "30 stale"])
    #expect(try bench.only("c") == ["15 1.0", "30 stale"])
    #expect(try bench.samples("b").isEmpty)
    #expect(try bench.only("up") == ["15 1.0", "30 0.0"])
    #expect(try bench.only("scrape_samples_scraped").last == "30 \(Double(total))")
    #expect(try bench.only("scrape_samples_post_metric_relabeling").last == "30 \(Double(added))")
    // Ended once, not with each failure; what comes back is not new.
    bench.scrape(text)
    #expect(try bench.only("c") == ["15 1.0", "30 stale"])
    #expect(bench.scrape("a 1\nc 1\n").seriesAdded == 0)
    #expect(try bench.only("c") == ["15 1.0", "30 stale", "60 1.0"])
  }

  @Test("metric relabelling changes and drops series, once for each text")
  func relabelled() throws {
    let bench = try ScrapeBench { options in
      options.metricRelabelling = [
        RelabelRule(.drop, of: [LabelName.metric], regex: "noise"),
        RelabelRule(.labeldrop, regex: "pod"),
      ]
    }
    for _ in 0..<2 {
      let report = bench.scrape("noise 1\na{pod=\"p\",x=\"1\"} 2\nnoise{x=\"1\"} 2\n")
      #expect(report.samplesScraped == 3 && report.samplesPostRelabelling == 1)
    }
    #expect(try bench.samples("a") == ["x=1": ["15 2.0", "30 2.0"]])
    #expect(try bench.samples("noise").isEmpty)
    #expect(try bench.only("scrape_series_added") == ["15 1.0", "30 0.0"])
  }

  @Test("rules that take the name away fail the scrape")
  func nameless() throws {
    let bench = try ScrapeBench { $0.metricRelabelling = [RelabelRule(.labeldrop, regex: "__name__")] }
    #expect(bench.scrape("a 1\n").error == "missing metric name (__name__ label)")
    let emptied = try ScrapeBench { $0.metricRelabelling = [RelabelRule(.labeldrop, regex: ".*")] }
    let report = emptied.scrape("a 1\n")
    #expect(report.error == nil && report.samplesPostRelabelling == 0)
  }

  @Test("a series that is twice in an answer counts once, the first one; the others are counted and named")
  func twice() throws {
    let bench = try ScrapeBench()
    for _ in 0..<2 {
      let report = bench.scrape("a{x=\"1\"} 1\na{x=\"1\"} 2\na{x=\"1\"} 1\n")
      #expect(report.error == nil && report.samplesPostRelabelling == 3)
      #expect(report.warning.contains(#"a{x="1"}"#) && report.warning.contains("2 samples"), "\(report.warning)")
    }
    #expect(try bench.samples("a") == ["x=1": ["15 1.0", "30 1.0"]])
    #expect(bench.count("prometheus_target_scrapes_sample_duplicate_timestamp_total") == 4)
  }

  @Test("two texts of one series: an equal value is silent, another one is refused, counted and named")
  func twoTexts() throws {
    let bench = try ScrapeBench { $0.metricRelabelling = [RelabelRule(.labeldrop, regex: "pod")] }
    #expect(bench.scrape("a{pod=\"1\"} 1\na{pod=\"2\"} 1\n").warning.isEmpty)
    #expect(bench.count("prometheus_target_scrapes_sample_duplicate_timestamp_total") == 0)
    let report = bench.scrape("a{pod=\"1\"} 1\na{pod=\"2\"} 2\n")
    #expect(report.error == nil && report.samplesPostRelabelling == 2)
    #expect(report.warning.contains("duplicate sample for timestamp"), "\(report.warning)")
    #expect(report.warning.contains(#"__name__="a""#), "\(report.warning)")
    #expect(bench.count("prometheus_target_scrapes_sample_duplicate_timestamp_total") == 1)
  }

  @Test("a series whose text changes is no series that ends")
  func otherText() throws {
    let bench = try ScrapeBench()
    bench.scrape("a{x=\"1\",y=\"2\"} 1\n")
    bench.scrape("a{y=\"2\",x=\"1\"} 2\n")
    bench.scrape("a{x=\"1\",y=\"2\"} 3\n")
    #expect(try bench.samples("a") == ["x=1,y=2": ["15 1.0", "30 2.0", "45 3.0"]])
  }

  @Test(
    "times of the target are honoured or not; what is out of order or bounds is dropped and counted, and the target is up"
  )
  func times() throws {
    var head = HeadOptions()
    head.lateWindowMilliseconds = 0
    let bench = try ScrapeBench(head: head)
    let base = ScrapeBench.start
    bench.scrape("a 1 \(base + 1000)\na 2 \(base + 2000)\n")
    #expect(try bench.only("a") == ["1 1.0", "2 2.0"])
    #expect(bench.scrape("a 2 \(base + 2000)\n").warning.isEmpty)
    let late = bench.scrape("a 1 \(base + 1500)\nb 1\n")
    #expect(late.error == nil && late.warning.contains("out of order sample"), "\(late)")
    #expect(bench.count("prometheus_target_scrapes_sample_out_of_order_total") == 1)
    let early = bench.scrape("a 1 \(base + 3_600_000)\nc 1 \(base - 10 * 86_400_000)\nb 1\n")
    #expect(early.error == nil && early.seriesAdded == 0, "\(early)")
    #expect(bench.count("prometheus_target_scrapes_sample_out_of_bounds_total") == 2)
    #expect(try bench.only("b") == ["45 1.0", "60 1.0"])
    #expect(try bench.samples("c").isEmpty)

    let deaf = try ScrapeBench { $0.honorsTimestamps = false }
    deaf.scrape("a 1 \(base + 1000)\n")
    deaf.scrape("b 1 \(base + 1000)\n")
    #expect(try deaf.only("a") == ["15 1.0", "30 stale"])
  }

  @Test("of two texts of one series the first counts, at each scrape")
  func twins() throws {
    let bench = try ScrapeBench()
    let labels = (0..<20).map { ("x\($0)", "y\($0)") }
    for round in 1...4 {
      let lines = labels.map { one, two in
        "a{one=\"\(one)\",two=\"\(two)\"} \(round)\na{two=\"\(two)\",one=\"\(one)\"} \(round + 100)\n"
      }
      let report = bench.scrape(lines.joined())
      #expect(report.seriesAdded == (round == 1 ? 40 : 0) && report.samplesScraped == 40)
      for (_, samples) in try bench.samples("a") { #expect(samples.last == "\(round * 15) \(round).0") }
      #expect(bench.count("prometheus_target_scrapes_sample_duplicate_timestamp_total") == 20 * round)
    }
  }

  @Test("a limit of active series holds for scraped ones")
  func activeSeries() throws {
    let bench = try ScrapeBench()
    bench.scrape("a 1\n")
    var head = HeadOptions()
    head.limits.activeSeriesMax = 7
    bench.database.head.reconfigure(head)
    let report = bench.scrape("a 1\nb 1\nc 1\n")
    #expect(report.error == nil && report.warning.contains("per-user series limit of 7 exceeded"), "\(report.warning)")
    #expect(try bench.only("a").count == 2)
    #expect(try bench.samples("c").isEmpty)
  }
}

import Format
import Ingest
import Model
import TestKit
import Testing

@testable import Scrape

/// Limits of a scrape config, and `scrape_keep_valid`.
@Suite struct ScrapeLimitTests {
  @Test("over the limit of samples nothing is stored, and all are counted; exactly as many are stored")
  func samples() throws {
    let bench = try ScrapeBench {
      $0.samplesMax = 2
      $0.metricRelabelling = [RelabelRule(.drop, of: [LabelName.metric], regex: "noise")]
    }
    #expect(bench.scrape("noise 1\na 1\nb 1\n").error == nil)
    let report = bench.scrape("noise 1\na 1\nb 1\nc 1\nd 1\n")
    #expect(report.error == "sample limit exceeded")
    #expect(report.samplesScraped == 5 && report.samplesPostRelabelling == 4 && report.seriesAdded == 0, "\(report)")
    #expect(bench.count("prometheus_target_scrapes_exceeded_sample_limit_total") == 1)
    #expect(try bench.only("a") == ["15 1.0", "30 stale"])
    #expect(try bench.samples("c").isEmpty)
    #expect(try bench.only("up").last == "30 0.0")
    bench.options.samplesMax = 4
    bench.target.reconfigure(bench.options)
    #expect(bench.scrape("noise 1\na 1\nb 1\nc 1\nd 1\n").seriesAdded == 2)
  }

  @Test("a limit of labels fails the scrape, is counted, and is looked at once for each series")
  func labels() throws {
    let bench = try ScrapeBench { $0.labelsMax = 4 }
    #expect(bench.scrape("a{x=\"1\"} 1\n").error == nil)
    let report = bench.scrape("a{x=\"1\"} 1\na{x=\"1\",y=\"2\"} 1\nb 1\n")
    #expect(report.error == "label_limit exceeded (metric: a, number of labels: 5, limit: 4)")
    #expect(report.samplesScraped == 2 && report.samplesPostRelabelling == 1)
    #expect(bench.count("prometheus_target_scrape_pool_exceeded_label_limits_total") == 1)
    #expect(try bench.samples("a") == ["x=1": ["15 1.0", "30 stale"]])
  }

  @Test("with scrape_keep_valid only the offenders are left out, counted, and the first is named with its line")
  func keepsValid() throws {
    let bench = try ScrapeBench {
      $0.keepsValid = true
      $0.labelsMax = 4
      $0.samplesMax = 3
    }
    let text = "a 1\nb{ 2\nc{x=\"1\",y=\"2\"} 3\nd{x=\"1\",x=\"1\"} 4\ne 5\nf abc\ng 7\nh 8\n"
    for round in 1...2 {
      let report = bench.scrape(text)
      #expect(report.error == nil)
      #expect(
        report.warning.contains("line 2: ") && report.warning.contains("(5 lines or samples)"), "\(report.warning)")
      #expect(report.samplesScraped == 6, "\(report)")
      #expect(bench.count("apus_scrapes_left_out_samples_total") == 5 * round)
    }
    for name in ["a", "e", "g"] { #expect(try bench.only(name).count == 2, "\(name)") }
    for name in ["b", "c", "d", "f", "h"] { #expect(try bench.samples(name).isEmpty, "\(name)") }
    #expect(try bench.only("up") == ["15 1.0", "30 1.0"])
    // Told in the log's memory as well.
    #expect(bench.intake.refusals.last.contains { $0.reason == "scrape-invalid" && $0.count == 10 })
    let limited = bench.scrape("c{x=\"1\",y=\"2\"} 3\n")
    #expect(limited.warning.contains("label_limit exceeded (metric: c, number of labels: 5, limit: 4), series c{x="))
  }

  @Test("an answer that is no OpenMetrics to its end is kept up to there with scrape_keep_valid, and else refused")
  func unfinished() throws {
    let strict = try ScrapeBench()
    let type = "application/openmetrics-text"
    #expect(strict.scrape("a 1\n", type).error == "data does not end with # EOF")
    let bench = try ScrapeBench { $0.keepsValid = true }
    let report = bench.scrape("a 1\n", type)
    #expect(report.error == nil && report.warning.contains("data does not end with # EOF"), "\(report)")
    #expect(try bench.only("a").count == 1)
  }

  @Test("an answer that is broken anywhere ends the last scrape's series, or is kept as far as it is whole")
  func mutations() throws {
    var families = MetricFamilyBytes()
    families.add("g", .gauge, help: "G.", [MetricFamilyBytes.gauge(1, [("x", "y")]), MetricFamilyBytes.gauge(2)])
    families.add("h", .histogram, [MetricFamilyBytes.histogram(buckets: 2, classic: [1])])
    let text = "# HELP a A.\n# TYPE a counter\na_total{x=\"\\n\",le=\"1\"} 1 # {t=\"u\"} 2\nb 1 5\n# EOF\n"
    let answers: [(String, [UInt8])] = [
      ("text/plain", Array("# TYPE a counter\na{x=\"\\n\"} 1\nb 1 5\n".utf8)),
      ("application/openmetrics-text", Array(text.utf8)), ("application/vnd.google.protobuf", families.bytes),
    ]
    for keepsValid in [false, true] {
      let bench = try ScrapeBench {
        $0.keepsValid = keepsValid
        $0.storesNativeHistograms = true
        $0.convertsClassicHistograms = keepsValid
      }
      for (type, answer) in answers {
        for place in stride(from: 0, to: answer.count, by: 2) {
          var changed = answer
          changed[place] ^= UInt8(truncatingIfNeeded: 1 << (place % 8))
          for body in [changed, Array(changed.prefix(place))] {
            let report = bench.scrape(.body(body, contentType: type))
            #expect(!keepsValid || report.error == nil)
            #expect(report.samplesPostRelabelling <= report.samplesScraped)
          }
        }
      }
      #expect(bench.database.head.spellingCounts.all < 4000)
    }
  }

  @Test("an answer of a format that nobody reads fails the scrape, unless there is a fallback")
  func formats() throws {
    let bench = try ScrapeBench()
    bench.scrape("a 1\n")
    let report = bench.scrape("a 1\n", "text/html")
    #expect(
      report.error
        == "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for target")
    #expect(try bench.only("a") == ["15 1.0", "30 stale"])
    bench.options.fallbackProtocol = .text0
    bench.target.reconfigure(bench.options)
    #expect(bench.scrape("a 1\n", "text/html").error == nil)
    #expect(bench.scrape("a 1\n", nil).error == nil)
  }
}

import Format
import Ingest
import Model
import TSDB
import Testing

@testable import Scrape

/// Native histograms, exemplars and metadata of targets.
@Suite struct ScrapedHistogramTests {
  private static let type =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

  private func answer(_ metrics: [[UInt8]], gauge: Double? = nil) -> ScrapeAnswer.Content {
    var families = MetricFamilyBytes()
    if !metrics.isEmpty { families.add("h", .histogram, metrics) }
    if let gauge { families.add("g", .gauge, [MetricFamilyBytes.gauge(gauge, [("x", "y")])]) }
    return .body(families.bytes, contentType: ScrapedHistogramTests.type)
  }

  @Test("a native histogram is stored, known the next time, and ends as a histogram")
  func native() throws {
    let bench = try ScrapeBench { $0.storesNativeHistograms = true }
    let first = bench.scrape(answer([MetricFamilyBytes.histogram(buckets: 3)], gauge: 1))
    #expect(first.error == nil && first.seriesAdded == 2 && first.samplesScraped == 2, "\(first)")
    let second = bench.scrape(answer([MetricFamilyBytes.histogram(buckets: 4)], gauge: 2))
    #expect(second.warning.isEmpty && second.seriesAdded == 0)
    bench.scrape(answer([], gauge: 3))
    #expect(try bench.only("h") == ["15 histogram of 3.0", "30 histogram of 4.0", "45 stale histogram"])
    #expect(try bench.samples("g") == ["x=y": ["15 1.0", "30 2.0", "45 3.0"]])
    bench.target.end(at: bench.time + 1000)
    #expect(try bench.only("h").count == 3)
    #expect(try bench.samples("g")["x=y"]?.last == "46 stale")
  }

  @Test("without native histograms they are the series of a classic one, whose labels are found again")
  func classic() throws {
    let bench = try ScrapeBench()
    let metrics = [0, 1].map {
      MetricFamilyBytes.histogram(buckets: 3, classic: [0.5, 2], [("n", "\($0)")])
    }
    let report = bench.scrape(answer(metrics, gauge: 1))
    #expect(report.samplesScraped == 11 && report.error == nil, "\(report)")
    let names = ["h_bucket", "h_count", "h_sum", "g"]
    let labels = try names.map(bench.labels)
    #expect(labels.map(\.count) == [6, 2, 2, 1])
    #expect(labels[0].contains { $0.contains(#"le="2.0", n="1""#) }, "\(labels[0])")
    bench.forgetSeries()
    #expect(bench.scrape(answer(metrics, gauge: 1)).warning.isEmpty)
    #expect(try names.map(bench.labels) == labels)
  }

  @Test("a native histogram is made again, and refused as a whole where it is twice")
  func again() throws {
    let bench = try ScrapeBench { $0.storesNativeHistograms = true }
    let metrics = [MetricFamilyBytes.histogram(buckets: 3)]
    bench.scrape(answer(metrics))
    bench.forgetSeries()
    #expect(bench.scrape(answer(metrics, gauge: 1)).warning.isEmpty)
    #expect(try bench.only("h") == ["30 histogram of 3.0"])
    let twice = bench.scrape(answer(metrics + metrics))
    #expect(twice.error == nil && twice.warning.contains("1 samples") && twice.samplesPostRelabelling == 2)
    #expect(try bench.only("h") == ["30 histogram of 3.0", "45 histogram of 3.0"])
  }

  @Test("too many buckets lower the resolution, and fail the scrape where that does not help")
  func buckets() throws {
    let bench = try ScrapeBench {
      $0.storesNativeHistograms = true
      $0.nativeHistogramBucketsMax = 4
    }
    #expect(bench.scrape(answer([MetricFamilyBytes.histogram(buckets: 20)])).error == nil)
    let stored = try bench.histograms("h")
    #expect(stored.count == 1 && stored[0].positiveBuckets.count <= 4 && stored[0].schema < 3)
    #expect(stored[0].positiveBuckets.reduce(0, +) == 20)
    let wide = [MetricFamilyBytes.histogram(buckets: 20, schema: -4)]
    let report = bench.scrape(answer(wide, gauge: 1))
    #expect(report.error == "histogram bucket limit exceeded" && report.samplesScraped == 2, "\(report)")
    #expect(bench.count("prometheus_target_scrapes_exceeded_native_histogram_bucket_limit_total") == 1)
    #expect(try bench.only("h").last == "30 stale histogram")
    #expect(try bench.samples("g").isEmpty)

    let lenient = try ScrapeBench {
      $0.storesNativeHistograms = true
      $0.nativeHistogramBucketsMax = 4
      $0.keepsValid = true
    }
    let kept = lenient.scrape(answer(wide, gauge: 1))
    #expect(kept.error == nil && kept.warning.contains("histogram bucket limit exceeded"), "\(kept)")
    #expect(try lenient.only("h").isEmpty && lenient.samples("g").count == 1)
  }

  @Test(
    "the bucket factor sets the finest schema, as in Prometheus",
    arguments: [
      (0, 8), (1, 8), (1.002, 8), (1.0028, 7), (1.1, 2), (1.5, 0), (2, 0), (4, -1), (65_536, -4), (1e300, -4),
    ])
  func factor(_ factor: Double, _ schema: Int32) throws {
    #expect(ScrapeTerms.schema(bucketFactor: factor) == schema)
    let bench = try ScrapeBench {
      $0.storesNativeHistograms = true
      $0.nativeHistogramBucketFactorMin = factor
    }
    bench.scrape(answer([MetricFamilyBytes.histogram(buckets: 20)]))
    #expect(try bench.histograms("h").first?.schema == min(3, schema))
  }

  @Test("a histogram that is none fails the scrape, in Prometheus's words")
  func invalid() throws {
    let bench = try ScrapeBench { $0.storesNativeHistograms = true }
    let report = bench.scrape(answer([MetricFamilyBytes.histogram(buckets: 3, count: 2)]))
    #expect(
      report.error
        == "3 observations found in buckets, but the Count field is 2: histogram's observation count should equal the "
        + "number of observations found in the buckets (in absence of NaN)")
    let broken = bench.scrape(.body([5, 1, 2], contentType: ScrapedHistogramTests.type))
    #expect(
      broken.error == "clientpb: insufficient length of buffer, expected at least 6 bytes, got 3 bytes", "\(broken)")
  }

  @Test(
    "classic histograms of a text are converted where that is asked for, and found again", arguments: [false, true])
  func converted(_ keepsClassic: Bool) throws {
    let bench = try ScrapeBench {
      $0.convertsClassicHistograms = true
      $0.alwaysStoresClassicHistograms = keepsClassic
    }
    func text(_ count: Int) -> String {
      "# TYPE h histogram\n"
        + ["1", "2"].map { path in
          "h_bucket{le=\"1\",path=\"\(path)\"} 1\nh_bucket{le=\"+Inf\",path=\"\(path)\"} \(count)\n"
            + "h_sum{path=\"\(path)\"} 2\nh_count{path=\"\(path)\"} \(count)\n"
        }.joined() + "g 1\n"
    }
    let first = bench.scrape(text(3))
    #expect(first.error == nil && first.samplesScraped == (keepsClassic ? 11 : 3), "\(first)")
    #expect(bench.scrape(text(4)).seriesAdded == 0)
    let stored = ["15 histogram of 3.0", "30 histogram of 4.0"]
    #expect(try bench.samples("h") == ["path=1": stored, "path=2": stored])
    #expect(try bench.histograms("h").allSatisfy { $0.isCustom && $0.customBounds == [1] })
    #expect(try bench.samples("h_bucket").count == (keepsClassic ? 4 : 0))
    let labels = try ["h", "h_bucket", "g"].map(bench.labels)
    bench.forgetSeries()
    #expect(bench.scrape(text(5)).warning.isEmpty)
    #expect(try ["h", "h_bucket", "g"].map(bench.labels) == labels)
    bench.scrape("g 1\n")
    #expect(try bench.samples("h")["path=1"]?.last == "60 stale histogram")
  }

  @Test("exemplars of native histograms are stored in the order of their times, those without a time not at all")
  func exemplars() throws {
    var head = HeadOptions()
    head.lateWindowMilliseconds = 0
    let bench = try ScrapeBench(head: head) { $0.storesNativeHistograms = true }
    let seconds = UInt64(ScrapeBench.start / 1000)
    let metric = MetricFamilyBytes.histogram(
      buckets: 3, exemplars: [(value: 3, seconds: seconds + 3), (2, nil), (1, seconds + 1)])
    bench.scrape(answer([metric]))
    #expect(try bench.exemplars("h") == [1, 3])
    bench.scrape(answer([metric]))
    #expect(bench.count("prometheus_target_scrapes_exemplar_out_of_order_total") == 0)
    let older = MetricFamilyBytes.histogram(buckets: 3, exemplars: [(value: 0.5, seconds: seconds)])
    #expect(bench.scrape(answer([older])).error == nil)
    #expect(bench.count("prometheus_target_scrapes_exemplar_out_of_order_total") == 1)
    #expect(try bench.exemplars("h") == [1, 3])
  }

  @Test("an exemplar of a text line has the time of its sample, unless it has one of its own")
  func textExemplars() throws {
    let bench = try ScrapeBench()
    let text =
      "# TYPE a counter\na_total 1 # {trace=\"x\"} 0.5\na_total{x=\"y\"} 1 # {trace=\"x\"} 0.7 1699999999\n# EOF\n"
    #expect(bench.scrape(text, "application/openmetrics-text; version=1.0.0").error == nil)
    #expect(try bench.exemplars("a_total") == [0.7, 0.5])
  }

  @Test("metadata is known by target and in the workspace, and leaves the target's ten scrapes after its metric")
  func metadata() throws {
    let bench = try ScrapeBench()
    let text = "# HELP a What \\\\ a is.\n# TYPE a counter\na 1\n"
    bench.scrape(text + "# TYPE b gauge\nb 1\n")
    let expected = MetricMetadata(kind: .counter, help: "What \\ a is.", unit: "")
    #expect(bench.target.metadata.map(\.metric) == ["a", "b"])
    #expect(bench.target.metadata.first?.metadata == expected)
    let stored = bench.intake.metadata.metadata(now: bench.time)
    #expect(stored["a"] == [expected] && stored["b"]?.first?.kind == .gauge)
    bench.scrape("# TYPE a gauge\na 1\n")
    #expect(bench.target.metadata.first?.metadata.kind == .gauge)
    #expect(bench.intake.metadata.metadata(of: "a", now: bench.time)["a"]?.count == 2)
    for _ in 0..<9 { bench.scrape(text) }
    #expect(bench.target.metadata.count == 2)
    bench.scrape(text)
    #expect(bench.target.metadata.map(\.metric) == ["a"])
    #expect(bench.target.metadataSize.entries == 1 && bench.target.metadataSize.bytes == 13)
    // The store would forget after a day what nobody repeats.
    for _ in 0..<30 {
      bench.advance(3_600_000)
      bench.scrape(text)
    }
    #expect(bench.intake.metadata.metadata(now: bench.time)["a"]?.contains(expected) == true)
  }
}

extension ScrapeBench {
  func histograms(_ metric: String) throws -> [Histogram] {
    var scratch = HeadReadScratch()
    var samples = SeriesSamples()
    var found: [Histogram] = []
    for one in try database.head.select([CompiledMatcher(Matcher(.equal, LabelName.metric, metric))]) {
      database.head.read(one, from: .min, through: .max, &scratch, into: &samples)
      found += samples.histograms.values
    }
    return found
  }

  /// The values of all exemplars of a metric, in order of their times.
  func exemplars(_ metric: String) throws -> [Double] {
    let matcher = try CompiledMatcher(Matcher(.equal, LabelName.metric, metric))
    return database.head.exemplars(matching: [[matcher]], from: .min, through: .max)
      .flatMap(\.exemplars).sorted { $0.time < $1.time }.map { Double(bitPattern: $0.value) }
  }
}

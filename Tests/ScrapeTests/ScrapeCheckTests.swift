import Model
import Testing

@testable import Scrape

@Suite struct ScrapeCheckTests {
  private static let target = Labels([("instance", "h:1"), ("job", "j")])

  private func lines(
    _ text: String, _ contentType: String? = "text/plain", _ options: ScrapeOptions = ScrapeOptions()
  ) throws -> [String] {
    var check = try ScrapeCheck(options, target: Self.target)
    var lines: [String] = []
    check.read(Array(text.utf8), contentType: contentType) { entry in
      switch entry {
      case .sample(let labels, let value, let time): lines.append("\(labels) \(value)" + (time.map { " @\($0)" } ?? ""))
      case .histogram(let labels, let histogram, _): lines.append("\(labels) histogram of \(histogram.count)")
      case .type(let metric, let type): lines.append("type \(metric) \(type)")
      case .help(let metric, let text): lines.append("help \(metric) \(text)")
      case .unit(let metric, let unit): lines.append("unit \(metric) \(unit)")
      case .dropped: lines.append("dropped")
      case .fault(let fault): lines.append("\(fault)")
      }
    }
    lines.append("\(check.samplesScraped) \(check.samplesKept) \(check.faultCount)")
    return lines
  }

  @Test("samples have the labels that they would be stored with, and a line at fault stops no other")
  func text() throws {
    let found = try lines(
      "# HELP a A\\nb.\n# TYPE a counter\na{job=\"theirs\"} 1\nb one\nc{x=\"1\",x=\"2\"} 3\nd 4 77\na{job=\"theirs\"} 2\ne 5\n"
    )
    #expect(
      found == [
        "help a A\nb.", "type a counter",
        "{__name__=\"a\", exported_job=\"theirs\", instance=\"h:1\", job=\"j\"} 1.0",
        "line 4: strconv.ParseFloat: parsing \"one\": invalid syntax while parsing: \"b one\"\n  b one",
        "line 5: label name \"x\" is not unique: invalid sample\n  c{x=\"1\",x=\"2\"} 3",
        "{__name__=\"d\", instance=\"h:1\", job=\"j\"} 4.0 @77",
        "line 7: the same series a second time: its first value is stored, this one is not\n  a{job=\"theirs\"} 2",
        "{__name__=\"e\", instance=\"h:1\", job=\"j\"} 5.0", "5 4 3",
      ])
  }

  @Test("relabelling and limits of the job hold, and the answer's type is asked as in a scrape")
  func options() throws {
    var options = ScrapeOptions()
    options.metricRelabelling = [RelabelRule(.drop, of: ["__name__"], regex: "drop.*")]
    options.labelsMax = 3
    options.samplesMax = 1
    options.honorsTimestamps = false
    let found = try lines("dropped 1\nkept 2 5\nover{x=\"1\"} 3\nlast 4\n", "text/plain", options)
    #expect(
      found == [
        "dropped", "{__name__=\"kept\", instance=\"h:1\", job=\"j\"} 2.0",
        "line 3: label_limit exceeded (metric: over, number of labels: 4, limit: 3)\n  over{x=\"1\"} 3",
        "{__name__=\"last\", instance=\"h:1\", job=\"j\"} 4.0",
        "sample limit exceeded (number of samples: 2, limit: 1)", "4 2 2",
      ])
    #expect(try lines("a 1\n", nil)[0].hasPrefix("non-compliant scrape target sending blank Content-Type"))
    #expect(try lines("", nil) == ["0 0 0"])
    #expect(
      try lines("a 1\n", "application/openmetrics-text").contains { $0.hasSuffix("data does not end with # EOF") })
  }

  @Test("a classic histogram that the job converts is shown as the one that is stored")
  func converted() throws {
    var options = ScrapeOptions()
    options.convertsClassicHistograms = true
    let text = "# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 4\nh_count 3\nh2 1\n"
    #expect(
      try lines(text, "text/plain", options) == [
        "type h histogram", "{__name__=\"h\", instance=\"h:1\", job=\"j\"} histogram of 3.0",
        "{__name__=\"h2\", instance=\"h:1\", job=\"j\"} 1.0", "2 2 0",
      ])
  }

  @Test("protobuf is read too, and cut off it is a fault")
  func protobuf() throws {
    let gauge: [UInt8] = [18, 10, 1, 97, 24, 1, 34, 11, 18, 9, 9, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f]
    var check = try ScrapeCheck(ScrapeOptions(), target: .empty)
    var entries: [ScrapeCheck.Entry] = []
    check.read(gauge + [9], contentType: "application/vnd.google.protobuf") { entries.append($0) }
    #expect(entries.contains(.sample(Labels([("__name__", "a")]), value: 1, time: nil)))
    #expect(check.samplesScraped == 1 && check.faultCount == 1)
  }
}

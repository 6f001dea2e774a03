import Model
import Testing

@testable import Format

@Suite struct ConvertingScannerTests {
  private func entries(_ text: String, _ format: ExpositionFormat = .text, keepsClassic: Bool = false) throws
    -> [String]
  {
    try Array(text.utf8).lend { (bytes) throws(ExpositionError) in
      var scanner = ConvertingScanner(bytes, format, keepsClassic: keepsClassic)
      var labels = ExpositionLabels()
      var entries: [String] = []
      while true {
        let entry = try scanner.next()
        guard entry == .series || entry == .histogram else {
          if entry == .end { return entries }
          continue
        }
        try scanner.readLabels(&labels)
        var text = ScannedText.pairs(labels) + " "
        if entry == .series {
          text += "\(scanner.scanner.value)"
        } else {
          text += ScannedFamilies.text(scanner.histogram.histogram)
          if let time = scanner.time { text += " @\(time)" }
        }
        while let exemplar = scanner.nextExemplar() {
          scanner.readExemplarLabels(&labels)
          text += " # \(ScannedText.pairs(labels)) \(exemplar.value)"
        }
        entries.append(text)
      }
    }
  }

  private static let text = """
    # TYPE h histogram
    h_bucket{a="1",le="0.5"} 1 10
    h_bucket{a="1",le="1"} 1 10
    h_bucket{a="1",le="2"} 4 10
    h_bucket{a="1",le="+Inf"} 5 10
    h_sum{a="1"} 7.5 10
    h_count{a="1"} 5 10
    h_bucket{le="1",a="2"} 2
    h_bucket{le="+Inf",a="2"} 2
    h_count{a="2"} 2
    other_count 3
    # TYPE g gauge
    g_bucket{le="1"} 1

    """

  @Test("the series of each classic histogram become one with custom buckets, behind its last series")
  func converted() throws {
    let histograms = [
      "{__name__=\"h\",a=\"1\"} schema -53 count 5.0 sum 7.5 + 0:4 [1.0, 0.0, 3.0, 1.0] bounds [0.5, 1.0, 2.0] @10",
      "{__name__=\"h\",a=\"2\"} schema -53 count 2.0 sum 0.0 + 0:1 [2.0] bounds [1.0]",
    ]
    let others = ["{__name__=\"other_count\"} 3.0", "{__name__=\"g_bucket\",le=\"1\"} 1.0"]
    #expect(try entries(Self.text) == histograms + others)
    let kept = try entries(Self.text, keepsClassic: true)
    #expect(kept.count == 13 && kept[6] == histograms[0] && kept[10] == histograms[1])
    #expect(kept[0] == "{__name__=\"h_bucket\",a=\"1\",le=\"0.5\"} 1.0")
  }

  @Test("the last histogram ends with the answer; exemplars go with it")
  func end() throws {
    let text = """
      # TYPE h histogram
      h_bucket{le="1"} 1 # {t="a"} 0.5 1
      h_bucket{le="+Inf"} 2.5 # {t="b"} 3 1
      # EOF

      """
    #expect(
      try entries(text, .openMetrics) == [
        "{__name__=\"h\"} schema -53 count 2.5 sum 0.0 + 0:2 [1.0, 1.5] bounds [1.0] # {t=\"a\"} 0.5 # {t=\"b\"} 3.0"
      ])
  }

  @Test(
    "nothing comes of series that contradict each other",
    arguments: [
      "h_bucket{le=\"1\"} 3\nh_bucket{le=\"2\"} 2\n", "h_bucket{le=\"2\"} 2\nh_bucket{le=\"1\"} 3\n",
      "h_bucket{le=\"1\"} -1\n", "h_count -1\n", "h_bucket{le=\"+Inf\"} 3\nh_count 2\n",
    ])
  func contradictions(_ lines: String) throws {
    #expect(try entries("# TYPE h histogram\n\(lines)# TYPE g gauge\ng 1\n") == ["{__name__=\"g\"} 1.0"])
  }

  @Test("buckets out of order are put in order, doubled ones passed over; other bounds stay series")
  func order() throws {
    let lines = "h_bucket{le=\"2\"} 3\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"2\"} 9\nh_bucket{le=\"x\"} 4\nh_count 3\n"
    #expect(
      try entries("# TYPE h histogram\n" + lines) == [
        "{__name__=\"h_bucket\",le=\"x\"} 4.0",
        "{__name__=\"h\"} schema -53 count 3.0 sum 0.0 + 0:2 [1.0, 2.0] bounds [1.0, 2.0]",
      ])
    var histogram = ClassicHistogram()
    for bound in 0...ClassicHistogram.unsortedMax { histogram.setBucket(Double(-bound), 1) }
    #expect(throws: ExpositionError.self) { try histogram.converted() }
  }
}

import Testing

@testable import Platform

@Suite struct MetricsRegistryTests {
  @Test("families keep the order of their first registration and join by name")
  func joins() {
    let registry = MetricsRegistry()
    let first = registry.counter("b_total", "B.", labels: [("code", "200")])
    registry.gauge("a", "A.").set(2.5)
    let second = registry.counter("b_total", "ignored", labels: [("code", "500")])
    registry.collect("b_total", "", .counter) { [([("code", "x")], 7)] }
    first.add()
    second.add(41)
    let families = registry.families()
    #expect(families.map(\.name) == ["b_total", "a"])
    #expect(families[0].help == "B.")
    #expect(families[0].samples.map(\.value) == [1, 41, 7])
    #expect(families[1].samples.map(\.value) == [2.5])
  }

  @Test("a scope has instruments of its own, told with its labels once they are not zero, and goes as a whole")
  func scopes() {
    let registry = MetricsRegistry()
    registry.counter("a_total", "A.").add(1)
    let scope = registry.scope([("workspace", "x")])
    let counter = scope.counter("a_total", "A.", labels: [("code", "200")])
    _ = scope.counter("b_total", "B.")
    let histogram = scope.histogram("h", "H.", upperBounds: [1])
    scope.collect("c", "C.", .gauge) { [([], 0), ([("k", "v")], 5)] }
    #expect(registry.families().map(\.name) == ["a_total", "c"])
    counter.add(3)
    histogram.observe(0.5)
    let text = String(decoding: Exposition.bytes(of: registry.families()), as: UTF8.self)
    #expect(text.contains("a_total 1\na_total{code=\"200\",workspace=\"x\"} 3\n"))
    #expect(text.contains("c{k=\"v\",workspace=\"x\"} 5\n") && text.contains("h_count{workspace=\"x\"} 1\n"))
    registry.remove(scope)
    #expect(registry.families().map(\.name) == ["a_total"])
  }

  @Test("the same name and labels give the same instrument, in any order of labels")
  func sameInstrument() {
    let registry = MetricsRegistry()
    let counter = registry.counter("x_total", "", labels: [("a", "1"), ("b", "2")])
    #expect(registry.counter("x_total", "", labels: [("b", "2"), ("a", "1")]) === counter)
    #expect(registry.counter("x_total", "", labels: [("a", "1")]) !== counter)
    let seconds = registry.doubleCounter("y_total", "")
    #expect(registry.doubleCounter("y_total", "") === seconds)
    let histogram = registry.histogram("z", "", upperBounds: [1])
    #expect(registry.histogram("z", "", upperBounds: [1]) === histogram)
    #expect(registry.families().map(\.samples.count) == [2, 1, 4])
  }

  @Test("a histogram exposes cumulative buckets, sum and count under its labels")
  func histogram() {
    let registry = MetricsRegistry()
    let histogram = registry.histogram("h", "H.", labels: [("k", "v")], upperBounds: [0.1, 1, 1_000_000])
    for value in [0.05, 0.1, 0.2, 5, 2_000_000, .infinity] { histogram.observe(value) }
    let text = String(decoding: Exposition.bytes(of: registry.families()), as: UTF8.self)
    #expect(
      text == """
        # HELP h H.
        # TYPE h histogram
        h_bucket{k="v",le="0.1"} 2
        h_bucket{k="v",le="1"} 3
        h_bucket{k="v",le="1e+06"} 4
        h_bucket{k="v",le="+Inf"} 6
        h_sum{k="v"} +Inf
        h_count{k="v"} 6

        """)
  }

  @Test("a histogram that waits for its use has no series before its first observation")
  func waiting() {
    let registry = MetricsRegistry()
    let used = registry.histogram("h", "", labels: [("k", "used")], upperBounds: [1], waitsForUse: true)
    _ = registry.histogram("h", "", labels: [("k", "unused")], upperBounds: [1], waitsForUse: true)
    #expect(registry.families().map(\.samples.count) == [0])
    used.observe(0.5)
    let samples = registry.families().flatMap(\.samples)
    #expect(samples.map(\.name) == ["h_bucket", "h_bucket", "h_sum", "h_count"])
    #expect(samples.allSatisfy { $0.labels[0].value == "used" })
  }

  @Test("every value lands in the first bucket that holds it, for every number of buckets")
  func buckets() {
    for count in 0...16 {
      let bounds = (0..<count).map(Double.init)
      let histogram = HistogramMetric(upperBounds: bounds)
      var expected = [UInt64](repeating: 0, count: count + 1)
      for step in -3...(2 * count + 3) {
        let value = Double(step) / 2
        histogram.observe(value)
        for index in 0...count where index == count || value <= bounds[index] { expected[index] += 1 }
      }
      histogram.observe(.nan)
      expected[count] += 1
      #expect(histogram.snapshot().cumulative == expected)
      #expect(histogram.snapshot().sum.isNaN)
    }
  }

  @Test("no addition of several threads is lost")
  func threads() throws {
    let registry = MetricsRegistry()
    let counter = registry.counter("c_total", "")
    let seconds = registry.doubleCounter("s_total", "")
    let gauge = registry.gauge("g", "")
    let histogram = registry.histogram("h", "", upperBounds: [1, 2])
    let threads = try (0..<4).map { index in
      try NamedThread(name: "adder-\(index)") {
        for _ in 0..<5000 {
          counter.add()
          seconds.add(0.5)
          gauge.add(index.isMultiple(of: 2) ? 1 : -1)
          histogram.observe(Double(index))
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(counter.value == 20_000)
    #expect(seconds.value == 10_000)
    #expect(gauge.value == 0)
    #expect(histogram.snapshot().cumulative == [10_000, 15_000, 20_000])
    #expect(histogram.snapshot().sum == 30_000)
  }

  @Test("groups are read once per reading and join families of the same name")
  func groups() {
    let registry = MetricsRegistry()
    registry.gauge("g", "G.").set(1)
    registry.collectFamilies {
      [
        MetricFamily(
          name: "g", help: "", kind: .gauge, samples: [MetricSample(name: "g", labels: [("a", "b")], value: 2)]),
        MetricFamily(name: "n", help: "", kind: .gauge, samples: []),
      ]
    }
    let families = registry.families()
    #expect(families.map(\.name) == ["g", "n"])
    #expect(families[0].samples.map(\.value) == [1, 2])
  }

  @Test("names are what the text format accepts")
  func names() {
    for name in ["a", "_", "a:b", "A9_", ":x"] { #expect(MetricName.isValid(name)) }
    for name in ["", "9a", "a-b", "a b", "é", "a\n", "[", "@", "`"] { #expect(!MetricName.isValid(name)) }
    for name in ["a", "_x", "le"] { #expect(MetricName.isValidLabel(name)) }
    for name in ["", "a:b", "__name__", "1", "a.b"] { #expect(!MetricName.isValidLabel(name)) }
  }

  @Test("a bad name stops the program where it is made")
  func badName() async {
    await #expect(processExitsWith: .failure) { _ = MetricsRegistry().counter("a-b", "") }
    await #expect(processExitsWith: .failure) {
      _ = MetricsRegistry().counter("a", "", labels: [("b", "1"), ("b", "2")])
    }
    await #expect(processExitsWith: .failure) {
      let registry = MetricsRegistry()
      _ = registry.counter("a", "")
      _ = registry.gauge("a", "")
    }
  }
}

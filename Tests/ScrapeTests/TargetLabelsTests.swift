import Discovery
import Model
import Testing

@testable import Scrape

@Suite struct TargetLabelsTests {
  private typealias Pairs = [(String, String)]

  private func labels(_ pairs: Pairs) -> Labels {
    var builder = LabelsBuilder()
    for (name, value) in pairs { builder.set(name, value) }
    return builder.labels()
  }

  private func make(
    _ target: Pairs, group: Pairs = [], _ options: ScrapeOptions = .test(), _ rules: [RelabelRule] = []
  ) throws -> TargetLabels.Outcome {
    TargetLabels.make(
      labels(target), of: TargetGroup(source: "g", labels: labels(group), targets: []), options,
      try Relabelling(rules))
  }

  private static let usual: Pairs = [
    ("__always_scrape_classic_histograms__", "false"), ("__convert_classic_histograms_to_nhcb__", "false"),
    ("__metrics_path__", "/metrics"), ("__scheme__", "http"), ("__scrape_interval__", "15s"),
    ("__scrape_native_histograms__", "false"), ("__scrape_timeout__", "10s"), ("job", "job"),
  ]

  @Test("a target's labels come before its group's, these before the job's, and meta labels go")
  func order() throws {
    let options = ScrapeOptions.test { options in
      options.parameters = [
        .init(name: "module", values: ["x", "y"]), .init(name: "empty", values: []),
        .init(name: "target", values: ["config"]),
      ]
    }
    let outcome = try make(
      [("__address__", "h:1"), ("a", "target"), ("__meta_x", "m"), ("__param_target", "own"), ("__tmp", "t")],
      group: [("a", "group"), ("b", "group"), ("job", "other"), ("__scheme__", "https")], options)
    let discovered = labels(
      Self.usual + [
        ("__address__", "h:1"), ("a", "target"), ("b", "group"), ("job", "other"), ("__scheme__", "https"),
        ("__meta_x", "m"), ("__param_module", "x"), ("__param_target", "own"), ("__tmp", "t"),
      ])
    var rest = LabelsBuilder(discovered)
    rest.remove("__meta_x")
    rest.set("instance", "h:1")
    #expect(outcome == .target(discovered: discovered, labels: rest.labels()))
    #expect(
      TargetLabels.publicLabels(rest.labels())
        == labels([("a", "target"), ("b", "group"), ("instance", "h:1"), ("job", "other")]))
  }

  @Test("relabelling sees all labels, sets instance and address, and drops without an error")
  func relabelling() throws {
    let moved = try make(
      [("__address__", "h:1"), ("__meta_ip", "10.0.0.1")], .test(),
      [
        RelabelRule(.replace, of: ["__meta_ip"], to: "__address__", replacement: "$1:9100"),
        RelabelRule(.replace, of: ["__scheme__"], to: "instance", replacement: "named"),
      ])
    guard case .target(_, let found) = moved else {
      Issue.record("\(moved)")
      return
    }
    #expect(found["__address__"] == "10.0.0.1:9100" && found["instance"] == "named")
    let dropped = try make(
      [("__address__", "h:1")], .test(), [RelabelRule(.drop, of: ["__address__"], regex: "h.*")])
    #expect(dropped == .dropped(discovered: labels(Self.usual + [("__address__", "h:1")])))
  }

  @Test(
    "a target that cannot be is told in Prometheus's words",
    arguments: [
      ([], "no address"),
      ([("__address__", "http://h/")], #""http://h/" is not a valid hostname"#),
      (
        [("__address__", "h"), ("__scrape_interval__", "x")],
        #"error parsing scrape interval: not a valid duration string: "x""#
      ),
      ([("__address__", "h"), ("__scrape_interval__", "0s")], "scrape interval cannot be 0"),
      (
        [("__address__", "h"), ("__scrape_timeout__", "5q")],
        #"error parsing scrape timeout: unknown unit "q" in duration "5q""#
      ),
      ([("__address__", "h"), ("__scrape_timeout__", "0")], "scrape timeout cannot be 0"),
      (
        [("__address__", "h"), ("__scrape_interval__", "1m"), ("__scrape_timeout__", "2m")],
        #"scrape timeout cannot be greater than scrape interval ("2m" > "1m")"#
      ),
      (
        [("__address__", "h"), ("__scrape_native_histograms__", "yes")],
        #"error parsing scrape native histograms: strconv.ParseBool: parsing "yes": invalid syntax"#
      ),
    ] as [([(String, String)], String)])
  func faults(_ target: [(String, String)], _ text: String) throws {
    guard case .fault(_, let found) = try make(target) else {
      Issue.record("it is a target")
      return
    }
    #expect(found == text)
  }

  @Test("no port is added or taken away, and what is not UTF-8 is refused")
  func values() throws {
    guard case .target(_, let labels) = try make([("__address__", "host")]) else {
      Issue.record("no target")
      return
    }
    #expect(labels["__address__"] == "host" && labels["instance"] == "host")
    var builder = LabelsBuilder()
    builder.set("__address__", "h")
    builder.set(Array("bad".utf8), [0xff])
    let outcome = TargetLabels.make(
      builder.labels(), of: TargetGroup(source: "g", targets: []), .test(), .none)
    guard case .fault(_, let text) = outcome else {
      Issue.record("it is a target")
      return
    }
    #expect(text.hasPrefix(#"invalid label value for "bad": "#))
  }

  @Test("URLs are written as Go writes them")
  func urls() {
    func url(_ pairs: Pairs, _ parameters: [ScrapeOptions.Parameter] = []) -> String {
      let usual: Pairs = [("__scheme__", "http"), ("__address__", "h:1"), ("__metrics_path__", "/metrics")]
      return TargetURL.make(labels(usual + pairs), .test { $0.parameters = parameters })
    }
    #expect(url([]) == "http://h:1/metrics")
    #expect(
      url([("__scheme__", "https"), ("__address__", "[::1]:9"), ("__metrics_path__", "a b")]) == "https://[::1]:9/a%20b"
    )
    #expect(url([("__metrics_path__", "/a?b=c&d!%")]) == "http://h:1/a%3Fb=c&d%21%25")
    #expect(url([("__metrics_path__", "/ä/~x$+,:;=@")]) == "http://h:1/%C3%A4/~x$+,:;=@")
    let parameters: [ScrapeOptions.Parameter] = [
      .init(name: "z", values: ["1", "2 &"]), .init(name: "match[]", values: ["{a=\"b\"}"]),
      .init(name: "none", values: []),
    ]
    #expect(url([], parameters) == "http://h:1/metrics?match%5B%5D=%7Ba%3D%22b%22%7D&z=1&z=2+%26")
    #expect(
      url([("__param_z", "own"), ("__param_new", "x y")], parameters)
        == "http://h:1/metrics?match%5B%5D=%7Ba%3D%22b%22%7D&new=x+y&z=own&z=2+%26")
  }

  @Test("the labels of a target say its interval, its timeout and its histograms")
  func identity() {
    let identity = TargetIdentity(
      labels([
        ("__address__", "h"), ("__scheme__", "http"), ("__metrics_path__", "/m"), ("__scrape_interval__", "1m30s"),
        ("__scrape_timeout__", "500ms"), ("__scrape_native_histograms__", "T"),
        ("__convert_classic_histograms_to_nhcb__", "0"), ("a", "b"),
      ]),
      .test { $0.convertsClassicHistograms = true })
    let options = identity.options(of: .test { $0.convertsClassicHistograms = true })
    #expect(identity.intervalMilliseconds == 90_000 && identity.timeoutMilliseconds == 500)
    #expect(
      options.storesNativeHistograms && !options.convertsClassicHistograms && options.intervalMilliseconds == 90_000)
    #expect(identity.publicLabels == labels([("a", "b")]))
    #expect(SecondsText.shortest(milliseconds: 500) == "0.5" && SecondsText.shortest(milliseconds: 10_000) == "10")
    #expect(SecondsText.shortest(milliseconds: 1_005) == "1.005")
  }
}

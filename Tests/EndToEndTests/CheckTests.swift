import TestKit
import Testing

extension EndToEnd {
  @Suite("apus check", .serialized, .timeLimit(.minutes(2)))
  struct Checks {
    private func run(_ arguments: [String]) throws -> (output: String, errors: String, code: ChildProcess.Exit?) {
      let child = try ChildProcess(try apusBinary(), ["check"] + arguments)
      let code = child.wait(within: .seconds(60))
      return (child.standardOutput.complete(), child.standardError.complete(), code)
    }

    private static func farm() throws -> ExporterFarm {
      try ExporterFarm([
        "/good": { visit in
          let hasParameter = visit.request.parameter("module") == "m"
          return .exposing("# TYPE a counter\na \(hasParameter ? 2 : 1)\nb{x=\"y\"} 3\n")
        },
        "/bad": { _ in .exposing("a 1\nb two\nc 3\n") }, "/down": { _ in .text(503, "no") },
        "/metrics": { _ in .exposing("usual 1\n") },
      ])
    }

    @Test("a target is asked as its job asks it, and every line that fails is named")
    func scrape() throws {
      let site = try Site()
      let farm = try Self.farm()
      let file = try site.directory.write(
        """
        scrape_configs:
        - job_name: j
          metrics_path: /good
          params: {module: [m]}
          relabel_configs: [{target_label: place, replacement: here}]
          metric_relabel_configs: [{action: drop, source_labels: [__name__], regex: b}]
          static_configs: [{targets: [x]}]

        """, to: "apus.yml")
      let good = try run(["scrape", farm.address, "--config=\(file)", "--job=j"])
      #expect(good.code == .code(0), "\(good.errors)")
      #expect(
        good.output == """
          # http://\(farm.address)/good?module=m {instance="\(farm.address)", job="j", place="here"}
          # TYPE a counter
          a{instance="\(farm.address)",job="j",place="here"} 2
          # 2 samples: 1 left by metric relabelling and limits, 1 not; 0 faults

          """)
      let bad = try run(["scrape", "http://\(farm.address)/bad"])
      #expect(bad.code == .code(1))
      #expect(bad.output.contains("\nc{instance="))
      #expect(
        bad.errors == """
          apus check scrape: line 2: strconv.ParseFloat: parsing "two": invalid syntax while parsing: "b two"
            b two

          """)
      let down = try run(["scrape", "http://\(farm.address)/down"])
      #expect(
        down.code == .code(1)
          && down.errors == "apus check scrape: server returned HTTP status 503 Service Unavailable\n")
      #expect(try run(["scrape", farm.address]).output.contains("\nusual{"))
      let file2 = try site.directory.write("a 1\n# EOF\n", to: "metrics.om")
      #expect(try run(["scrape", file2]).output.hasPrefix("a 1\n# 1 samples: 1 left"))
      // Standard input is empty here.
      #expect(try run(["scrape", "-"]).code == .code(0))
      let unknown = try run(["scrape", "x", "--config=\(file)", "--job=k"])
      #expect(unknown.code == .code(2) && unknown.errors.contains("job k is not in the configuration: j"))
    }

    @Test(
      "a job's targets are those that promtool finds",
      .enabled(if: PeerBinary.promtool.isExpected, Comment(rawValue: PeerBinary.promtool.absence)))
    func discovery() throws {
      let site = try Site()
      _ = try site.directory.write(
        "- {targets: ['a:1', 'b:2'], labels: {team: x}}\n- {targets: ['c:3'], labels: {__scheme__: https}}\n",
        to: "targets.yml")
      let file = try site.directory.write(
        """
        scrape_configs:
        - job_name: j
          params: {module: [m]}
          relabel_configs:
          - {action: drop, source_labels: [__address__], regex: 'b:.*'}
          - {source_labels: [team], target_label: group}
          static_configs: [{targets: ['d:4', 'd:4'], labels: {from: static}}]
          file_sd_configs: [{files: ['\(site.directory.path)/targets.yml']}]

        """, to: "both.yml")
      let own = try run(["sd", "j", "--config=\(file)", "--timeout=2s"])
      #expect(own.code == .code(0), "\(own.errors)")
      let peer = try ChildProcess(
        try PeerBinary.promtool.path(), ["check", "service-discovery", "--timeout=2s", file, "j"])
      #expect(peer.wait(within: .seconds(60)) == .code(0), "\(peer.standardError.complete())")
      #expect(try Self.targets(own.output) == Self.targets(peer.standardOutput.complete()))
      #expect(try Self.targets(own.output).count == 4)
      let missing = try run(["sd", "k", "--config=\(file)"])
      #expect(missing.code == .code(2) && missing.errors.contains("job k is not in the configuration: j"))
    }

    /// Each target as a line; without the labels that only later versions have.
    private static func targets(_ text: String) throws -> [String] {
      let newer = [
        "__convert_classic_histograms_to_nhcb__", "__always_scrape_classic_histograms__",
        "__scrape_native_histograms__",
      ]
      return try (JSONValue(parsing: text).array ?? []).map { target in
        ["discoveredLabels", "labels"].map { name in
          (target[name].members ?? []).filter { !newer.contains($0.name) }
            .map { "\($0.name)=\($0.value.string ?? "")" }.sorted().joined(separator: ",")
        }.joined(separator: " -> ")
      }.sorted()
    }
  }
}

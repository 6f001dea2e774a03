import TestKit
import Testing

extension EndToEnd {
  @Suite("Rule files, checked and evaluated over the past", .serialized, .timeLimit(.minutes(2)))
  struct RuleCommands {
    private func run(
      _ arguments: [String], input: String? = nil
    ) throws -> (output: String, errors: String, code: ChildProcess.Exit?) {
      let apus = try apusBinary()
      let shell = ["-c", "file=$1; shift; exec \"$@\" < \"$file\"", "sh", input ?? "", apus] + arguments
      let child = try input == nil ? ChildProcess(apus, arguments) : ChildProcess("/bin/sh", shell)
      let code = child.wait(within: .seconds(60))
      return (child.standardOutput.complete(), child.standardError.complete(), code)
    }

    @Test("files are checked in promtool's words and with its exit codes; standard input too")
    func check() throws {
      let site = try Site()
      let good = try site.directory.write("groups: [{name: g, rules: [{record: x, expr: up}]}]\n", to: "good.yml")
      let bad = try site.directory.write("groups: [{name: g, rules: [{record: x, expr: 'up{'}]}]\n", to: "bad.yml")
      let twice = try site.directory.write(
        "groups: [{name: g, rules: [{record: x, expr: up}, {record: x, expr: up + 1}]}]\n", to: "twice.yml")
      let valid = try run(["check", "rules", good])
      #expect(valid.code == .code(0) && valid.output == "Checking \(good)\n  SUCCESS: 1 rules found\n\n")
      let refused = try run(["check", "rules", bad, good])
      #expect(refused.code == .code(1) && refused.output.hasSuffix("Checking \(good)\n  SUCCESS: 1 rules found\n\n"))
      #expect(
        refused.errors.hasPrefix("  FAILED:\n\(bad): 1:46: group \"g\", rule 1, \"x\": could not parse expression: "))
      let finding = "  FAILED:\nlint error 1 duplicate rule(s) found.\nMetric: x\nLabel(s):\nMight cause inconsistency"
      let lint = try run(["check", "rules", twice])
      #expect(lint.code == .code(0) && lint.errors.hasPrefix(finding), "\(lint.errors)")
      #expect(try run(["check", "rules", "--lint-fatal", twice]).code == .code(3))
      #expect(try run(["check", "rules", "--lint=none", "--lint-fatal", twice]).code == .code(0))
      let input = try run(["check", "rules"], input: good)
      #expect(input.code == .code(0) && input.output == "Checking standard input\n  SUCCESS: 1 rules found\n\n")

      let file = try site.directory.write("rule_files: [good.yml]\n", to: "apus.yml")
      #expect(try run(["check", "config", file]).code == .code(0))
      _ = try site.directory.write("rule_files: ['*d.yml', none.yml]\n", to: "apus.yml")
      let configuration = try run(["check", "config", file])
      #expect(configuration.code == .code(2) && configuration.output.contains("SUCCESS: 1 rules found"))
      #expect(configuration.errors.contains("none.yml\" does not point to an existing file"))
      #expect(configuration.errors.contains("could not parse expression"))
      // A server does not start with it.
      let server = try ChildProcess(
        try apusBinary(),
        ["--config.file=\(file)", "--storage.tsdb.path=\(site.data)", "--web.listen-address=127.0.0.1:0"])
      #expect(server.wait(within: .seconds(60)) == .code(2))
      #expect(server.standardError.complete().contains("/bad.yml: 1:46: group \"g\", rule 1"))
    }

    @Test("recording rules make blocks of the past that are served; alerts tell when they would have fired")
    func past() throws {
      let site = try Site()
      // Ten hours back, on the hour: 300 rounds of a minute, down in rounds 100 to 129.
      let start = nowMilliseconds() / 3_600_000 * 3600 - 10 * 3600
      let lines = (0..<300).map { "up{i=\"a\"} \((100..<130).contains($0) ? 0 : 1) \(start + Int64($0) * 60)\n" }
      let metrics = try site.directory.write(lines.joined() + "# EOF\n", to: "up.om")
      #expect(try run(["tsdb", "import", "openmetrics", metrics, site.data]).code == .code(0))
      let rules = try site.directory.write(
        """
        groups:
        - name: g
          rules:
          - {record: is:down, expr: up == 0, labels: {kind: k}}
          - {alert: Down, expr: up == 0, for: 5m}
        """, to: "r.yml")
      let candidate = try site.directory.write(
        "groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 1h}]}]\n", to: "c.yml")
      let server = try site.start()
      let times = ["--url=http://127.0.0.1:\(server.port)", "--start=\(start)", "--end=\(start + 299 * 60)"]
      let test = try run(["rules", "backtest", rules, "--candidate", candidate] + times)
      #expect(test.code == .code(0), "\(test.errors)")
      #expect(test.output.contains("  present: 1 firing of 1 alert, 25m in all, the longest 25m\n"), "\(test.output)")
      #expect(test.output.contains("  candidate: never fired; 1 time pending without firing\n"), "\(test.output)")
      #expect(test.output.contains("\n - "), "\(test.output)")

      let folder = site.directory.path("blocks")
      let fill = try run(["rules", "backfill", rules, "--output-dir=\(folder)"] + times)
      #expect(fill.code == .code(0) && fill.output.contains("is:down: 30 samples of 1 series\n"), "\(fill)")
      let dump = try run(["tsdb", "dump", folder]).output.split(separator: "\n")
      #expect(dump.count == 31 && dump.last?.contains("NaN") == true)
      #expect(dump.first == "{__name__=\"is:down\", i=\"a\", kind=\"k\"} 0 \((start + 6000) * 1000)")
      let broken = try site.directory.write(
        "groups: [{name: g, rules: [{record: x, expr: 'a * on() b'}]}]\n", to: "b.yml")
      let nowhere = ["--url=http://127.0.0.1:\(FreePort.next())", "--start=\(start)"]
      #expect(try run(["rules", "backfill", broken] + nowhere + ["--output-dir=\(folder)2"]).code == .code(1))
      #expect(namesInFolder(folder + "2").allSatisfy { !$0.hasPrefix("01") })
      #expect(server.child.terminate() == .code(0))
      #expect(try run(["tsdb", "import", "blocks", folder, site.data]).code == .code(0))
      let again = try site.start()
      let answer = try again.get("/api/v1/query?query=count_over_time(is:down[1h])&time=\(start + 129 * 60)")
      #expect(answer.text.contains("\"30\"]"), "\(answer.text)")
      #expect(again.child.terminate() == .code(0))
    }
  }
}

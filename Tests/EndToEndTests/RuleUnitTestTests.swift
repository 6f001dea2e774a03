import TestKit
import Testing

extension EndToEnd {
  @Suite("apus test rules", .serialized, .timeLimit(.minutes(3)))
  struct RuleUnitTests {
    private struct Outcome {
      var output: String
      var errors: String
      var code: ChildProcess.Exit?
      /// The lines of both that are promtool's: no file names, no differences, no places.
      var verdict: [String] {
        (output + errors).split(separator: "\n").map(String.init).filter { line in
          !line.hasPrefix("Unit Testing:") && !line.hasPrefix("        differs at") && !line.hasPrefix("        at ")
            && !line.trimmingBlanks.isEmpty
        }
      }
    }

    private func run(_ program: String, _ arguments: [String]) throws -> Outcome {
      let child = try ChildProcess(program, ["test", "rules"] + arguments)
      let code = child.wait(within: .seconds(60))
      return Outcome(
        output: child.standardOutput.complete(), errors: child.standardError.complete(), code: code)
    }

    private static func site() throws -> TemporaryDirectory {
      let directory = try TemporaryDirectory("apus-unit")
      _ = try directory.write(RuleUnitTestCases.rules, to: "rules.yml")
      _ = try directory.write(RuleUnitTestCases.failingRules, to: "failing.yml")
      _ = try directory.write("groups: [{name: g, rules: [{record: x, expr: 'up{'}]}]\n", to: "broken.yml")
      return directory
    }

    @Test("every file has the verdict that is written here")
    func verdicts() throws {
      let site = try Self.site()
      for test in RuleUnitTestCases.all {
        let file = try site.write(test.text, to: test.name + ".yml")
        let outcome = try run(try apusBinary(), [file])
        #expect(outcome.code == .code(test.passes ? 0 : 1), "\(test.name): \(outcome.output)\(outcome.errors)")
        let head = "Unit Testing:  \(file)\n"
        #expect(test.passes ? outcome.output == head + "  SUCCESS\n\n" : outcome.output.hasPrefix(head), "\(test.name)")
        #expect(test.passes || outcome.errors.contains("  FAILED:\n"), "\(test.name): \(outcome.errors)")
      }
    }

    @Test(
      "promtool gives every file the same verdict, and differences have its words",
      .enabled(if: PeerBinary.promtool.isExpected, Comment(rawValue: PeerBinary.promtool.absence)))
    func promtool() throws {
      let site = try Self.site()
      // Errors of the files themselves are told with line and column here; promtool has other words for them.
      let ownWords: Set<String> = [
        "order-repeated", "bad-series", "bad-values", "unknown-key", "bad-duration", "missing-rules", "not-yaml",
        "failing-rule", "same-labels", "broken-rules",
      ]
      for test in RuleUnitTestCases.all {
        let file = try site.write(test.text, to: test.name + ".yml")
        let (ours, theirs) = (try run(try apusBinary(), [file]), try run(try PeerBinary.promtool.path(), [file]))
        #expect(ours.code == theirs.code, "\(test.name): \(theirs.output)\(theirs.errors)")
        if ownWords.contains(test.name) { continue }
        for line in theirs.verdict { #expect(ours.verdict.contains(line), "\(test.name): \(line)\n\(ours.errors)") }
      }
    }

    @Test("flags, a report for CI systems, and the lines that it reads")
    func flags() throws {
      let site = try Self.site()
      let apus = try apusBinary()
      func file(_ name: String) throws -> String {
        let text = try #require(RuleUnitTestCases.all.first { $0.name == name }?.text)
        return try site.write(text, to: name + ".yml")
      }
      let (good, bad) = (try file("recording"), try file("firing-wrong-label"))
      let report = site.path + "/report.xml"
      let both = try run(apus, ["--junit=\(report)", good, bad])
      #expect(
        both.code == .code(1) && both.output.hasPrefix("Unit Testing:  \(good)\n  SUCCESS\n\nUnit Testing:  \(bad)\n"))
      #expect(both.errors.contains("label severity: expected \"ticket\", got \"page\""), "\(both.errors)")
      let xml = String(decoding: readFile(report) ?? [], as: UTF8.self)
      #expect(
        xml.hasPrefix("<testsuites><testsuite name=\"\(good)\" tests=\"1\" failures=\"0\" errors=\"0\""), "\(xml)")
      #expect(xml.contains("failures=\"1\"") && xml.contains("<failure>    name: t,&#xA;    alertname: Down, time: 5m"))
      let diff = try run(apus, ["--diff", bad])
      #expect(
        diff.errors.contains("-   label severity: \"ticket\"\n")
          && diff.errors.contains("+   label severity: \"page\"\n"))
      #expect(try run(apus, ["--run=^x", bad]).code == .code(0))
      #expect(try run(apus, ["--run=^x", "--run", "t", bad]).code == .code(1))
      let debug = try run(apus, ["--debug", good])
      #expect(debug.errors.contains("{__name__=\"job:up:twice\", job=\"b\"} =>\n2 @[0]\n"), "\(debug.errors)")
      #expect(
        try run(apus, ["--ignore-unknown-fields", try site.write("tests: [{nme: a}]\n", to: "u.yml")]).code == .code(0))
      for wrong in [[], ["--run=(", good], ["--what", good], ["--enable-feature=x", good]] as [[String]] {
        #expect(try run(apus, wrong).code == .code(2), "\(wrong)")
      }
    }
  }
}

extension String {
  fileprivate var trimmingBlanks: Substring { drop { $0 == " " } }
}

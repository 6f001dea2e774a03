import Format
import Model
import Platform
import PromQL

/// The terms under which files of unit tests are run. A value.
package struct UnitTestOptions: Sendable {
  /// Tests whose names match are run; nil: all.
  package var names: MatcherTest?
  package var ignoresUnknownKeys = false
  package var engine = EngineOptions()
  /// True if a report has every sample of its tests.
  package var dumps = false
  /// A clock for the time that a test takes.
  package var nanoseconds: @Sendable () -> Int64 = { 0 }

  package init() {}

  /// Runs only tests whose names match one of the regular expressions somewhere.
  package mutating func choose(_ patterns: [String]) throws(RegexError) {
    let pattern = "(?s:.*(?:\(patterns.joined(separator: "|"))).*)"
    _ = try RegexProgram(patterns.joined(separator: "|"))
    _ = try RegexProgram(pattern)
    names = MatcherTest(Matcher(.regex, "name", pattern))
  }
}

/// The outcome of one file of unit tests. A value.
package struct UnitTestReport: Sendable {
  package struct Case: Sendable {
    package var name: String
    package var faults: [UnitTestFault] = []
    /// Every series with its samples; empty unless asked for.
    package var dump = ""
    package var seconds = 0.0
  }

  package var path: String
  package var warnings: [String] = []
  /// The reasons why no test could be run.
  package var errors: [String] = []
  package var cases: [Case] = []

  package var isSuccess: Bool { errors.isEmpty && cases.allSatisfy(\.faults.isEmpty) }
}

/// Runs files of unit tests with the rule files that they name. A value.
package struct UnitTestSuite: Sendable {
  private let disk: any Disk
  private let options: UnitTestOptions

  package init(on disk: any Disk, options: UnitTestOptions = UnitTestOptions()) {
    self.disk = disk
    self.options = options
  }

  package func run(_ path: String) -> UnitTestReport {
    var report = UnitTestReport(path: path)
    do throws(UnitTestFileError) {
      let file = try UnitTestFile.read(bytes(path), ignoresUnknownKeys: options.ignoresUnknownKeys)
      run(file, into: &report)
    } catch {
      report.errors = error.faults.map { "\(path):\($0.position): \($0.text)" }
    }
    return report
  }

  private func bytes(_ path: String) throws(UnitTestFileError) -> [UInt8] {
    do throws(WholeFileError) {
      return try WholeFile.bytes(path, on: disk, bytesMax: UnitTestFile.limits.bytesMax, takesPipes: true)
    } catch {
      throw UnitTestFileError(faults: [
        UnitTestFileError.Fault(position: YAMLPosition(line: 1, column: 1), text: error.description)
      ])
    }
  }

  private func run(_ file: UnitTestFile, into report: inout UnitTestReport) {
    let chosen = file.tests.enumerated().filter { isChosen($0.element) }
    if chosen.isEmpty { return }
    var options = RuleFileOptions()
    options.ignoresUnknownKeys = self.options.ignoresUnknownKeys
    options.language = self.options.engine.parser
    let patterns = file.ruleFiles.map { UnitTestSuite.pattern($0, beside: report.path) }
    for pattern in patterns where (try? PathPattern(pattern).paths(disk)) == [] {
      report.warnings.append("no file match pattern \(pattern)")
    }
    let rules = RuleFiles(patterns, on: disk, options: options)
    report.warnings += rules.warnings
    report.errors = rules.errors.lines
    if !report.errors.isEmpty { return }
    let groups = ordered(rules.groups, file.groupOrder)
    let known = Set(groups.map(\.name))
    for name in file.groupOrder where !known.contains(name) {
      report.warnings.append("group_eval_order names \(name), which no rule file has")
    }
    for (number, test) in chosen {
      report.cases.append(run(test, number, file, groups, &report.warnings))
    }
  }

  private func isChosen(_ test: UnitTest) -> Bool { options.names?.matches(test.name) ?? true }

  /// Relative patterns begin beside the file of the test.
  private static func pattern(_ pattern: String, beside path: String) -> String {
    pattern.isEmpty || pattern.hasPrefix("/") ? pattern : PathPattern.join(DiskPath.parent(path), pattern)
  }

  /// The groups in the order that the file asks for. One that is not listed ranks with the first, as in Prometheus; among
  /// equals the order of the rule files stays.
  private func ordered(_ groups: [RuleGroupDefinition], _ order: [String]) -> [RuleGroupDefinition] {
    let ranks = Dictionary(order.enumerated().map { ($0.element, $0.offset) }) { first, _ in first }
    return groups.enumerated().sorted {
      (ranks[$0.element.name] ?? 0, $0.offset) < (ranks[$1.element.name] ?? 0, $1.offset)
    }.map(\.element)
  }

  private func run(
    _ test: UnitTest, _ number: Int, _ file: UnitTestFile, _ definitions: [RuleGroupDefinition],
    _ warnings: inout [String]
  ) -> UnitTestReport.Case {
    var outcome = UnitTestReport.Case(name: test.name.isEmpty ? "unnamed#\(number)" : test.name)
    let start = options.nanoseconds()
    let database = UnitTestDatabase(subqueryStep: file.intervalMilliseconds, engine: options.engine)
    var terms = RuleOptions()
    terms.intervalMilliseconds = test.intervalMilliseconds ?? file.intervalMilliseconds
    terms.externalLabels = test.externalLabels
    terms.externalURL = test.externalURL
    terms.concurrentEvaluationsMax = 1
    let groups = definitions.map { RuleGroup($0, options: terms, database: database) }
    var run = UnitTestRun(test, of: file, groups: groups, database: database)
    outcome.faults = run.run()
    warnings += run.warnings.map { "test \(outcome.name): \($0)" }
    if options.dumps { outcome.dump = UnitTestDump.text(database) }
    outcome.seconds = Double(options.nanoseconds() - start) / 1e9
    return outcome
  }
}

/// Everything that a test has stored, as promtool prints a result: each series with its samples behind their values.
enum UnitTestDump {
  /// The longest dump in bytes; of a longer one the beginning is printed.
  static let bytesMax = 64 << 20

  static func text(_ database: UnitTestDatabase) -> String {
    guard let all = try? database.select([], from: .min, through: .max) else { return "" }
    var text = ""
    for series in all {
      var lines: [(time: Int64, value: String)] = zip(series.samples.timestamps, series.samples.values).map {
        ($0, StaleMarker.isStale($1) ? "stale" : FloatText.general($1))
      }
      lines += zip(series.samples.histogramTimestamps, series.samples.histograms).map {
        ($0, $1.isStale ? "stale" : SeriesNotation.text($1) ?? "a histogram")
      }
      lines.sort { $0.time < $1.time }
      text += "\(UnitTestText.labels(series.labels)) =>\n"
      for line in lines { text += "\(line.value) @[\(line.time)]\n" }
      if text.utf8.count > bytesMax { return text + "and more\n" }
    }
    return text
  }
}

import Model
import Platform
import PromQL
import Rules

/// `apus test rules`: unit tests of rules, in the format of promtool's.
struct TestRules: Equatable, Sendable {
  /// The most files of one call.
  static let filesMax = 10_000

  var files: [String]
  /// Regular expressions: tests whose names match one of them are run; none: all.
  var runs: [String] = []
  var showsDiff = false
  var debugs = false
  var ignoresUnknownKeys = false
  var junitFile: String?
  var features: Set<String> = []

  init(files: [String]) { self.files = files }

  static let help = """
    usage: apus test rules FILE... [--run=REGEX ...] [--diff] [--debug] [--junit=FILE] [--ignore-unknown-fields]
                           [--enable-feature=NAME,...]

    Runs unit tests of rules, in the format of promtool test rules: series in, alerts and answers compared with the
    expected ones. Each difference is told by label, annotation or sample, with the place of the case in its file.

    --run runs only tests whose names match somewhere, and may be repeated. --diff prints expected and found side by side,
    line by line. --debug prints every sample that each test had at its end. --junit writes the outcome to a file as CI
    systems read it. --ignore-unknown-fields passes over keys that the formats do not have, in tests and rule files.
    --enable-feature is that of the server.

    Exit code 0: every test passes; 1: a test fails, or a file cannot be read; 2: the arguments are wrong.
    """

  func options() throws(RegexError) -> UnitTestOptions {
    var options = UnitTestOptions()
    if !runs.isEmpty { try options.choose(runs) }
    options.ignoresUnknownKeys = ignoresUnknownKeys
    options.dumps = debugs
    options.engine.parser = ParserOptions(features: features)
    options.engine.delaysNameRemoval = features.contains("promql-delayed-name-removal")
    let clock = SystemClock()
    options.nanoseconds = { clock.monotonicNanoseconds() }
    return options
  }

  func run() -> Int32 {
    let suite: UnitTestSuite
    do throws(RegexError) { suite = UnitTestSuite(on: LinuxDisk(), options: try options()) } catch {
      writeToStandardError("apus test rules: --run: \(error)")
      return 2
    }
    var junit = JUnitReport()
    var isSuccess = true
    for file in files {
      print(to: .output, "Unit Testing:  \(file)")
      let report = suite.run(file)
      print(report)
      junit.add(report, at: SystemClock().nowMilliseconds())
      isSuccess = isSuccess && report.isSuccess
      print(to: .output, "")
    }
    if let junitFile {
      do throws(OutputFileError) { try OutputFile.write(Array(junit.text.utf8), to: junitFile) } catch {
        writeToStandardError("failed to write JUnit XML: \(error)")
        return 1
      }
    }
    return isSuccess ? 0 : 1
  }

  private enum Stream { case output, errors }

  /// One line at once, so that both streams keep their order where they end in one file.
  private func print(to stream: Stream, _ line: String) {
    switch stream {
    case .output: StandardOutput.write(Array((line + "\n").utf8))
    case .errors: writeToStandardError(line)
    }
  }

  private func print(_ report: UnitTestReport) {
    for warning in report.warnings { print(to: .errors, "  WARNING: \(warning)") }
    if debugs {
      for outcome in report.cases {
        print(to: .errors, "DEBUG: Test \(outcome.name) finished, took \(outcome.seconds)s")
        print(to: .errors, "DEBUG: Dump of all data (input_series and rules):\n\(outcome.dump)")
      }
    }
    if report.isSuccess { return print(to: .output, "  SUCCESS") }
    print(to: .errors, "  FAILED:")
    for error in report.errors {
      print(to: .errors, error)
      print(to: .output, "")
    }
    for fault in report.cases.flatMap(\.faults) {
      print(to: .errors, fault.lines(in: report.path, showsDiff: showsDiff).joined(separator: "\n"))
      print(to: .output, "")
    }
  }
}

extension UnitTestFault {
  /// The fault as it is printed: promtool's text, then what differs and where the case stands.
  func lines(in path: String, showsDiff: Bool) -> [String] {
    var lines = [text]
    let place = position.map { "\(path):\($0)" } ?? path
    if showsDiff, !diff.isEmpty {
      lines += ["        diff (- expected, + got) at \(place):"] + diff.map { "            \($0)" }
    } else if !differences.isEmpty {
      lines += ["        differs at \(place):"] + differences.map { "            \($0)" }
    } else if position != nil {
      lines.append("        at \(place)")
    }
    return lines
  }
}

import Platform
import Rules

/// The outcome of unit tests as CI systems read it: one suite a file, one case a test. A value.
struct JUnitReport {
  private var suites: [String] = []

  mutating func add(_ report: UnitTestReport, at time: Int64) {
    let failures = report.cases.reduce(0) { $0 + $1.faults.count }
    var cases = report.cases.map { outcome in
      let faults = outcome.faults.map { fault in
        "<failure>\(JUnitReport.escaped(fault.lines(in: report.path, showsDiff: false).joined(separator: "\n")))</failure>"
      }
      return "<testcase name=\"\(JUnitReport.escaped(outcome.name))\">\(faults.joined())</testcase>"
    }
    if !report.errors.isEmpty {
      let text = JUnitReport.escaped(report.errors.joined(separator: "\n"))
      cases.append("<testcase name=\"unknown\"><error>\(text)</error></testcase>")
    }
    // Local time has no place in a file that may be read anywhere.
    let timestamp = TimeText.text(milliseconds: time).prefix { $0 != "." }
    suites.append(
      "<testsuite name=\"\(JUnitReport.escaped(report.path))\" tests=\"\(cases.count)\" failures=\"\(failures)\" "
        + "errors=\"\(report.errors.isEmpty ? 0 : 1)\" skipped=\"0\" timestamp=\"\(timestamp)\">"
        + cases.joined() + "</testsuite>")
  }

  var text: String { "<testsuites>" + suites.joined() + "</testsuites>" }

  /// Text inside of elements and quotes; what XML has no place for becomes U+FFFD.
  private static func escaped(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&#34;"
      case "'": result += "&#39;"
      case "\t": result += "&#x9;"
      case "\n": result += "&#xA;"
      case "\r": result += "&#xD;"
      case "\u{0}"..."\u{1f}", "\u{fffe}", "\u{ffff}": result += "\u{fffd}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

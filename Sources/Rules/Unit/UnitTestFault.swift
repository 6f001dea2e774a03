import Format
import Model
import PromQL

/// One thing that a test found wrong, in promtool's words, and what differs. A value.
package struct UnitTestFault: Sendable, Equatable {
  /// As promtool prints it, indented.
  package var text: String
  /// Line by line what is missing, unexpected or different; empty where the text says it all.
  package var differences: [String] = []
  /// Expected and found, one line of either sign each, for `--diff`.
  package var diff: [String] = []
  /// The place of the case in its file.
  package var position: YAMLPosition?

  package init(_ text: String, at position: YAMLPosition? = nil) {
    self.text = text
    self.position = position
  }
}

/// Texts of samples and alerts, as promtool prints them.
enum UnitTestText {
  /// `{a="b", c="d"}`; names that are no classic ones in quotes.
  static func labels(_ labels: Labels) -> String {
    "{" + labels.pairs.map { "\(name($0.name))=\(QuotedText.double($0.value))" }.joined(separator: ", ") + "}"
  }

  private static func name(_ name: String) -> String { LabelName.isLegacy(name) ? name : QuotedText.double(name) }

  /// Always with an exponent: `1.5E+00`.
  static func number(_ value: Double) -> String {
    if value == 0 { return value.sign == .minus ? "-0E+00" : "0E+00" }
    if !value.isFinite { return value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf" }
    var bytes: [UInt8] = []
    FloatText.append(value, plainFrom: .max, below: .min, to: &bytes)
    return String(decoding: bytes, as: UTF8.self).uppercased()
  }

  /// Hours, minutes and seconds, as Go prints a duration: `1h0m0s`, `1.5s`, `100ms`.
  static func time(_ milliseconds: Int64) -> String {
    GoTime.duration(Int128(milliseconds) * 1_000_000)
  }

  static func indented(_ text: String, by indent: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n" + indent)
  }

  static func alerts(_ alerts: [ExpectedAlert]) -> String {
    if alerts.isEmpty { return "[]" }
    let items = alerts.enumerated().map { number, alert in
      "\(number):\n  Labels:\(labels(alert.labels))\n  Annotations:\(labels(alert.annotations))"
    }
    return "[\n" + items.joined(separator: ",\n") + "\n]"
  }

  static func samples(_ samples: [UnitTestSample]) -> String {
    samples.isEmpty ? "nil" : samples.map(\.text).joined(separator: ", ")
  }
}

/// A sample of an answer, expected or found. A value.
struct UnitTestSample: Sendable {
  var labels: Labels
  var value: Double
  /// The description of the histogram; empty: the value counts.
  var histogram = ""

  var text: String { UnitTestText.labels(labels) + " " + valueText }
  var valueText: String { histogram.isEmpty ? UnitTestText.number(value) : histogram }

  /// `isFuzzy`: floats may differ by their last bit. NaN equals nothing.
  func isEqual(to other: UnitTestSample, isFuzzy: Bool) -> Bool {
    if labels != other.labels || histogram != other.histogram { return false }
    if !histogram.isEmpty || value == other.value { return true }
    return isFuzzy && (value.nextDown == other.value || value.nextUp == other.value)
  }
}

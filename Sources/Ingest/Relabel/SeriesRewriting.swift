import Format
import Model
import TSDB

/// The rules of a workspace, compiled, with the number under which the head remembers what they made of a spelling.
/// Immutable; a reload that changes the rules makes a new one with another number. 0: there are no rules.
struct SeriesRewriting: Sendable {
  let source: IngestRules
  /// Goes on also while there are no rules, so that a number comes again late.
  private let turn: UInt32
  private let relabelling: Relabelling

  static let none = SeriesRewriting()

  private init() {
    source = IngestRules()
    turn = 0
    relabelling = .none
  }

  /// The rules that come after these.
  func replaced(by rules: IngestRules) throws(RegexError) -> SeriesRewriting {
    try SeriesRewriting(rules, after: turn)
  }

  private init(_ rules: IngestRules, after previous: UInt32) throws(RegexError) {
    source = rules
    relabelling = try Relabelling(rules.rules)
    turn = previous % Head.rulesMax + 1
  }

  /// Whether every spelling is the series it names.
  var isEmpty: Bool { relabelling.isEmpty }

  var number: UInt32 { isEmpty ? 0 : turn }

  enum Verdict {
    /// The labels are in the output.
    case kept
    case dropped
    case refused(SeriesFault)
  }

  /// What the rules make of label fields as sent, as label fields again. A series without any label left is dropped.
  func rewrite(
    _ bytes: UnsafeRawBufferPointer, _ labels: inout LabelFields, into output: inout ByteBuffer
  ) -> Verdict {
    if let fault = LabelRules.read(bytes, &labels) { return .refused(fault) }
    var edits = LabelEdits()
    for index in 0..<labels.fields.count { edits.append(labels.name(index, in: bytes), labels.value(index, in: bytes)) }
    guard relabelling.apply(to: &edits), !edits.labels.isEmpty else { return .dropped }
    output.removeAll()
    for label in edits.labels {
      label.name.withUnsafeBytes { name in
        label.value.withUnsafeBytes { LabelFields.appendField(name: name, value: $0, to: &output) }
      }
    }
    return .kept
  }
}

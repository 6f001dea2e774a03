import Format
import Model
import TSDB

/// The rules of a workspace, compiled, with the number under which the head remembers what they made of a spelling.
/// Immutable; a reload that changes the rules makes a new one with another number. 0: there are no rules.
struct SeriesRewriting: Sendable {
  let source: IngestRules
  /// The number of these rules; it grows also while there are no rules, so that the same number comes again late.
  private let turn: UInt32
  private let relabelling: Relabelling
  /// Finds the series to be stored under their old names as well; nil where no rename keeps the old name.
  let copies: SeriesCopies?

  static let none = SeriesRewriting()

  private init() {
    source = IngestRules()
    turn = 0
    relabelling = .none
    copies = nil
  }

  /// The rules that come after these.
  func replaced(by rules: IngestRules) throws(RegexError) -> SeriesRewriting {
    try SeriesRewriting(rules, turn: turn % Appender.generationMax + 1)
  }

  init(_ rules: IngestRules, turn: UInt32) throws(RegexError) {
    source = rules
    self.turn = turn
    relabelling = try Relabelling(rules.rules)
    copies = try SeriesCopies(rules, turn: turn)
  }

  /// True if there are no rules: every spelling names the series it spells.
  var isEmpty: Bool { relabelling.isEmpty }

  var number: UInt32 { isEmpty ? 0 : turn }

  enum Verdict {
    /// The labels are in the output.
    case kept
    case dropped
    case refused(SeriesRefusal)
  }

  /// Applies the rules to label fields as sent, but for the replica label, and writes the new label fields to `output`.
  /// Drops a series without any label left.
  func rewrite(
    _ bytes: LentBytes, without replicaLabel: String? = nil, _ labels: inout LabelFields,
    into output: inout ByteBuffer
  ) -> Verdict {
    if let fault = LabelRules.read(bytes, &labels) { return .refused(fault) }
    if let replicaLabel { labels.remove(replicaLabel, in: bytes) }
    var edits = LabelEdits()
    for index in 0..<labels.fields.count { edits.append(labels.name(index, in: bytes), labels.value(index, in: bytes)) }
    guard relabelling.apply(to: &edits), !edits.labels.isEmpty else { return .dropped }
    output.removeAll()
    for label in edits.labels { LabelFields.appendField(name: label.name, value: label.value, to: &output) }
    return .kept
  }
}

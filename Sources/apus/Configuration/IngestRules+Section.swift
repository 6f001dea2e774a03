import Ingest
import Model

extension IngestRules {
  /// Refuses rules that the receiver could not compile, so that it never gets them.
  @Sendable static func compile(_ rules: IngestRules) -> RuleViolation? {
    rules.fault.map { RuleViolation("the rules of rename cannot be applied together: \($0)", at: "rename") }
  }

  /// `apus.rename` and `apus.write_relabel_configs`.
  static let settings: [Setting<IngestRules>] = [
    .sections(
      "write_relabel_configs", \.relabel, RelabelRule.section,
      help: "Relabelling of everything received, before limits and storage."),
    .sections(
      "rename", \.renames, Rename.section,
      help: "Other names for received metrics, before relabelling; every rule that matches counts, in their order."),
  ]
}

extension IngestRules.Rename {
  static let section = Section(
    "rename", IngestRules.Rename(from: "", to: ""),
    [
      .text(
        "from", \.from, shape: .regex, isRequired: true,
        help: "Name of a metric, or a regular expression of the whole name."),
      .text("to", \.to, isRequired: true, help: "The name it is stored under; $1 stands for a group of from."),
      .boolean("keep", \.keepsOld, help: "Store it under its old name as well."),
    ])
}

import Model

// A relabelling rule as the file has it.
extension RelabelRule {
  /// nil where the action is none.
  init?(_ section: SectionValue) {
    self.init()
    guard let action = Action(rawValue: (section.text("action") ?? "").lowercased()) else { return nil }
    self.action = action
    sourceLabels = section.texts("source_labels")
    separator = section.text("separator") ?? ""
    regex = section.text("regex") ?? ""
    modulus = UInt64(section.integer("modulus") ?? 0)
    targetLabel = section.text("target_label") ?? ""
    replacement = section.text("replacement") ?? ""
  }

  /// What must hold within one rule, as in Prometheus.
  @Sendable static func check(_ section: SectionValue) -> RuleViolation? {
    guard let rule = RelabelRule(section) else {
      let action = section.text("action") ?? ""
      if action.isEmpty { return RuleViolation("relabel action cannot be empty", at: "action") }
      let violation = unknownAction(action)
      return RuleViolation(violation.message, at: violation.field?.rawValue)
    }
    if rule.action == .labeldrop || rule.action == .labelkeep, section.isGiven("source_labels") {
      return RuleViolation(
        "\(rule.action.rawValue) action requires only 'regex', and no other fields", at: "source_labels")
    }
    return rule.violation().map { RuleViolation($0.message, at: $0.field?.rawValue) }
  }
}

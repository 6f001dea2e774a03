import Model

// A relabelling rule as the file has it.
extension RelabelRule {
  static let section = Section(
    "relabelling rule", RelabelRule(),
    [
      .texts("source_labels", \.sourceLabels, element: .labelName),
      .text("separator", \.separator),
      .text("regex", \.regex, shape: .regex),
      .custom(SchemaKey("modulus", .count)) { $1.modulus = UInt64($0.integer("modulus") ?? 0) },
      .text("target_label", \.targetLabel, isShown: false),
      .text("replacement", \.replacement),
      .custom(SchemaKey("action", .text, RelabelRule().action.rawValue)) {
        if let action = RelabelRule.action($0) { $1.action = action }
      },
    ], rules: [.check(check)])

  private static func action(_ section: SectionValue) -> Action? {
    Action(rawValue: (section.text("action") ?? "").lowercased())
  }

  /// Checks that the keys of one rule fit together, as in Prometheus.
  @Sendable private static func check(_ value: SectionValue) -> RuleViolation? {
    let action = value.text("action") ?? ""
    if action.isEmpty { return RuleViolation("relabel action cannot be empty", at: "action") }
    guard RelabelRule.action(value) != nil else {
      let violation = unknownAction(action)
      return RuleViolation(violation.message, at: violation.field?.rawValue)
    }
    var rule = RelabelRule()
    var faults: [ConfigurationFault] = []
    section.fill(&rule, from: value, &faults)
    if rule.action == .labeldrop || rule.action == .labelkeep, value.isGiven("source_labels") {
      return RuleViolation(
        "\(rule.action.rawValue) action requires only 'regex', and no other fields", at: "source_labels")
    }
    return rule.violation().map { RuleViolation($0.message, at: $0.field?.rawValue) }
  }
}

/// What must hold within one relabelling rule, as in Prometheus.
enum RelabelRule {
  private static let actions = [
    "replace", "keep", "drop", "keepequal", "dropequal", "hashmod", "labelmap", "labeldrop", "labelkeep", "lowercase",
    "uppercase",
  ]

  @Sendable static func check(_ rule: SectionValue) -> RuleViolation? {
    let written = rule.text("action") ?? ""
    let action = written.lowercased()
    if !actions.contains(action) {
      return RuleViolation(
        "unknown action \(written) (expected one of \(actions.joined(separator: ", ")))", at: "action")
    }
    let target = rule.text("target_label") ?? ""
    if ["replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"].contains(action) && target.isEmpty {
      return RuleViolation("the action \(action) needs a target_label")
    }
    if action == "hashmod" && rule.integer("modulus") ?? 0 == 0 {
      return RuleViolation("the action hashmod needs a modulus above 0")
    }
    if action == "labelmap" && (rule.text("replacement") ?? "").isEmpty {
      return RuleViolation("the action labelmap needs a replacement", at: "replacement")
    }
    return surplus(rule, action)
  }

  /// Keys that the action does not look at, where Prometheus refuses them; one that repeats its default is no surplus.
  private static func surplus(_ rule: SectionValue, _ action: String) -> RuleViolation? {
    let others: [String]
    switch action {
    case "keepequal", "dropequal": others = ["regex", "modulus", "separator", "replacement"]
    case "labeldrop", "labelkeep": others = ["source_labels", "target_label", "modulus", "separator", "replacement"]
    case "lowercase", "uppercase": others = ["replacement"]
    default: return nil
    }
    let surplus = others.first { key in
      guard rule.isGiven(key) else { return false }
      if key == "source_labels" { return true }
      if key == "modulus" { return rule.integer(key) ?? 0 != 0 }
      return rule.text(key) ?? "" != rule.schema[key]?.preset ?? ""
    }
    return surplus.map { RuleViolation("the action \(action) does not take \($0)", at: $0) }
  }
}

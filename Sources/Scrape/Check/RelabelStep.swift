import Model

/// One rule on its way from discovered labels to a target, for those who ask why a target is as it is. A plain value.
package struct RelabelStep: Sendable, Equatable {
  package var rule: RelabelRule
  /// The labels behind the rule; none once a rule has dropped the target.
  package var output: Labels
  package var isKept: Bool

  package init(rule: RelabelRule, output: Labels, isKept: Bool) {
    self.rule = rule
    self.output = output
    self.isKept = isKept
  }
}

extension TargetLabels {
  /// The labels after each rule. After a drop nothing is kept and all outputs are empty.
  package static func steps(_ labels: Labels, through rules: [RelabelRule]) throws(RegexError) -> [RelabelStep] {
    var edits = LabelEdits(labels)
    var isKept = true
    var steps: [RelabelStep] = []
    for rule in rules {
      let relabelling = try Relabelling([rule])
      isKept = isKept && relabelling.apply(to: &edits)
      steps.append(RelabelStep(rule: rule, output: isKept ? edits.result() : .empty, isKept: isKept))
    }
    return steps
  }
}

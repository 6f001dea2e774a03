/// One relabelling rule as it is written, with Prometheus's defaults. A value; `Relabelling` compiles it.
package struct RelabelRule: Sendable, Equatable {
  package enum Action: String, Sendable, CaseIterable {
    case replace, keep, drop, keepequal, dropequal, hashmod, labelmap, labeldrop, labelkeep, lowercase, uppercase
  }

  /// A key of a rule, for those who say which one is wrong.
  package enum Field: String, Sendable {
    case sourceLabels = "source_labels"
    case separator, regex, modulus
    case targetLabel = "target_label"
    case replacement, action
  }

  package static let separatorDefault = ";"
  package static let regexDefault = "(.*)"
  package static let replacementDefault = "$1"

  package var action = Action.replace
  package var sourceLabels: [String] = []
  package var separator = RelabelRule.separatorDefault
  package var regex = RelabelRule.regexDefault
  package var modulus: UInt64 = 0
  package var targetLabel = ""
  package var replacement = RelabelRule.replacementDefault

  package init() {}

  package init(
    _ action: Action, of sourceLabels: [String] = [], regex: String = RelabelRule.regexDefault,
    to targetLabel: String = "",
    replacement: String = RelabelRule.replacementDefault
  ) {
    self.action = action
    self.sourceLabels = sourceLabels
    self.regex = regex
    self.targetLabel = targetLabel
    self.replacement = replacement
  }
}

// What must hold within a rule, in Prometheus's words. Names are UTF-8, so that any text that is not empty is one; what a
// template makes of it is seen only when it is expanded.
extension RelabelRule {
  package struct Violation: Sendable, Equatable {
    package var message: String
    /// The field to look at; nil: the rule itself.
    package var field: Field?
  }

  package static func unknownAction(_ text: String) -> Violation {
    Violation(message: "unknown relabel action \(quoted(text))", field: .action)
  }

  /// The condition that the keys break together; nil where they break none. A key that repeats its default counts as not
  /// given.
  package func violation() -> Violation? {
    if action == .hashmod && modulus == 0 {
      return Violation(message: "relabel configuration for hashmod requires non-zero modulus", field: .modulus)
    }
    switch action {
    case .replace, .hashmod, .lowercase, .uppercase, .keepequal, .dropequal:
      if targetLabel.isEmpty {
        return Violation(
          message: "relabel configuration for \(action.rawValue) action requires 'target_label' value", field: nil)
      }
    case .labelmap:
      if replacement.isEmpty {
        return Violation(message: "\"\" is invalid 'replacement' for labelmap action", field: .replacement)
      }
    default: break
    }
    return surplus()
  }

  private func surplus() -> Violation? {
    let fields: [(Field, Bool)] = [
      (.sourceLabels, !sourceLabels.isEmpty), (.targetLabel, !targetLabel.isEmpty),
      (.regex, regex != RelabelRule.regexDefault), (.modulus, modulus != 0),
      (.separator, separator != RelabelRule.separatorDefault),
      (.replacement, replacement != RelabelRule.replacementDefault),
    ]
    func first(_ refused: [Field]) -> Field? { fields.first { $0.1 && refused.contains($0.0) }?.0 }
    let name = action.rawValue
    switch action {
    case .lowercase, .uppercase:
      return first([.replacement]).map {
        Violation(message: "'replacement' can not be set for \(name) action", field: $0)
      }
    case .keepequal, .dropequal:
      return first([.regex, .modulus, .separator, .replacement]).map {
        Violation(
          message: "\(name) action requires only 'source_labels' and `target_label`, and no other fields", field: $0)
      }
    case .labeldrop, .labelkeep:
      return first([.sourceLabels, .targetLabel, .modulus, .separator, .replacement]).map {
        Violation(message: "\(name) action requires only 'regex', and no other fields", field: $0)
      }
    default: return nil
    }
  }
}

import Model

/// A rule as its file has it: checked, nothing evaluated yet. A value.
package struct RuleDefinition: Sendable, Equatable {
  package enum Kind: Sendable, Equatable {
    case recording
    case alerting(AlertTerms)
  }

  /// The part of a definition that only alerts have.
  package struct AlertTerms: Sendable, Equatable {
    /// Milliseconds for which the expression must have results before the alert fires.
    package var holdMilliseconds: Int64
    /// Milliseconds for which it goes on firing without results.
    package var keepFiringMilliseconds: Int64
    /// Templates by name, sorted by name; an empty value stays.
    package var annotations: [TemplateField]

    package init(
      holdMilliseconds: Int64 = 0, keepFiringMilliseconds: Int64 = 0, annotations: [TemplateField] = []
    ) {
      self.holdMilliseconds = holdMilliseconds
      self.keepFiringMilliseconds = keepFiringMilliseconds
      self.annotations = annotations
    }
  }

  package var kind: Kind
  /// The name of the series (`record`) or of the alert (`alert`).
  package var name: String
  /// The expression as written.
  package var expression: String
  /// Labels of the rule over those of its group, sorted by name: templates in alerts, literal in recordings. An empty
  /// value removes a label.
  package var labels: [TemplateField]

  package init(kind: Kind, name: String, expression: String, labels: [TemplateField] = []) {
    self.kind = kind
    self.name = name
    self.expression = expression
    self.labels = labels
  }

  /// The labels of the series that a recording rule makes of a result.
  package func seriesLabels(of result: Labels) -> Labels {
    var builder = LabelsBuilder(result)
    builder.set(LabelName.metric, name)
    for label in labels { builder.set(label.name, label.text) }
    return builder.labels()
  }

  /// True if the state of the other rule can go on as that of this one: of one kind, with the same name and labels.
  package func isSuccessor(of old: RuleDefinition) -> Bool {
    name == old.name && labels == old.labels && (alert == nil) == (old.alert == nil)
  }

  package var alert: AlertTerms? { if case .alerting(let terms) = kind { terms } else { nil } }
}

/// A label or annotation of a rule, whose text may be a template. A value.
package struct TemplateField: Sendable, Equatable {
  package var name: String
  package var text: String

  package init(_ name: String, _ text: String) {
    self.name = name
    self.text = text
  }
}

/// An alert on its way to those who are told of it. A value.
package struct AlertNotice: Sendable, Equatable {
  /// The alert's identity, `alertname` among them.
  package var labels: Labels
  package var annotations: Labels
  /// Milliseconds; the moment at which it began to fire.
  package var startsAt: Int64
  /// Milliseconds; in the past where the alert is resolved, else the moment at which it is to be taken for resolved when
  /// nothing more is heard of it.
  package var endsAt: Int64
  /// True if the alert does not fire any more.
  package var isResolved: Bool
  /// The page that shows the expression.
  package var generatorURL: String

  package init(
    labels: Labels, annotations: Labels, startsAt: Int64, endsAt: Int64, isResolved: Bool, generatorURL: String
  ) {
    self.labels = labels
    self.annotations = annotations
    self.startsAt = startsAt
    self.endsAt = endsAt
    self.isResolved = isResolved
    self.generatorURL = generatorURL
  }
}

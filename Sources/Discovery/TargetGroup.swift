import Model

/// Targets that one source has found, with the labels that all of them have.
package struct TargetGroup: Sendable, Equatable {
  /// The label of the host and port.
  package static let addressLabel = "__address__"

  /// Unique within its discovery: a new group takes the place of that of the same source.
  package var source: String
  package var labels: Labels
  /// The labels of each target, `__address__` among them.
  package var targets: [Labels]

  package init(source: String, labels: Labels = .empty, targets: [Labels]) {
    self.source = source
    self.labels = labels
    self.targets = targets
  }
}

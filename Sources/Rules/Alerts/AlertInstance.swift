import Model
import PromQL

/// The state of an alert, or of a rule: that of its most advanced alert.
package enum AlertState: UInt8, Sendable, Comparable {
  case inactive, pending, firing

  package static func < (left: AlertState, right: AlertState) -> Bool { left.rawValue < right.rawValue }

  /// The word of the API and of `alertstate`.
  package var word: String {
    switch self {
    case .inactive: "inactive"
    case .pending: "pending"
    case .firing: "firing"
    }
  }
}

/// One alert of a rule: a set of labels that its expression has, or had, results for. Times in milliseconds. A value.
package struct AlertInstance: Sendable {
  /// The identity: the result's labels without name, the rule's expanded ones, `alertname`.
  package var labels: Labels
  package var annotations: Labels
  package var value: SampleValue
  package var state: AlertState
  /// The first evaluation with a result.
  package var activeAt: Int64
  package var firedAt: Int64?
  package var resolvedAt: Int64?
  package var lastSentAt: Int64?
  package var keepFiringSince: Int64?
  /// True if the alert comes from before a restart and its expression has had no result for it since.
  package var awaitsResult = false
  /// Its series as they were made last.
  var series: AlertSeries?

  package init(labels: Labels, annotations: Labels, value: SampleValue, state: AlertState, activeAt: Int64) {
    self.labels = labels
    self.annotations = annotations
    self.value = value
    self.state = state
    self.activeAt = activeAt
  }
}

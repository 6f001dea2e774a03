import Model
import PromQL

/// The alerts of one rule and what a round does to them: a pure state machine, without clock, database or templates.
/// Times are milliseconds. A value; its owner's thread alone changes it.
///
/// Invariant: `places` names each alert of `alerts` by its labels, and none twice.
package struct AlertTable: Sendable {
  /// The parts of a rule that decide about states.
  package struct Terms: Sendable, Equatable {
    package var holdMilliseconds: Int64 = 0
    package var keepFiringMilliseconds: Int64 = 0
    /// The most pending and firing alerts; zero or less: any number.
    package var limit = 0

    package init(holdMilliseconds: Int64 = 0, keepFiringMilliseconds: Int64 = 0, limit: Int = 0) {
      self.holdMilliseconds = holdMilliseconds
      self.keepFiringMilliseconds = keepFiringMilliseconds
      self.limit = limit
    }
  }

  /// A result of the expression with the labels and annotations that the rule gives it. A value.
  package struct Finding: Sendable {
    package var labels: Labels
    package var annotations: Labels
    package var value: SampleValue

    package init(labels: Labels, annotations: Labels = .empty, value: SampleValue = .float(0)) {
      self.labels = labels
      self.annotations = annotations
      self.value = value
    }
  }

  /// Time for which a resolved alert stays and is told again, in case that its receivers have not heard of it.
  package static let resolvedMilliseconds: Int64 = 15 * 60_000

  package var terms: Terms
  /// The pending, firing and lately resolved ones, in the order in which they came.
  package internal(set) var alerts: [AlertInstance] = []
  /// A number that another change of states makes another one; sending alone does not.
  package internal(set) var revision: UInt64 = 0
  /// The last round that was not a failure.
  package internal(set) var lastRoundAt: Int64?
  var places: [Labels: Int] = [:]
  /// The time up to which alerts that await a result since a restart are kept without one.
  var settlesUntil = Int64.min
  /// The beginnings of alerts as their series tell them, for those that come up again in the first rounds.
  var remembered: [Labels: Int64] = [:]
  var remembersForRounds = 0

  package init(_ terms: Terms) { self.terms = terms }

  // MARK: rounds

  /// Takes the results of a round. On a failure the table is as before, but for the limit: there all alerts are dropped.
  package mutating func apply(_ findings: [Finding], at time: Int64) throws(RuleError) {
    let found = try matched(findings)
    var active = 0
    var isSmaller = false
    for place in alerts.indices {
      var alert = alerts[place]
      if let finding = found.known[place].map({ findings[$0] }) {
        meet(&alert, finding, at: time)
      } else if !keep(&alert, at: time) {
        if isOver(alert, at: time) {
          places[alert.labels] = nil
          isSmaller = true
        }
        alerts[place] = alert
        continue
      }
      active += 1
      advance(&alert, at: time)
      alerts[place] = alert
    }
    for index in found.new {
      var alert = begin(findings[index], at: time)
      advance(&alert, at: time)
      places[alert.labels] = alerts.count
      alerts.append(alert)
      active += 1
      revision += 1
    }
    lastRoundAt = time
    forget()
    if isSmaller { compact() }
    if terms.limit > 0 && active > terms.limit {
      removeAll()
      throw RuleError("exceeded limit of \(terms.limit) with \(active) alerts")
    }
  }

  /// For each alert the finding of its labels, and the findings that have none.
  private func matched(_ findings: [Finding]) throws(RuleError) -> (known: [Int?], new: [Int]) {
    var known = [Int?](repeating: nil, count: alerts.count)
    var new: [Int] = []
    var newLabels: Set<Labels> = []
    for (index, finding) in findings.enumerated() {
      if let place = places[finding.labels] {
        if known[place] != nil { throw AlertTable.sameLabels }
        known[place] = index
      } else {
        if !newLabels.insert(finding.labels).inserted { throw AlertTable.sameLabels }
        new.append(index)
      }
    }
    return (known, new)
  }

  private static let sameLabels = RuleError(
    "vector contains metrics with the same labelset after applying alert labels")

  private func begin(_ finding: Finding, at time: Int64) -> AlertInstance {
    AlertInstance(
      labels: finding.labels, annotations: finding.annotations, value: finding.value, state: .pending,
      activeAt: remembered[finding.labels] ?? time)
  }

  /// An alert that has a result: a resolved one begins anew.
  private mutating func meet(_ alert: inout AlertInstance, _ finding: Finding, at time: Int64) {
    if alert.state == .inactive {
      alert = begin(finding, at: time)
      revision += 1
      return
    }
    alert.value = finding.value
    alert.annotations = finding.annotations
    alert.awaitsResult = false
    if alert.keepFiringSince != nil {
      alert.keepFiringSince = nil
      revision += 1
    }
  }

  /// An alert that has no result. True if it goes on all the same; a pending one that does not is inactive without `resolvedAt`.
  private mutating func keep(_ alert: inout AlertInstance, at time: Int64) -> Bool {
    if alert.state == .inactive { return false }
    if alert.awaitsResult {
      if time < settlesUntil {
        // The hole that a restart left in the data counts for nothing.
        if alert.state == .pending, let lastRoundAt { alert.activeAt += max(0, time - lastRoundAt) }
        return true
      }
      alert.awaitsResult = false
    }
    if alert.state == .firing && terms.keepFiringMilliseconds > 0 {
      let since = alert.keepFiringSince ?? time
      if alert.keepFiringSince == nil {
        alert.keepFiringSince = since
        revision += 1
      }
      if time - since < terms.keepFiringMilliseconds { return true }
    }
    if alert.state == .firing { alert.resolvedAt = time }
    alert.state = .inactive
    revision += 1
    return false
  }

  /// Pending to firing, and back where `for` was raised. An alert that only the hole of a restart keeps pending waits.
  private mutating func advance(_ alert: inout AlertInstance, at time: Int64) {
    let isHeld = time - alert.activeAt < terms.holdMilliseconds
    if alert.state == .pending && !isHeld && !alert.awaitsResult {
      alert.state = .firing
      alert.firedAt = time
      revision += 1
    } else if alert.state == .firing && isHeld {
      alert.state = .pending
      alert.firedAt = nil
      alert.lastSentAt = nil
      alert.keepFiringSince = nil
      revision += 1
    }
  }

  // MARK: going

  /// True if an inactive alert need not be told any more; one that never fired need not be told at all.
  private func isOver(_ alert: AlertInstance, at time: Int64) -> Bool {
    guard let resolvedAt = alert.resolvedAt else { return true }
    return time - resolvedAt > AlertTable.resolvedMilliseconds
  }

  private mutating func compact() {
    alerts.removeAll { places[$0.labels] == nil }
    revision += 1
    for (place, alert) in alerts.enumerated() { places[alert.labels] = place }
  }

  private mutating func forget() {
    if remembersForRounds == 0 { return }
    remembersForRounds -= 1
    if remembersForRounds == 0 { remembered = [:] }
  }

  mutating func removeAll() {
    if !alerts.isEmpty { revision += 1 }
    alerts = []
    places = [:]
  }
}

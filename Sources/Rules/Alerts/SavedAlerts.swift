import Model
import PromQL

/// The alerts of a rule as they outlive a restart. A value.
package struct SavedRule: Sendable {
  package var name: String
  /// The texts of the rule's labels; with the name the identity.
  package var labels: Labels
  /// The expression as Prometheus prints it, for the page that an alert of a rule that is gone names.
  package var query: String
  package var alerts: [AlertInstance]
}

/// The alerts of a group as they outlive a restart: of its rules those that have any, in the order of the rules. A value.
package struct SavedGroup: Sendable {
  /// The time of the group's last round.
  package var lastRoundAt: Int64
  package var rules: [SavedRule]

  /// Takes out what was saved of a rule: the first of its name and labels, so that of doubled rules each gets its own.
  package mutating func take(for rule: AlertingRule) -> SavedRule? {
    let labels = rule.labelTexts
    let place = rules.firstIndex { $0.name == rule.definition.name && $0.labels == labels }
    return place.map { rules.remove(at: $0) }
  }

  /// The last words of the rules that nobody has taken: they were removed while the server was down.
  package func resolutions(at time: Int64, options: RuleOptions) -> [AlertNotice] {
    if !options.resolvesRemovedAlerts || time - lastRoundAt > options.outageToleranceMilliseconds { return [] }
    return rules.flatMap { rule in
      var table = AlertTable(.init())
      table.alerts = rule.alerts
      return table.resolutions(at: time, generatorURL: AlertingRule.page(of: rule.query, options))
    }
  }
}

extension AlertingRule {
  /// The alerts to be saved; nil where there are none.
  package var saved: SavedRule? {
    if table.alerts.isEmpty { return nil }
    return SavedRule(name: definition.name, labels: labelTexts, query: query, alerts: table.alerts)
  }

  /// Takes over what was saved, before the first round of this process.
  package mutating func resume(_ saved: SavedRule, lastRoundAt: Int64, _ terms: AlertTable.RestartTerms) {
    table.resume(saved.alerts, lastRoundAt: lastRoundAt, terms)
  }

  /// Reads from the series of the database when alerts began that nothing was saved of, before the first round.
  package mutating func restore(from database: any RuleDatabase, _ terms: AlertTable.RestartTerms) throws(QueryError) {
    table.remember(try AlertRestoration(terms).beginnings(of: definition, in: database))
  }

  var labelTexts: Labels { Labels(annotations: definition.labels.map { ($0.name, $0.text) }) }
}

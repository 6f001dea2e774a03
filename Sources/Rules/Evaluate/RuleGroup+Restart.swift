import Model
import PromQL

// A group at a restart: its alerts go on from what was saved of them, or from what their series say.
extension RuleGroup {
  /// Before the first round of this process, at its time.
  func resume(from states: AlertStates?, at time: Int64) {
    let began = surroundings.clock.monotonicNanoseconds()
    let options = presentOptions
    let terms = AlertTable.RestartTerms(at: time, intervalMilliseconds: intervalMilliseconds, options: options)
    // What is older than is tolerated counts as absent: another server may have stored series in between.
    var saved = states?.saved(definition.key).flatMap {
      time - $0.lastRoundAt <= options.outageToleranceMilliseconds ? $0 : nil
    }
    for rule in rules where rule.definition.alert != nil {
      let failure = rule.withAlerting { [database] alerting -> QueryError? in
        if let group = saved {
          if let own = saved?.take(for: alerting) {
            alerting.resume(own, lastRoundAt: group.lastRoundAt, terms)
          }
          return nil
        }
        do throws(QueryError) {
          try alerting.restore(from: database, terms)
          return nil
        } catch {
          return error
        }
      }
      if case .some(.some(let error)) = failure {
        surroundings.log.warn(
          "The beginnings of alerts could not be read from their series; they begin anew",
          ["rule_group": definition.key, "alert": rule.definition.name, "err": error.description])
      }
    }
    let left = saved?.resolutions(at: time, options: options) ?? []
    if !left.isEmpty { surroundings.send(left) }
    counters.lastRestoreSeconds.set(Double(surroundings.clock.monotonicNanoseconds() - began) / 1e9)
  }

  /// After a round: hands in what a restart needs, where it has changed. A group that has lost its alerting rules is forgotten.
  func save(to states: AlertStates, at time: Int64) {
    let alerting = rules.compactMap(\.shown.alerting)
    let revision = alerting.reduce(into: UInt64(0)) { $0 = $0 &* 31 &+ $1.table.revision }
    let isNews = savedRevision.exchange(revision, ordering: .relaxed) != revision
    if isNews {
      states.keep(alerting.compactMap(\.saved), of: definition.key, at: time)
    } else {
      states.pass(definition.key, at: time)
    }
  }
}

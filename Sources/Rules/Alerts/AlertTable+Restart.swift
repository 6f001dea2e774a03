import Model

// What a table takes over from before a restart: its own states, or else what series tell of beginnings.
extension AlertTable {
  /// The parts of the options that decide about a restart.
  package struct RestartTerms: Sendable {
    /// The time of the first round of this process and the interval of rounds.
    package var time: Int64
    package var intervalMilliseconds: Int64
    /// `--rules.alert.for-outage-tolerance` and `--rules.alert.for-grace-period`.
    package var toleranceMilliseconds: Int64
    package var graceMilliseconds: Int64

    package init(at time: Int64, intervalMilliseconds: Int64, options: RuleOptions) {
      self.time = time
      self.intervalMilliseconds = intervalMilliseconds
      toleranceMilliseconds = options.outageToleranceMilliseconds
      graceMilliseconds = options.graceMilliseconds
    }
  }

  /// Takes over the alerts that a table had after its last round at `lastRoundAt`, before the first round of this process.
  ///
  /// The time in which rounds are missing does not count towards `for`. A firing alert goes on firing; where rounds are
  /// missing the data has a hole, too, and an alert without result is not taken for resolved until as much time has passed
  /// again, at least two intervals, at most the grace period. After a longer outage than is tolerated all begins anew.
  package mutating func resume(_ saved: [AlertInstance], lastRoundAt last: Int64, _ terms: RestartTerms) {
    let outage = max(0, terms.time - last)
    guard alerts.isEmpty, outage <= terms.toleranceMilliseconds else { return }
    let missing = max(0, outage - terms.intervalMilliseconds)
    for var alert in saved where places[alert.labels] == nil {
      alert.limitTimes(to: terms.time)
      if alert.state == .pending { alert.activeAt = min(alert.activeAt + missing, terms.time) }
      alert.awaitsResult = alert.state != .inactive
      places[alert.labels] = alerts.count
      alerts.append(alert)
    }
    lastRoundAt = min(max(last, terms.time - terms.intervalMilliseconds), terms.time)
    if missing > 0 {
      settlesUntil = terms.time + min(max(missing, 2 * terms.intervalMilliseconds), terms.graceMilliseconds)
    }
  }

  /// Remembers when alerts began, by their labels: those that come up in the first two rounds go on from there. Two, since
  /// the rules of a group may need each other's series.
  package mutating func remember(_ beginnings: [Labels: Int64]) {
    remembered = beginnings
    remembersForRounds = beginnings.isEmpty ? 0 : 2
  }
}

extension AlertInstance {
  /// No time lies in the future, also where a clock was set back.
  fileprivate mutating func limitTimes(to time: Int64) {
    activeAt = min(activeAt, time)
    firedAt = firedAt.map { min($0, time) }
    resolvedAt = resolvedAt.map { min($0, time) }
    lastSentAt = lastSentAt.map { min($0, time) }
    keepFiringSince = keepFiringSince.map { min($0, time) }
  }
}

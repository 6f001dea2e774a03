import Model
import PromQL

// The outside of a table: its series, its notices, its view.
extension AlertTable {
  /// The series that tell the states in the database.
  package enum SeriesName {
    package static let alerts = "ALERTS"
    package static let beginnings = "ALERTS_FOR_STATE"
    package static let stateLabel = "alertstate"
  }

  /// The sample of `ALERTS` and that of `ALERTS_FOR_STATE` of each pending or firing alert.
  package mutating func series(at time: Int64) -> [VectorSample] {
    var samples: [VectorSample] = []
    samples.reserveCapacity(2 * alerts.count)
    for place in alerts.indices where alerts[place].state != .inactive {
      let series = made(place)
      let seconds = (Double(alerts[place].activeAt) / 1000).rounded(.down)
      samples.append(VectorSample(labels: series.beginnings, timestamp: time, value: .float(seconds)))
      samples.append(VectorSample(labels: series.alerts, timestamp: time, value: .float(1)))
    }
    return samples
  }

  private mutating func made(_ place: Int) -> AlertSeries {
    if let series = alerts[place].series, series.state == alerts[place].state { return series }
    let series = AlertSeries(alerts[place].labels, alerts[place].state)
    alerts[place].series = series
    return series
  }

  /// The alerts that are to be told now, which from now on count as told: firing ones every `resendMilliseconds`, resolved ones at once and
  /// then as often for 15 minutes. `generatorURL` is asked for only where there is one.
  package mutating func due(
    at time: Int64, intervalMilliseconds: Int64, resendMilliseconds: Int64, generatorURL: @autoclosure () -> String
  ) -> [AlertNotice] {
    var notices: [AlertNotice] = []
    var url: String?
    let validMilliseconds = 4 * max(intervalMilliseconds, resendMilliseconds)
    for place in alerts.indices where isDue(alerts[place], at: time, resendMilliseconds) {
      alerts[place].lastSentAt = time
      let page = url ?? generatorURL()
      url = page
      notices.append(notice(alerts[place], endsAt: time + validMilliseconds, page))
    }
    return notices
  }

  private func isDue(_ alert: AlertInstance, at time: Int64, _ resendMilliseconds: Int64) -> Bool {
    if alert.state == .pending { return false }
    guard let lastSentAt = alert.lastSentAt else { return true }
    if let resolvedAt = alert.resolvedAt {
      if resolvedAt > lastSentAt { return true }
      if time - resolvedAt > AlertTable.resolvedMilliseconds { return false }
    }
    return time - lastSentAt >= resendMilliseconds
  }

  /// `endsAt`: of an alert that fires.
  private func notice(_ alert: AlertInstance, endsAt: Int64, _ generatorURL: String) -> AlertNotice {
    AlertNotice(
      labels: alert.labels, annotations: alert.annotations, startsAt: alert.firedAt ?? alert.activeAt,
      endsAt: alert.resolvedAt ?? endsAt, isResolved: alert.resolvedAt != nil, generatorURL: generatorURL)
  }

  /// The alerts whose receivers still take them for firing, as resolved at `time`: the last words of a rule that is taken
  /// away.
  package func resolutions(at time: Int64, generatorURL: @autoclosure () -> String) -> [AlertNotice] {
    let told = alerts.filter { $0.state == .firing && $0.lastSentAt != nil }
    if told.isEmpty { return [] }
    let url = generatorURL()
    return told.map { alert in
      var resolved = alert
      resolved.resolvedAt = time
      return notice(resolved, endsAt: time, url)
    }
  }

  /// The state of the most advanced alert.
  package var state: AlertState { alerts.lazy.map(\.state).max() ?? .inactive }

  /// The pending and firing ones, sorted by labels.
  package var shown: [AlertInstance] {
    alerts.filter { $0.state != .inactive }.sorted { $0.labels < $1.labels }
  }
}

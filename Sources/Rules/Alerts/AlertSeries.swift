import Model

/// The labels of the two series of an alert in one state, made once and not in each round. Immutable.
final class AlertSeries: Sendable {
  let state: AlertState
  /// Those of `ALERTS_FOR_STATE`.
  let beginnings: Labels
  /// Those of `ALERTS`.
  let alerts: Labels

  init(_ identity: Labels, _ state: AlertState) {
    self.state = state
    var builder = LabelsBuilder(identity)
    builder.set(LabelName.metric, AlertTable.SeriesName.beginnings)
    beginnings = builder.labels()
    builder.set(LabelName.metric, AlertTable.SeriesName.alerts)
    builder.set(AlertTable.SeriesName.stateLabel, state.word)
    alerts = builder.labels()
  }
}

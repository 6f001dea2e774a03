import Model
import PromQL

/// The beginnings of alerts as `ALERTS_FOR_STATE` tells them: for a server that has the series of another one, or whose state
/// file is lost. A value.
package struct AlertRestoration: Sendable {
  private let terms: AlertTable.RestartTerms

  package init(_ terms: AlertTable.RestartTerms) { self.terms = terms }

  /// The series of a rule: those of its name and of its labels that are no templates.
  static func matchers(of definition: RuleDefinition) -> [Matcher] {
    var matchers = [
      Matcher(.equal, LabelName.metric, AlertTable.SeriesName.beginnings),
      Matcher(.equal, LabelName.alert, definition.name),
    ]
    for label in definition.labels where !label.text.contains("{{") && label.name != LabelName.alert {
      matchers.append(Matcher(.equal, label.name, label.text))
    }
    return matchers
  }

  /// The beginnings of a rule's alerts, by their labels. None where there is nothing to wait for.
  package func beginnings(
    of definition: RuleDefinition, in database: any RuleDatabase
  ) throws(QueryError) -> [Labels: Int64] {
    guard let hold = definition.alert?.holdMilliseconds, hold > 0 else { return [:] }
    let series = try database.select(
      AlertRestoration.matchers(of: definition), from: terms.time - terms.toleranceMilliseconds, through: terms.time)
    return beginnings(series, holdMilliseconds: hold)
  }

  func beginnings(_ series: [MatrixSeries], holdMilliseconds hold: Int64) -> [Labels: Int64] {
    var beginnings: [Labels: Int64] = [:]
    for one in series {
      guard let time = one.samples.timestamps.last, let seconds = one.samples.values.last,
        !StaleMarker.isStale(seconds), let milliseconds = Int64(exactly: (seconds * 1000).rounded(.down))
      else { continue }
      beginnings[one.labels.droppingMetricName] = beginning(
        milliseconds, lastSample: time, holdMilliseconds: hold)
    }
    return beginnings
  }

  /// The beginning that an alert has now which began at `activeAt` and had its last sample at `lastSample`: as Prometheus
  /// counts. Down time does not count towards `for`, and what would fire within the grace period fires at its end. A `for`
  /// that is shorter than that period knows no grace.
  func beginning(_ activeAt: Int64, lastSample: Int64, holdMilliseconds: Int64) -> Int64 {
    // A number that no rule has written.
    guard 0 <= activeAt && activeAt <= lastSample else { return terms.time }
    let left = holdMilliseconds - (lastSample - activeAt)
    if left <= 0 { return activeAt }
    if holdMilliseconds >= terms.graceMilliseconds && left < terms.graceMilliseconds {
      return terms.time + terms.graceMilliseconds - holdMilliseconds
    }
    return activeAt + (terms.time - lastSample)
  }
}

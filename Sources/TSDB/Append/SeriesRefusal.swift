import Model

/// The reason why the series of a row is refused: the value of the `reason` label under which it is counted, and the
/// text that operators already search for. Each target adds the reasons that it finds.
package struct SeriesRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  package var reason: String
  package var message: String
  /// The number of series there are, where that is known, and the most there may be.
  package var actual: Int?
  package var limit: Int?

  package init(reason: String, message: String, actual: Int? = nil, limit: Int? = nil) {
    self.reason = reason
    self.message = message
    self.actual = actual
    self.limit = limit
  }

  package var description: String { message }

  /// Memory, slots or symbol space have run out.
  package static let exhausted = SeriesRefusal(reason: "exhausted", message: "no room for another series")

  /// Its labels are kept as references in a cell that has an end.
  package static func tooManyLabels(_ count: Int) -> SeriesRefusal {
    SeriesRefusal(
      reason: "too_many_labels",
      message:
        "the series has \(count) labels, more than can be stored (some 200 to 600, by how many different ones there are)",
      actual: count)
  }

  package static func activeSeries(limit: Int, present: Int) -> SeriesRefusal {
    SeriesRefusal(
      reason: "per_user_series_limit",
      message:
        "per-user series limit of \(limit) exceeded (active series: \(present)); raise apus.limits.max_active_series",
      actual: present, limit: limit)
  }

  package static func seriesPerMetric(limit: Int, metric: String) -> SeriesRefusal {
    SeriesRefusal(
      reason: "per_metric_series_limit",
      message:
        "per-metric series limit of \(limit) exceeded for metric \(metric); raise apus.limits.max_series_per_metric",
      actual: limit, limit: limit)
  }

  package static func seriesPerLabelSet(limit: Int, labels: Labels) -> SeriesRefusal {
    SeriesRefusal(
      reason: "per_labelset_series_limit",
      message:
        "per-labelset series limit of \(limit) exceeded (labelSet: \(labels)); raise apus.limits.label_sets, or the limit of the management API",
      actual: limit, limit: limit)
  }
}

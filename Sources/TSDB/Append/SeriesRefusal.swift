import Model

/// Why a new series was not taken. The texts are those operators already search for.
package enum SeriesRefusal: Error, Sendable, Equatable, CustomStringConvertible {
  case activeSeries(limit: Int, present: Int)
  case seriesPerMetric(limit: Int, metric: String)
  case seriesPerLabelSet(limit: Int, labels: Labels)
  /// Memory, slots or symbol space have run out.
  case exhausted

  package var description: String { message }

  package var message: String {
    switch self {
    case .activeSeries(let limit, let present):
      "per-user series limit of \(limit) exceeded (active series: \(present)); raise apus.limits.max_active_series"
    case .seriesPerMetric(let limit, let metric):
      "per-metric series limit of \(limit) exceeded for metric \(metric); raise apus.limits.max_series_per_metric"
    case .seriesPerLabelSet(let limit, let labels):
      "per-labelset series limit of \(limit) exceeded (labelSet: \(labels)); raise apus.limits.label_sets"
    case .exhausted: "no room for another series"
    }
  }

  /// How many there are, where that is known, and how many there may be.
  package var numbers: (actual: Int?, limit: Int?) {
    switch self {
    case .activeSeries(let limit, let present): (present, limit)
    case .seriesPerMetric(let limit, _), .seriesPerLabelSet(let limit, _): (limit, limit)
    case .exhausted: (nil, nil)
    }
  }

  package var reason: String {
    switch self {
    case .activeSeries: "per_user_series_limit"
    case .seriesPerMetric: "per_metric_series_limit"
    case .seriesPerLabelSet: "per_labelset_series_limit"
    case .exhausted: "exhausted"
    }
  }
}

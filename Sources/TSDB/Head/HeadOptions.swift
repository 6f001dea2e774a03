/// The settings of a head, given at its start. All but the tolerance can be changed while it runs.
package struct HeadOptions: Sendable {
  /// How far behind this server's clock a late sample may be; 0: late samples are refused; nil: as far as samples are kept.
  package var lateWindowMilliseconds: Int64?
  /// How far ahead of this server's clock a sample may be.
  package var futureToleranceMilliseconds: Int64 = 600_000
  package var limits = SeriesLimits()
  /// Exemplars that are kept; 0 or less: none are.
  package var exemplarsMax = 100_000

  package init() {}
}

/// Limits of the series of a workspace; 0 means no limit.
package struct SeriesLimits: Sendable, Equatable {
  package var activeSeriesMax = 0
  package var seriesPerMetricMax = 0
  package var labelSets: [LabelSetLimit] = []

  /// No limits.
  package init() {}

  /// The limits that hold unless the configuration sets others.
  package static let standard: SeriesLimits = {
    var limits = SeriesLimits()
    limits.activeSeriesMax = 10_000_000
    limits.seriesPerMetricMax = 2_000_000
    return limits
  }()
}

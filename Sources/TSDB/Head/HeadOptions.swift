/// What a head is told at its start. All but the tolerance can be changed while it runs.
package struct HeadOptions: Sendable {
  /// How far behind the newest sample of the head a late one may be; 0: late samples are refused.
  package var lateWindowMilliseconds: Int64 = 3_600_000
  /// How far ahead of this server's clock a sample may be.
  package var futureToleranceMilliseconds: Int64 = 600_000
  package var limits = SeriesLimits()
  /// Exemplars that are kept; 0 or less: none are.
  package var exemplarsMax = 100_000

  /// The window of a late chunk is bounded by what its span can say (32 bits of milliseconds).
  package static let lateWindowMillisecondsMax: Int64 = 45 * 86_400_000

  package init() {}
}

/// Bounds per workspace; 0 means none.
package struct SeriesLimits: Sendable, Equatable {
  package var activeSeriesMax = 0
  package var seriesPerMetricMax = 0
  package var labelSets: [LabelSetLimit] = []

  package init() {}
}

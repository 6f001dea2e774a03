/// A block as the plans of this folder see it: plain numbers, so that plans are pure functions of them.
package struct PlannedBlock: Sendable, Equatable {
  /// The block's samples lie in `minTime..<maxTime`.
  package var minTime: Int64
  package var maxTime: Int64
  package var seriesCount = 0
  package var tombstoneCount = 0
  package var sizeBytes = 0
  /// True if a compaction of it has failed; compaction leaves it alone.
  package var isFailed = false
  package var view = View.whole

  /// The part of the series of its time that a block knows. Blocks of a part of the series are never mixed with
  /// complete ones, or the result would claim to know what it does not.
  package enum View: Sendable, CaseIterable { case whole, staleSeries, selectedSeries }

  package init(minTime: Int64, maxTime: Int64) {
    self.minTime = minTime
    self.maxTime = maxTime
  }

  var duration: Int64 { maxTime &- minTime }
}

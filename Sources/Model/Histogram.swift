/// The relation of a histogram to the one before: its counters went on, or began anew.
package enum CounterResetHint: UInt8, Sendable, Hashable {
  case unknown, reset, notReset, gauge
}

/// A run of buckets that are present: the distance from the end of the run before (for the first, the index), and how many.
package struct BucketSpan: BitwiseCopyable, Sendable, Hashable {
  package var offset: Int32
  package var length: UInt32

  package init(offset: Int32, length: UInt32) {
    self.offset = offset
    self.length = length
  }
}

/// A native histogram with float counts. Exponential schemas (-4...8) have buckets at powers of 2^(2^-schema) on both sides of
/// a zero bucket; the custom schema has the upper bounds of its positive buckets listed. Counts are absolute, not deltas.
package struct Histogram: Sendable, Hashable {
  package static let customSchema: Int32 = -53
  package static let schemaMinimum: Int32 = -4
  package static let schemaMaximum: Int32 = 8

  package var schema: Int32 = 0
  package var hint = CounterResetHint.unknown
  package var zeroThreshold = 0.0
  package var zeroCount = 0.0
  package var count = 0.0
  package var sum = 0.0
  package var positiveSpans: [BucketSpan] = []
  package var negativeSpans: [BucketSpan] = []
  package var positiveBuckets: [Double] = []
  package var negativeBuckets: [Double] = []
  /// The upper bounds of custom buckets, ascending, without the last (+Inf).
  package var customBounds: [Double] = []

  package init() {}

  package var isCustom: Bool { schema == Histogram.customSchema }

  /// True if the schema is one that buckets have bounds in: no other can be stored or counted with.
  package var hasKnownSchema: Bool {
    isCustom || (Histogram.schemaMinimum...Histogram.schemaMaximum).contains(schema)
  }

  /// True if this sample only says that the series ended.
  package var isStale: Bool { StaleMarker.isStale(sum) }
}

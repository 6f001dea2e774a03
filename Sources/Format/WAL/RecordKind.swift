/// The kind of a record of the write-ahead log: its first byte.
package enum RecordKind: UInt8, Sendable, CaseIterable {
  case series = 1
  case samples = 2
  case tombstones = 3
  case exemplars = 4
  /// Only in the log of out-of-order samples: what was written to head chunks.
  case mmapMarkers = 5
  case metadata = 6
  case histograms = 7
  case floatHistograms = 8
  case customBucketHistograms = 9
  case customBucketFloatHistograms = 10

  package var isHistogram: Bool { rawValue >= RecordKind.histograms.rawValue }
}

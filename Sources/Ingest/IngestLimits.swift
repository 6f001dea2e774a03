/// Bounds on what a body and a series may be; 0 means none where it says so.
package struct IngestLimits: Sendable, Equatable {
  /// Bytes of a body after decompression, as in other receivers.
  package var decodedBytesMax = 32 << 20
  /// Labels of a series; 0: no bound.
  package var labelsPerSeriesMax = 0
  /// Bytes of a label name; 0: no bound.
  package var labelNameBytesMax = 0
  /// Bytes of a label value; 0: no bound.
  package var labelValueBytesMax = 0
  /// Samples received a second; 0: no bound. Past it a body is refused as a whole, to be sent again.
  package var samplesPerSecondMax = 0
  /// Samples that may come at once after a quiet time; 0: those of one second.
  package var samplesBurstMax = 0

  /// Limits without bounds on series and rate.
  package init() {}

  /// The limits of a workspace whose configuration names none.
  package static let standard: IngestLimits = {
    var limits = IngestLimits()
    limits.labelsPerSeriesMax = 100
    limits.labelNameBytesMax = 1024
    limits.labelValueBytesMax = 8192
    return limits
  }()
}

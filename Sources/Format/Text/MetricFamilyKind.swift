import Model

/// The types of metric families in all exposition formats; their numbers are those of remote write's metadata.
package enum MetricFamilyKind: UInt8, Sendable, Hashable, CaseIterable {
  case unknown, counter, gauge, histogram, gaugeHistogram, summary, info, stateset

  /// The type that a TYPE line names; nil where the format has none of this name.
  init?(_ text: LentBytes, _ format: ExpositionFormat) {
    let isOpenMetrics = format == .openMetrics
    let kind: (StaticString, MetricFamilyKind)?
    switch text.count {
    case 4: kind = ("info", .info)
    case 5: kind = ("gauge", .gauge)
    case 7 where text.first == UInt8(ascii: "c"): kind = ("counter", .counter)
    case 7 where isOpenMetrics: kind = text.first == UInt8(ascii: "s") ? ("summary", .summary) : ("unknown", .unknown)
    case 7: kind = text.first == UInt8(ascii: "s") ? ("summary", .summary) : ("untyped", .unknown)
    case 8: kind = ("stateset", .stateset)
    case 9: kind = ("histogram", .histogram)
    case 14: kind = ("gaugehistogram", .gaugeHistogram)
    default: kind = nil
    }
    guard let kind, kind.0.withUTF8Buffer({ text.elementsEqual($0) }) else { return nil }
    switch kind.1 {
    case .info, .stateset, .gaugeHistogram: if !isOpenMetrics { return nil }
    default: break
    }
    self = kind.1
  }
}

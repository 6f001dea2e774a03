import Model

/// The check of a received histogram; its complaints are in Prometheus's words.
package enum HistogramValidation {
  /// Nil where it can be stored. Stale markers always can.
  package static func fault(_ histogram: Histogram, isFloat: Bool) -> String? {
    if histogram.isStale { return nil }
    if histogram.isCustom {
      if let fault = customFault(histogram) { return "custom buckets: \(fault)" }
      if histogram.zeroCount != 0 { return "custom buckets: must have zero count of 0" }
      if histogram.zeroThreshold != 0 { return "custom buckets: must have zero threshold of 0" }
      if !histogram.negativeSpans.isEmpty { return "custom buckets: must not have negative spans" }
      if !histogram.negativeBuckets.isEmpty { return "custom buckets: must not have negative buckets" }
    } else if (Histogram.schemaMinimum...Histogram.schemaMaximum).contains(histogram.schema) {
      if let fault = spanFault(histogram.positiveSpans, histogram.positiveBuckets) { return "positive side: \(fault)" }
      if let fault = spanFault(histogram.negativeSpans, histogram.negativeBuckets) { return "negative side: \(fault)" }
      if let fault = bucketFault(histogram.negativeBuckets) { return "negative side: \(fault)" }
      if isFloat && histogram.zeroCount < 0 {
        return "zero bucket has observation count of \(histogram.zeroCount): \(negativeBucket)"
      }
      if !histogram.customBounds.isEmpty { return "histogram with exponential schema must not have custom bounds" }
    } else {
      return "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for "
        + "custom buckets, got schema \(histogram.schema)"
    }
    if isFloat && histogram.count < 0 {
      return "observation count is  \(histogram.count): histogram's observation count is negative"
    }
    if let fault = bucketFault(histogram.positiveBuckets) { return "positive side: \(fault)" }
    return isFloat ? nil : countFault(histogram)
  }

  private static let negativeBucket = "histogram has a bucket whose observation count is negative"
  private static let mismatch = "histogram spans specify different number of buckets than provided"

  private static func countFault(_ histogram: Histogram) -> String? {
    let found = (histogram.positiveBuckets + histogram.negativeBuckets).reduce(histogram.zeroCount, +)
    if histogram.sum.isNaN ? found <= histogram.count : found == histogram.count { return nil }
    func whole(_ count: Double) -> String { Int64(exactly: count).map { "\($0)" } ?? "\(count)" }
    let text = "\(whole(found)) observations found in buckets, but the Count field is \(whole(histogram.count)): "
    if histogram.sum.isNaN {
      return text
        + "histogram's observation count should be at least the number of observations found in the buckets"
    }
    return text
      + "histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)"
  }

  private static func spanFault(_ spans: [BucketSpan], _ buckets: [Double]) -> String? {
    for (place, span) in spans.enumerated() where place > 0 && span.offset < 0 {
      return "span number \(place + 1) with offset \(span.offset): histogram has a span whose offset is negative"
    }
    let wanted = spans.reduce(0) { $0 + Int($1.length) }
    if wanted != buckets.count { return "spans need \(wanted) buckets, have \(buckets.count) buckets: \(mismatch)" }
    if HistogramLayout.bucketCount(spans, atMost: buckets.count) == nil {
      return "histogram has a span whose offset is too large"
    }
    return nil
  }

  private static func bucketFault(_ buckets: [Double]) -> String? {
    for (place, count) in buckets.enumerated() where count < 0 {
      return "bucket number \(place + 1) has observation count of \(count): \(negativeBucket)"
    }
    return nil
  }

  private static func customFault(_ histogram: Histogram) -> String? {
    var previous = -Double.infinity
    for (place, bound) in histogram.customBounds.enumerated() {
      if bound.isNaN { return "histogram custom bounds must not be NaN" }
      if place > 0 && bound <= previous {
        return "previous bound is \(previous) and current is \(bound): "
          + "histogram custom bounds must be in strictly increasing order"
      }
      previous = bound
    }
    if previous == .infinity {
      return "last +Inf bound must not be explicitly defined: histogram custom bounds must be finite"
    }
    let spans = histogram.positiveSpans
    for (place, span) in spans.enumerated() where span.offset < 0 {
      return "span number \(place + 1) with offset \(span.offset): histogram has a span whose offset is negative"
    }
    if let fault = spanFault(spans, histogram.positiveBuckets) { return fault }
    let reach = spans.reduce(0) { $0 + Int($1.length) + Int($1.offset) }
    if histogram.customBounds.count + 1 < reach {
      return "only \(histogram.customBounds.count) custom bounds defined which is insufficient to cover total span "
        + "length of \(reach): histogram custom bounds are too few"
    }
    return nil
  }
}

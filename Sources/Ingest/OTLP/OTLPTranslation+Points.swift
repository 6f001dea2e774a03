import Format
import Model

// The points of each kind of metric as series.
extension OTLPTranslation {
  mutating func number(
    _ point: OTLPNumberPoint, _ name: String, _ context: OTLPContext, isDelta: Bool, withExemplars: Bool
  ) throws(OTLPError) {
    let labels = try context.labels(of: point.base.attributes)
    var value = point.value
    if isDelta, options.deltas == .madeCumulative, !point.base.hasNoRecordedValue {
      guard value.isFinite else { throw OTLPError("delta of \"\(name)\" is not a finite number") }
      try checkTime(of: point.base, name)
      let outcome = deltas.add(value, of: DeltaStream(name, labels), point.base, now: now)
      guard let sum = try sum(outcome, name) else { return }
      value = sum
    }
    begin(name, labels)
    rows.appendSample(
      time: OTLPTranslation.milliseconds(point.base.time),
      value: point.base.hasNoRecordedValue ? StaleMarker.value : value)
    if withExemplars { for exemplar in point.exemplars { append(exemplar) } }
    end()
  }

  /// Refuses a delta of the future before it is added: those of today would be behind it.
  private func checkTime(of point: OTLPPoint, _ name: String) throws(OTLPError) {
    if point.time / 1_000_000 <= UInt64(max(0, newest)) { return }
    throw OTLPError(
      "delta of \"\(name)\" is out of bounds: more than 10m0s ahead of this server's clock", reason: "too_far_in_future"
    )
  }

  /// Nil where nothing is to be stored for the point.
  private mutating func sum<Value>(
    _ outcome: DeltaAccumulator.Outcome<Value>, _ name: String
  ) throws(OTLPError) -> Value? {
    switch outcome {
    case .sum(let value): return value
    case .counted:
      countedPoints += 1
      return nil
    case .tooOld:
      throw OTLPError(
        "delta of \"\(name)\" is older than \(DeltaAccumulator.timesMax) others of its series: whether it is one of "
          + "them cannot be told", reason: "otlp_delta_too_old")
    case .full:
      throw OTLPError(
        "delta of \"\(name)\" is of a new series, and no more than \(DeltaAccumulator.streamsMax) series of "
          + "\(DeltaAccumulator.bytesMax >> 20) MiB can be added up; send it with cumulative temporality",
        reason: "otlp_delta_series_limit")
    case .unlike:
      throw OTLPError("the buckets of delta \"\(name)\" are too far from those before")
    }
  }

  mutating func histogram(
    _ point: OTLPHistogramPoint, _ name: String, _ context: OTLPContext, isDelta: Bool
  ) throws(OTLPError) {
    let labels = try context.labels(of: point.base.attributes)
    var point = point
    if isDelta, options.deltas == .madeCumulative, !point.base.hasNoRecordedValue {
      try checkTime(of: point.base, name)
      let outcome = deltas.add(point, of: DeltaStream(name, labels), now: now)
      guard let sum = try sum(outcome, name) else { return }
      point = sum
    }
    if options.makesCustomBuckets { return try customBuckets(point, name, labels, isDelta) }
    if let sum = point.sum { sample(name + "_sum", labels, point.base, sum) }
    sample(name + "_count", labels, point.base, Double(point.count))
    // Each goes to the first bucket that its value fits.
    var exemplars = point.exemplars
    var total: UInt64 = 0
    for (bound, count) in zip(point.bounds, point.buckets) {
      total &+= count
      let own = exemplars.filter { $0.value <= bound }
      exemplars.removeAll { $0.value <= bound }
      bucket(name, labels, OTLPTranslation.plain(bound), point.base, Double(total), own)
    }
    bucket(name, labels, "+Inf", point.base, Double(point.count), exemplars)
  }

  private mutating func bucket(
    _ name: String, _ labels: OTLPLabelSet, _ bound: String, _ point: OTLPPoint, _ value: Double,
    _ exemplars: [OTLPExemplar]
  ) {
    var labels = labels
    labels.set("le", bound)
    begin(name + "_bucket", labels)
    rows.appendSample(
      time: OTLPTranslation.milliseconds(point.time), value: point.hasNoRecordedValue ? StaleMarker.value : value)
    for exemplar in exemplars { append(exemplar) }
    end()
  }

  /// A number without an exponent.
  static func plain(_ number: Double) -> String {
    var bytes: [UInt8] = []
    FloatText.append(number, plainFrom: .min, below: .max, to: &bytes)
    return String(decoding: bytes, as: UTF8.self)
  }

  mutating func summary(
    _ point: OTLPSummaryPoint, _ name: String, _ context: OTLPContext
  ) throws(OTLPError) {
    let labels = try context.labels(of: point.base.attributes)
    sample(name + "_sum", labels, point.base, point.sum)
    sample(name + "_count", labels, point.base, Double(point.count))
    for quantile in point.quantiles {
      var labels = labels
      labels.set("quantile", OTLPTranslation.plain(quantile.quantile))
      sample(name, labels, point.base, quantile.value)
    }
  }

  // MARK: Native histograms

  private static let zeroThreshold = 1e-128

  mutating func exponential(
    _ point: OTLPExponentialPoint, _ name: String, _ context: OTLPContext, isDelta: Bool
  ) throws(OTLPError) {
    guard point.scale >= Histogram.schemaMinimum else {
      throw OTLPError(
        "cannot convert exponential to native histogram. Scale must be >= \(Histogram.schemaMinimum), was \(point.scale)"
      )
    }
    let labels = try context.labels(of: point.base.attributes)
    var point = point
    if isDelta, options.deltas == .madeCumulative, !point.base.hasNoRecordedValue {
      try checkTime(of: point.base, name)
      let outcome = deltas.add(point, of: DeltaStream(name, labels), now: now)
      guard let sum = try sum(outcome, name) else { return }
      point = sum
    }
    let scaleDown = max(0, point.scale - Histogram.schemaMaximum)
    guard let positive = OTLPBuckets.exponential(point.positive, scaleDown: scaleDown),
      let negative = OTLPBuckets.exponential(point.negative, scaleDown: scaleDown)
    else { throw OTLPError("the buckets of exponential histogram \"\(name)\" are beyond all numbers") }
    var histogram = Histogram()
    histogram.schema = min(point.scale, Histogram.schemaMaximum)
    histogram.zeroThreshold = OTLPTranslation.zeroThreshold
    histogram.zeroCount = Double(point.zeroCount)
    (histogram.positiveSpans, histogram.positiveBuckets) = (positive.spans, positive.counts)
    (histogram.negativeSpans, histogram.negativeBuckets) = (negative.spans, negative.counts)
    native(
      histogram, name, labels, point.base, point.count, point.sum, isDelta,
      point.exemplars)
  }

  private mutating func customBuckets(
    _ point: OTLPHistogramPoint, _ name: String, _ labels: OTLPLabelSet, _ isDelta: Bool
  ) throws(OTLPError) {
    guard let buckets = OTLPBuckets.explicit(point.buckets) else {
      throw OTLPError("histogram \"\(name)\" has too many buckets")
    }
    var histogram = Histogram()
    histogram.schema = Histogram.customSchema
    (histogram.positiveSpans, histogram.positiveBuckets) = (buckets.spans, buckets.counts)
    histogram.customBounds = point.bounds
    native(histogram, name, labels, point.base, point.count, point.sum, isDelta, point.exemplars)
  }

  /// Appends a native histogram. Its hint leaves it to the store to find counter resets; a delta that is stored as it
  /// is becomes a gauge histogram.
  private mutating func native(
    _ histogram: Histogram, _ name: String, _ labels: OTLPLabelSet, _ point: OTLPPoint, _ count: UInt64,
    _ sum: Double?, _ isDelta: Bool, _ exemplars: [OTLPExemplar]
  ) {
    var histogram = histogram
    histogram.hint = isDelta && options.deltas == .stored ? .gauge : .unknown
    let count = point.hasNoRecordedValue ? StaleMarker.bits : count
    histogram.count = Double(count)
    histogram.sum = point.hasNoRecordedValue ? StaleMarker.value : sum ?? 0
    begin(name, labels)
    // Counts beyond what a float holds exactly are kept as what they round to.
    rows.appendHistogram(
      HistogramMessage(OTLPTranslation.milliseconds(point.time), histogram, isFloat: count > 1 << 53))
    for exemplar in exemplars { append(exemplar) }
    end()
  }

  // MARK: Exemplars

  /// Characters that the labels of an exemplar may have.
  private static let exemplarCharactersMax = 128

  /// The trace and the span; the attributes too, where they fit.
  private mutating func append(_ exemplar: OTLPExemplar) {
    var labels: [(name: String, value: String)] = []
    for (name, id) in [("trace_id", exemplar.traceID), ("span_id", exemplar.spanID)]
    where id.contains(where: { $0 != 0 }) {
      labels.append((name, OTLPTranslation.hexadecimal(id)))
    }
    let attributes = exemplar.attributes.map { (name: $0.key, value: OTLPValueText.text(of: $0.value)) }
    let count = (labels + attributes).reduce(0) { $0 + $1.name.unicodeScalars.count + $1.value.unicodeScalars.count }
    if count <= OTLPTranslation.exemplarCharactersMax { labels += attributes }
    labels.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    rows.appendExemplar(labels, time: OTLPTranslation.milliseconds(exemplar.time), value: exemplar.value)
  }

  private static func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

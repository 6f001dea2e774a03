import Model

// The labels of the series in a protobuf answer, and native histograms.
extension MetricFamilyScanner {
  /// Reads the labels of the series, as they are in text.
  package func readLabels(_ result: inout ExpositionLabels) throws(ExpositionError) {
    result.removeAll()
    let suffix: StaticString
    switch part {
    case .count: suffix = "_count"
    case .sum: suffix = "_sum"
    case .bucket: suffix = "_bucket"
    case .whole, .histogram, .quantile: suffix = ""
    }
    result.appendMetric(family, suffix: suffix)
    for index in 0..<message.labels.count {
      let label = message.labels[index]
      let (name, value) = try LabelPart.read(bytes, label.start..<label.end)
      let (nameBytes, valueBytes) = (bytes.part(name), bytes.part(value))
      guard name.lowerBound == label.start && name.isEmpty || LabelName.isValid(nameBytes.raw) else {
        throw ProtobufCursor.failure("invalid label name: \(String(decoding: nameBytes, as: UTF8.self))")
      }
      guard UTF8Text.isValid(valueBytes) else {
        throw ProtobufCursor.failure("invalid label value: \(String(decoding: valueBytes, as: UTF8.self))")
      }
      result.append(name: nameBytes, value: valueBytes)
    }
    switch part {
    case .quantile(let bound): result.appendBound("quantile", bound)
    case .bucket(_, let bound): result.appendBound("le", bound)
    default: break
    }
    result.sort()
  }
}

extension MetricMessage {
  /// True if there is anything of a native histogram. One without observations has a span of no length, to say so.
  var isNative: Bool { positiveSpans.count > 0 || negativeSpans.count > 0 || zeroThreshold > 0 || zeroCount > 0 }

  /// The native histogram, without empty buckets where it is valid.
  func native(isGauge: Bool) throws(ExpositionError) -> HistogramMessage {
    let isFloat = floatCount > 0 || zeroFloatCount > 0
    try MetricMessage.check("positive", positiveSpans, isFloat ? positiveCounts.count : positiveDeltas.count)
    try MetricMessage.check("negative", negativeSpans, isFloat ? negativeCounts.count : negativeDeltas.count)
    var histogram = Histogram()
    histogram.schema = schema
    histogram.zeroThreshold = zeroThreshold
    histogram.sum = sum
    histogram.hint = isGauge ? .gauge : .unknown
    histogram.positiveSpans = Array(positiveSpans.elements)
    histogram.negativeSpans = Array(negativeSpans.elements)
    var isExact = true
    if isFloat {
      (histogram.count, histogram.zeroCount) = (floatCount, zeroFloatCount)
      histogram.positiveBuckets = Array(positiveCounts.elements)
      histogram.negativeBuckets = Array(negativeCounts.elements)
    } else {
      (histogram.count, histogram.zeroCount) = (Double(count), Double(zeroCount))
      histogram.positiveBuckets = MetricMessage.counts(positiveDeltas)
      histogram.negativeBuckets = MetricMessage.counts(negativeDeltas)
      // Integers beyond 2^53 are kept as what they round to.
      isExact = count <= 1 << 53
    }
    // Prometheus takes empty buckets out before it looks whether the rest is valid, which leads to the same verdict.
    if HistogramValidation.fault(histogram, isFloat: isFloat) == nil { histogram.compact() }
    return HistogramMessage(timestamp, histogram, isFloat: isFloat || !isExact)
  }

  private static func counts(_ deltas: borrowing Column<Int64>) -> [Double] {
    var count: Int64 = 0
    return deltas.elements.map {
      count &+= $0
      return Double(count)
    }
  }

  private static func check(
    _ side: String, _ spans: borrowing Column<BucketSpan>, _ buckets: Int
  ) throws(ExpositionError) {
    let wanted = spans.elements.reduce(0) { $0 + Int($1.length) }
    if wanted != buckets {
      throw ProtobufCursor.failure("\(side) side: spans require \(wanted) buckets, have \(buckets)")
    }
  }
}

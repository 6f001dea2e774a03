import Model

/// The treatment of histograms in protobuf answers: `scrape_native_histograms`, `always_scrape_classic_histograms` and
/// `convert_classic_histograms_to_nhcb`.
package struct HistogramChoice: Sendable, Hashable {
  package var storesNative = false
  package var alwaysStoresClassic = false
  package var convertsClassic = false

  package init(storesNative: Bool = false, alwaysStoresClassic: Bool = false, convertsClassic: Bool = false) {
    self.storesNative = storesNative
    self.alwaysStoresClassic = alwaysStoresClassic
    self.convertsClassic = convertsClassic
  }
}

/// Reads the answer of a target in protobuf: `MetricFamily` messages with their lengths in front, over bytes that somebody
/// else owns. Yields the entries that Prometheus's `ProtobufParser` yields, in its order, with its complaints: help, unit
/// where there is one, type, then the samples, summaries and classic histograms as the series they are in text.
///
///   exposed        native off                                native on
///   classic only   classic; converted where that is chosen   the same
///   native only    as classic, with the bucket +Inf alone    native
///   both           as classic only                           native, and classic where that is always stored
///
/// **Labels are checked when they are read**, as `ExpositionScanner` has it: whoever knows the bytes of `identity` from an
/// earlier `readLabels` need not read them again, all others have to. Where some metrics of a family are native and
/// others are not, each is treated by itself. Metrics are decoded one by one into memory that is reused.
///
/// After an error the scan is over, as in Prometheus; whoever calls `next` all the same gets what comes behind the metric
/// or family at fault.
package struct MetricFamilyScanner: ~Copyable {
  /// The next thing to tell of.
  private enum Step {
    case family, unit, type, metric, native, converted
    /// A series of a summary or classic histogram: -2 its count, -1 its sum, then its quantiles or buckets.
    case series(Int)
    case end
  }

  package let bytes: LentBytes
  private let choice: HistogramChoice
  private var place = 0
  private var step = Step.family

  private var metrics = Column<MetricMessage.Place>(capacity: 64)
  private var metricIndex = 0
  private(set) var message = MetricMessage()
  private var classic = ClassicHistogram()
  private(set) var nameRange = 0..<0
  private var helpRange = 0..<0
  private var unitRange = 0..<0
  private let key: KeyedHash
  private var digest = KeyedHash128(low: 0, high: 0)
  private var identityBytes = ByteBuffer(capacity: 256)

  package private(set) var kind = MetricFamilyKind.unknown
  /// Bits as they came, of stale markers too.
  package private(set) var value = 0.0
  /// Milliseconds; nil where the metric has none.
  package private(set) var time: Int64?
  /// Of an entry `.histogram`; it may still be invalid: `HistogramValidation`.
  package private(set) var histogram = HistogramMessage()
  /// The series that the entry is about.
  private(set) var part = Part.whole
  var exemplarIndex = 0
  var exemplarRange = 0..<0

  /// The parts of a metric that are series of their own.
  enum Part: Equatable {
    case whole, count, sum, histogram
    case quantile(Double)
    case bucket(Int, Double)
  }

  /// `key`: that of the table in which the identities are looked up.
  package init(_ bytes: LentBytes, _ choice: HistogramChoice, key: KeyedHash) {
    self.bytes = bytes
    self.choice = choice
    self.key = key
  }

  /// The name of the family, and what it says of itself.
  package var family: LentBytes { bytes.part(nameRange) }
  package var help: LentBytes { bytes.part(helpRange) }
  package var unit: LentBytes { bytes.part(unitRange) }

  /// The identity of the series, some 25 bytes: equal bytes under the same key mean equal labels. Valid until the next
  /// entry.
  package var identity: LentBytes { identityBytes.lent }

  /// When the series began to count, in milliseconds; 0 where that is not told.
  package var startTime: Int64 {
    switch kind {
    case .counter: message.counterStart
    case .summary: message.summaryStart
    case .histogram, .gaugeHistogram: message.histogramStart
    default: 0
    }
  }

  /// Reads the next entry. At the end it is `.end`, again and again.
  package mutating func next() throws(ExpositionError) -> ExpositionScanner.Entry {
    while true {
      switch step {
      case .end: return .end
      case .family:
        guard try readFamily() else {
          step = .end
          continue
        }
        if metrics.count == 0 { continue }
        try checkFamily()
        step = unitRange.isEmpty ? .type : .unit
        return .help
      case .unit:
        step = .type
        return .unit
      case .type:
        step = .metric
        return .type
      case .metric:
        guard metricIndex < metrics.count else {
          step = .family
          continue
        }
        if let entry = try beginMetric() { return entry }
      case .native: return try yieldNative()
      case .converted: return try yieldConverted()
      case .series(let place): return try yieldSeries(place)
      }
    }
  }

  // MARK: Families

  /// False at the end of the answer.
  private mutating func readFamily() throws(ExpositionError) -> Bool {
    guard place < bytes.count else { return false }
    var length: UInt64 = 0
    var count = 0
    while true {
      guard place + count < bytes.count, count < 5 else {
        step = .end
        throw ProtobufCursor.failure("clientpb: invalid varint encountered")
      }
      let byte = bytes[place + count]
      length |= UInt64(byte & 0x7f) << UInt64(7 * count)
      count += 1
      if byte < 0x80 { break }
    }
    let (total, left) = (count + Int(length), bytes.count - place)
    guard total <= left else {
      step = .end
      throw ProtobufCursor.failure(
        "clientpb: insufficient length of buffer, expected at least \(total) bytes, got \(left) bytes")
    }
    let range = (place + count)..<(place + total)
    place += total
    try readFields(range)
    return true
  }

  private mutating func readFields(_ range: Range<Int>) throws(ExpositionError) {
    metrics.removeAll()
    metricIndex = 0
    (nameRange, helpRange, unitRange) = (0..<0, 0..<0, 0..<0)
    var type: Int32 = 0
    var cursor = ProtobufCursor(bytes, range)
    while !cursor.isAtEnd {
      let (number, wire) = try cursor.tag(of: "MetricFamily")
      switch number {
      case 1: nameRange = try cursor.part(wire, "Name")
      case 2: helpRange = try cursor.part(wire, "Help")
      case 3: type = Int32(truncatingIfNeeded: try cursor.integer(wire, "Type"))
      case 4:
        let metric = try cursor.part(wire, "Metric")
        metrics.append(MetricMessage.Place(start: metric.lowerBound, end: metric.upperBound))
      case 5: unitRange = try cursor.part(wire, "Unit")
      default: try cursor.skip(wire)
      }
    }
    typeNumber = type
  }

  private var typeNumber: Int32 = 0
  private static let kinds: [MetricFamilyKind] = [.counter, .gauge, .summary, .unknown, .histogram, .gaugeHistogram]

  private mutating func checkFamily() throws(ExpositionError) {
    func text(_ bytes: LentBytes) -> String { String(decoding: bytes, as: UTF8.self) }
    guard LabelName.isValid(family.raw) else {
      throw ProtobufCursor.failure("invalid metric name: \(text(family))")
    }
    guard UTF8Text.isValid(help) else {
      throw ProtobufCursor.failure("invalid help for metric \(EscapedText.quoted(family)): \(text(help))")
    }
    guard typeNumber >= 0, Int(typeNumber) < MetricFamilyScanner.kinds.count else {
      throw ProtobufCursor.failure("unknown metric type for metric \(EscapedText.quoted(family)): \(typeNumber)")
    }
    kind = MetricFamilyScanner.kinds[Int(typeNumber)]
  }

  // MARK: Metrics

  private mutating func decodeMetric(_ metric: MetricMessage.Place) throws(ExpositionError) {
    try message.decode(bytes, metric.start..<metric.end)
    digestMetric()
    time = message.timestamp != 0 ? message.timestamp : nil
  }

  private var isHistogram: Bool { kind == .histogram || kind == .gaugeHistogram }
  private var storesAsNative: Bool { isHistogram && choice.storesNative && message.isNative }

  /// The first entry of a metric that has only one; nil where `step` leads on.
  private mutating func beginMetric() throws(ExpositionError) -> ExpositionScanner.Entry? {
    metricIndex += 1
    try decodeMetric(metrics[metricIndex - 1])
    switch kind {
    case .counter: value = message.counter
    case .gauge: value = message.gauge
    case .histogram, .gaugeHistogram:
      if storesAsNative {
        step = .native
      } else {
        step = choice.convertsClassic && !choice.alwaysStoresClassic ? .converted : .series(-2)
      }
      return nil
    case .summary:
      step = .series(-2)
      return nil
    default: value = message.untyped
    }
    begin(.whole)
    return .series
  }

  /// Begins a series of the metric that was decoded.
  private mutating func begin(_ part: Part) {
    self.part = part
    (exemplarIndex, exemplarRange) = (0, 0..<0)
    identityBytes.removeAll()
    identityBytes.appendLittleEndian(digest.low)
    identityBytes.appendLittleEndian(digest.high)
    switch part {
    case .whole: identityBytes.append(0)
    case .count: identityBytes.append(1)
    case .sum: identityBytes.append(2)
    case .histogram: identityBytes.append(3)
    case .quantile(let bound):
      identityBytes.append(4)
      identityBytes.appendLittleEndian(bound.bitPattern)
    case .bucket(_, let bound):
      identityBytes.append(5)
      identityBytes.appendLittleEndian(bound.bitPattern)
    }
  }

  /// Digests what all series of the metric have in common, once: a histogram of many buckets may have long labels.
  private mutating func digestMetric() {
    identityBytes.removeAll()
    identityBytes.appendUvarint(UInt64(nameRange.count))
    identityBytes.append(family)
    for index in 0..<message.labels.count {
      let label = message.labels[index]
      identityBytes.appendUvarint(UInt64(label.end - label.start))
      identityBytes.append(bytes.part(label.start..<label.end))
    }
    digest = key.hash128(identityBytes.bytes)
  }

  private mutating func yieldSeries(_ place: Int) throws(ExpositionError) -> ExpositionScanner.Entry {
    step = .series(place + 1)
    switch place {
    case -2:
      value = kind == .summary ? Double(message.summaryCount) : message.total
      begin(.count)
    case -1:
      value = kind == .summary ? message.summarySum : message.sum
      begin(.sum)
      if kind == .summary, message.quantiles.count == 0 { step = .metric }
    case _ where kind == .summary:
      value = message.quantiles[place].value
      begin(.quantile(message.quantiles[place].quantile))
      if place == message.quantiles.count - 1 { step = .metric }
    default:
      let isLast = place >= message.buckets.count
      let bound = isLast ? .infinity : message.buckets[place].upperBound
      value = isLast ? message.total : message.buckets[place].total
      begin(.bucket(place, bound))
      if bound == .infinity { step = choice.convertsClassic && !storesAsNative ? .converted : .metric }
    }
    return .series
  }

  private mutating func yieldNative() throws(ExpositionError) -> ExpositionScanner.Entry {
    step = choice.alwaysStoresClassic && message.buckets.count > 0 ? .series(-2) : .metric
    do throws(ExpositionError) {
      histogram = try message.native(isGauge: kind == .gaugeHistogram)
    } catch {
      throw ProtobufCursor.failure("histogram \(EscapedText.quoted(family)): \(error.problem)")
    }
    begin(.histogram)
    return .histogram
  }

  private mutating func yieldConverted() throws(ExpositionError) -> ExpositionScanner.Entry {
    step = .metric
    classic.removeAll()
    classic.setCount(message.total)
    classic.setSum(message.sum)
    for index in 0..<message.buckets.count {
      let bucket = message.buckets[index]
      classic.setBucket(bucket.upperBound, bucket.total)
    }
    histogram = try classic.converted()
    if kind == .gaugeHistogram { histogram.histogram.hint = .gauge }
    begin(.histogram)
    return .histogram
  }
}

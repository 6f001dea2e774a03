import Model

/// An `ExpositionScanner` whose classic histograms become native ones with custom buckets, as Prometheus's `NHCBParser`
/// makes them (`convert_classic_histograms_to_nhcb`): an entry `.histogram` behind the last series of each. The classic
/// series are left out, but for `keepsClassic`. Only series whose TYPE line says histogram are converted; where they
/// contradict each other, nothing comes of them. The time of a histogram is that of its last series.
package struct ConvertingScanner: ~Copyable {
  private struct StoredExemplar {
    var exemplar: ExpositionScanner.Exemplar
    /// Places in the answer.
    var labels: [LabelField]
  }

  /// The scanner that entries other than `.histogram` are read from.
  package private(set) var scanner: ExpositionScanner
  private let keepsClassic: Bool

  /// Of an entry `.histogram`.
  package private(set) var histogram = HistogramMessage()
  /// Of an entry `.histogram`, in milliseconds; nil where its lines had no time.
  package private(set) var time: Int64?

  /// The series that came behind a histogram, to be told of next.
  private var pending: ExpositionScanner.Entry?
  private var isHistogram = false
  private var isCollecting = false
  private var classic = ClassicHistogram()
  private var family: [UInt8] = []
  private var labels = ExpositionLabels()
  /// The labels of the series without its name and bound: those that are collected have them in common.
  private var key = ByteBuffer(capacity: 256)
  private var groupKey = ByteBuffer(capacity: 256)
  private var groupLabels = ExpositionLabels()
  private var groupTime: Int64?
  private var groupExemplars: [StoredExemplar] = []
  private var exemplars: [StoredExemplar] = []
  private var exemplarIndex = 0

  package init(_ bytes: LentBytes, _ format: ExpositionFormat, keepsClassic: Bool) {
    scanner = ExpositionScanner(bytes, format)
    self.keepsClassic = keepsClassic
  }

  /// The identity of an entry `.histogram`: no text of a series is equal. Valid until the next entry.
  package var identity: LentBytes { groupKey.lent }

  /// Reads the next entry.
  package mutating func next() throws(ExpositionError) -> ExpositionScanner.Entry {
    while true {
      let entry: ExpositionScanner.Entry
      if let waiting = pending {
        (pending, isHistogram, entry) = (nil, false, waiting)
      } else {
        entry = try scanner.next()
        if entry == .type { family = Array(scanner.bytes.part(scanner.metric)) }
        if entry == .series { try readSeries() }
        // The collected series are whole where something comes that is none of them.
        if isCollecting, entry != .series || !isSameGroup, convert() {
          pending = entry
          return .histogram
        }
      }
      exemplarIndex = 0
      if entry == .series, collect(), !keepsClassic { continue }
      return entry
    }
  }

  /// The number of the entry's line, from 1.
  package mutating func line() -> Int { scanner.line() }

  /// Goes on behind the line at fault.
  package mutating func skipLine() { scanner.skipLine() }

  package mutating func readLabels(_ result: inout ExpositionLabels) throws(ExpositionError) {
    guard isHistogram else { return try scanner.readLabels(&result) }
    result.removeAll()
    for index in 0..<groupLabels.count { result.append(name: groupLabels.name(index), value: groupLabels.value(index)) }
  }

  /// The next exemplar of the entry; nil where there are no more.
  package mutating func nextExemplar() -> ExpositionScanner.Exemplar? {
    defer { exemplarIndex += 1 }
    if !isHistogram { return exemplarIndex == 0 ? scanner.exemplar : nil }
    return exemplarIndex < exemplars.count ? exemplars[exemplarIndex].exemplar : nil
  }

  /// Reads the labels of the exemplar told of last.
  package func readExemplarLabels(_ result: inout ExpositionLabels) {
    guard isHistogram else { return scanner.readExemplarLabels(&result) }
    result.removeAll()
    for field in exemplars[exemplarIndex - 1].labels { result.append(field, of: scanner.bytes) }
    result.sort()
  }

  // MARK: Collecting

  private enum Suffix: Equatable {
    case none, bucket, sum, count
  }

  /// Suffix and length of the name without it.
  private static func suffix(_ name: LentBytes) -> (Suffix, Int) {
    let suffixes: [(StaticString, Suffix)] = [("_bucket", .bucket), ("_sum", .sum), ("_count", .count)]
    for (text, suffix) in suffixes {
      let count = text.utf8CodeUnitCount
      guard name.count >= count, text.withUTF8Buffer({ name.suffix(count).elementsEqual($0) }) else { continue }
      return (suffix, name.count - count)
    }
    return (.none, name.count)
  }

  private var isOfHistograms: Bool { scanner.kind == .histogram }

  /// Reads the labels of a series that may belong to a histogram, and makes its key.
  private mutating func readSeries() throws(ExpositionError) {
    guard isOfHistograms else { return }
    try scanner.readLabels(&labels)
    key.removeAll()
    // No text of a series begins so.
    key.append(0xff)
    for index in 0..<labels.count {
      let (name, value) = (labels.name(index), labels.value(index))
      if ConvertingScanner.isBound(name) { continue }
      let isMetric = ConvertingScanner.isMetric(name)
      let count = isMetric ? ConvertingScanner.suffix(value).1 : value.count
      key.appendUvarint(UInt64(name.count))
      key.append(name)
      key.appendUvarint(UInt64(count))
      key.append(value.part(0..<count))
    }
  }

  private static func isBound(_ name: LentBytes) -> Bool { LabelName.bucket.lend { name.elementsEqual($0) } }
  private static func isMetric(_ name: LentBytes) -> Bool { LabelName.metric.lend { name.elementsEqual($0) } }

  private var isSameGroup: Bool { isOfHistograms && equalBytes(key.bytes, groupKey.bytes) }

  /// Adds the series to a histogram. False where it is no part of one.
  private mutating func collect() -> Bool {
    guard isOfHistograms, let place = (0..<labels.count).first(where: { ConvertingScanner.isMetric(labels.name($0)) })
    else { return false }
    let name = labels.value(place)
    let (suffix, count) = ConvertingScanner.suffix(name)
    guard suffix != .none, name.part(0..<count).elementsEqual(family) else { return false }
    var bound = 0.0
    if suffix == .bucket {
      guard let place = (0..<labels.count).first(where: { ConvertingScanner.isBound(labels.name($0)) }),
        let number = DecimalNumber.parseAny(labels.value(place)), !number.isNaN
      else { return false }
      bound = number
    }
    if !isCollecting { beginGroup(nameBytes: count) }
    switch suffix {
    case .bucket: classic.setBucket(bound, scanner.value)
    case .sum: classic.setSum(scanner.value)
    case .count, .none: classic.setCount(scanner.value)
    }
    groupTime = scanner.time
    if let exemplar = scanner.exemplar {
      groupExemplars.append(
        StoredExemplar(exemplar: exemplar, labels: Array(scanner.exemplarLabels.elements)))
    }
    return true
  }

  private mutating func beginGroup(nameBytes: Int) {
    isCollecting = true
    classic.removeAll()
    groupExemplars.removeAll()
    groupKey.removeAll()
    groupKey.append(key.bytes)
    groupLabels.removeAll()
    for index in 0..<labels.count {
      let (name, value) = (labels.name(index), labels.value(index))
      if ConvertingScanner.isBound(name) { continue }
      groupLabels.append(name: name, value: ConvertingScanner.isMetric(name) ? value.part(0..<nameBytes) : value)
    }
  }

  /// Ends the collection. False where nothing came of it.
  private mutating func convert() -> Bool {
    isCollecting = false
    guard let converted = try? classic.converted(),
      HistogramValidation.fault(converted.histogram, isFloat: converted.isFloat) == nil
    else { return false }
    (histogram, time, isHistogram) = (converted, groupTime, true)
    (exemplars, exemplarIndex) = (groupExemplars, 0)
    return true
  }
}

import Model

@testable import Format

/// Writes protobuf messages of the exposition format, field by field.
struct MessageText {
  private(set) var bytes: [UInt8] = []

  static func make(_ fill: (inout MessageText) -> Void) -> [UInt8] {
    var message = MessageText()
    fill(&message)
    return message.bytes
  }

  private mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }

  mutating func integer(_ field: UInt64, _ value: UInt64) {
    varint(field << 3)
    varint(value)
  }

  mutating func zigzag(_ field: UInt64, _ value: Int64) {
    integer(field, UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  mutating func double(_ field: UInt64, _ value: Double) {
    varint(field << 3 | 1)
    for shift in 0..<8 { bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> UInt64(8 * shift))) }
  }

  mutating func part(_ field: UInt64, _ part: [UInt8]) {
    varint(field << 3 | 2)
    varint(UInt64(part.count))
    bytes += part
  }

  mutating func text(_ field: UInt64, _ text: String) { part(field, Array(text.utf8)) }

  mutating func message(_ field: UInt64, _ fill: (inout MessageText) -> Void) { part(field, MessageText.make(fill)) }

  mutating func label(_ name: String, _ value: String, field: UInt64 = 1) {
    message(field) {
      $0.text(1, name)
      $0.text(2, value)
    }
  }

  /// A family with its length in front.
  static func family(
    _ name: String, _ type: UInt64, help: String = "", unit: String = "", _ metrics: [(inout MessageText) -> Void]
  ) -> [UInt8] {
    let family = make {
      $0.text(1, name)
      if !help.isEmpty { $0.text(2, help) }
      $0.integer(3, type)
      for metric in metrics { $0.message(4, metric) }
      if !unit.isEmpty { $0.text(5, unit) }
    }
    var length = MessageText()
    length.varint(UInt64(family.count))
    return length.bytes + family
  }

  mutating func exemplar(_ field: UInt64, _ value: Double, seconds: UInt64?) {
    message(field) {
      $0.label("trace", "t")
      $0.double(2, value)
      if let seconds {
        $0.message(3) {
          $0.integer(1, seconds)
          $0.integer(2, 5_999_999)
        }
      }
    }
  }
}

/// The outcome of scanning a protobuf answer: each entry as one line.
struct ScannedFamilies {
  var entries: [String] = []
  var problem: String?

  init(_ bytes: [UInt8], _ choice: HistogramChoice = HistogramChoice()) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
    defer { buffer.deallocate() }
    buffer.copyBytes(from: bytes)
    let key = KeyedHash(key: (1, 2))
    var scanner = MetricFamilyScanner(LentBytes(UnsafeRawBufferPointer(buffer)), choice, key: key)
    var labels = ExpositionLabels()
    var identities: Set<[UInt8]> = []
    do throws(ExpositionError) {
      while true {
        let entry = try scanner.next()
        if entry == .end { return }
        entries.append(try ScannedFamilies.text(entry, &scanner, &labels))
        if entry == .series || entry == .histogram, !identities.insert(Array(scanner.identity)).inserted {
          entries.append("the same identity again")
        }
      }
    } catch {
      problem = error.problem
    }
  }

  private static func text(
    _ entry: ExpositionScanner.Entry, _ scanner: inout MetricFamilyScanner, _ labels: inout ExpositionLabels
  ) throws(ExpositionError) -> String {
    func text(_ bytes: LentBytes) -> String { String(decoding: bytes, as: UTF8.self) }
    var result: String
    switch entry {
    case .series:
      try scanner.readLabels(&labels)
      result = "\(ScannedText.pairs(labels)) \(scanner.value)"
    case .histogram:
      try scanner.readLabels(&labels)
      result =
        "\(ScannedText.pairs(labels)) \(scanner.histogram.isFloat ? "float" : "integer") "
        + ScannedFamilies.text(scanner.histogram.histogram)
    case .type: return "TYPE \(text(scanner.family)) \(scanner.kind)"
    case .help: return "HELP \(text(scanner.family)) \(text(scanner.help))"
    case .unit: return "UNIT \(text(scanner.family)) \(text(scanner.unit))"
    case .comment, .end: return "\(entry)"
    }
    if let time = scanner.time { result += " @\(time)" }
    if scanner.startTime != 0 { result += " since \(scanner.startTime)" }
    while let exemplar = try scanner.nextExemplar() {
      try scanner.readExemplarLabels(&labels)
      result += " # \(ScannedText.pairs(labels)) \(exemplar.value)"
      if let time = exemplar.time { result += " @\(time)" }
    }
    return result
  }

  static func text(_ histogram: Histogram) -> String {
    func spans(_ spans: [BucketSpan]) -> String { spans.map { "\($0.offset):\($0.length)" }.joined(separator: ",") }
    var text = "schema \(histogram.schema) count \(histogram.count) sum \(histogram.sum)"
    if histogram.zeroThreshold != 0 { text += " zero \(histogram.zeroCount) to \(histogram.zeroThreshold)" }
    if !histogram.positiveSpans.isEmpty { text += " + \(spans(histogram.positiveSpans)) \(histogram.positiveBuckets)" }
    if !histogram.negativeSpans.isEmpty { text += " - \(spans(histogram.negativeSpans)) \(histogram.negativeBuckets)" }
    if !histogram.customBounds.isEmpty { text += " bounds \(histogram.customBounds)" }
    return histogram.hint == .gauge ? text + " gauge" : text
  }
}

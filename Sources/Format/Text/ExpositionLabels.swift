import Model

/// The labels of one series or exemplar as a target exposes them: without escapes, sorted by name. Reusable.
///
/// Names may be doubled and values empty, as they came. Where Prometheus looks at that: empty names and names that are no
/// UTF-8 are refused by its scrape loop (`invalid metric name or label names`), behind relabelling; an empty value is
/// left out when the target's labels are merged; a doubled name is refused by its storage (`label name "x" is not
/// unique: invalid sample`). Its parsers look only at what quotes and braces enclose, and at the UTF-8 of values.
package struct ExpositionLabels: ~Copyable, Sendable {
  private var text = ByteBuffer(capacity: 256)
  private var fields = Column<LabelField>(capacity: 32)

  package init() {}

  package var count: Int { fields.count }

  /// All names and values; what `name` and `value` lend is part of it. Valid until the next change.
  package var bytes: LentBytes { text.lent }

  package func name(_ index: Int) -> LentBytes {
    let field = fields[index]
    return text.lent.part(Int(field.nameOffset)..<Int(field.nameOffset + field.nameLength))
  }

  package func value(_ index: Int) -> LentBytes {
    let field = fields[index]
    return text.lent.part(Int(field.valueOffset)..<Int(field.valueOffset + field.valueLength))
  }

  /// Calls `body` with each label, in the order of the names.
  package func forEach(_ body: (_ name: LentBytes, _ value: LentBytes) -> Void) {
    for index in 0..<fields.count { body(name(index), value(index)) }
  }

  /// The first name that is there twice.
  package var doubledName: String? {
    for index in 1..<max(fields.count, 1) where name(index).elementsEqual(name(index - 1)) {
      return String(decoding: name(index), as: UTF8.self)
    }
    return nil
  }

  /// The labels that a series is stored with: without empty values; of doubled names the last.
  package func labels() -> Labels {
    var builder = LabelsBuilder()
    forEach { builder.append($0.raw, $1.raw) }
    return builder.labels()
  }

  package mutating func removeAll() {
    text.removeAll()
    fields.removeAll()
  }

  /// Gives back what a series of very many labels made grow.
  package mutating func release() {
    fields.release(above: 64)
    if text.capacity > ExpositionLabels.keptBytesMax { text = ByteBuffer(capacity: 256) }
  }

  private static let keptBytesMax = 64 << 10

  // MARK: Filling

  /// Appends a label that lies in other bytes.
  mutating func append(_ field: LabelField, of bytes: LentBytes) {
    append(
      name: bytes.part(Int(field.nameOffset)..<Int(field.nameOffset + field.nameLength)),
      value: bytes.part(Int(field.valueOffset)..<Int(field.valueOffset + field.valueLength)))
  }

  /// Appends the name of the metric, which is written with escapes where it is a string.
  mutating func appendMetric(_ escaped: LentBytes) {
    let start = text.count
    text.append(LabelName.metric.utf8)
    let middle = text.count
    ExpositionLabels.unescape(escaped, isHelp: false, into: &text)
    append(start, middle)
  }

  mutating func append(name: LentBytes, value: LentBytes) {
    let start = text.count
    text.append(name)
    let middle = text.count
    text.append(value)
    append(start, middle)
  }

  /// Appends the name of a metric that is a family's name with a suffix.
  mutating func appendMetric(_ family: LentBytes, suffix: StaticString) {
    let start = text.count
    text.append(LabelName.metric.utf8)
    let middle = text.count
    text.append(family)
    suffix.withUTF8Buffer { text.append($0) }
    append(start, middle)
  }

  /// Appends the bound of a bucket or a quantile.
  mutating func appendBound(_ name: StaticString, _ bound: Double) {
    let start = text.count
    name.withUTF8Buffer { text.append($0) }
    let middle = text.count
    ExpositionLabels.appendBound(bound, to: &text)
    append(start, middle)
  }

  /// Appends a label that is written with escapes. The bounds of buckets and quantiles are written anew where the family
  /// has them: `1` is `1.0`.
  mutating func append(escapedName name: LentBytes, escapedValue value: LentBytes, _ kind: MetricFamilyKind) {
    let start = text.count
    ExpositionLabels.unescape(name, isHelp: false, into: &text)
    let middle = text.count
    ExpositionLabels.unescape(value, isHelp: false, into: &text)
    let bound: StaticString
    switch kind {
    case .summary: bound = "quantile"
    case .histogram: bound = "le"
    default: return append(start, middle)
    }
    let isBound = bound.withUTF8Buffer { text.lent.part(start..<middle).elementsEqual($0) }
    if isBound, let number = DecimalNumber.parseAny(text.lent.part(from: middle)) {
      text.truncate(to: middle)
      ExpositionLabels.appendBound(number, to: &text)
    }
    append(start, middle)
  }

  private mutating func append(_ start: Int, _ middle: Int) {
    fields.append(
      LabelField(
        nameOffset: UInt32(truncatingIfNeeded: start), nameLength: UInt32(truncatingIfNeeded: middle - start),
        valueOffset: UInt32(truncatingIfNeeded: middle), valueLength: UInt32(truncatingIfNeeded: text.count - middle)))
  }

  /// Sorts by the bytes of the names; doubled names keep their order.
  mutating func sort() {
    let isSorted = (1..<max(fields.count, 1)).allSatisfy { order(fields[$0 - 1], fields[$0]) <= 0 }
    if isSorted { return }
    var sorted = Array(fields.elements)
    sorted.sort {
      let order = order($0, $1)
      return order != 0 ? order < 0 : $0.nameOffset < $1.nameOffset
    }
    for (index, field) in sorted.enumerated() { fields[index] = field }
  }

  private func order(_ left: LabelField, _ right: LabelField) -> Int {
    let bytes = text.lent
    return compareBytes(
      bytes.part(Int(left.nameOffset)..<Int(left.nameOffset + left.nameLength)).raw,
      bytes.part(Int(right.nameOffset)..<Int(right.nameOffset + right.nameLength)).raw)
  }

  /// Appends text without its escapes: `\\`, `\n` and, but for help texts of the text format, `\"`. Others stay.
  static func unescape(_ text: LentBytes, isHelp: Bool, into output: inout ByteBuffer) {
    guard text.contains(UInt8(ascii: "\\")) else { return output.append(text) }
    var place = 0
    while place < text.count {
      let byte = text[place]
      place += 1
      guard byte == UInt8(ascii: "\\"), place < text.count else {
        output.append(byte)
        continue
      }
      switch text[place] {
      case UInt8(ascii: "\\"): output.append(byte)
      case UInt8(ascii: "n"): output.append(lineFeed)
      case UInt8(ascii: "\"") where !isHelp: output.append(UInt8(ascii: "\""))
      default:
        output.append(byte)
        continue
      }
      place += 1
    }
  }

  /// Appends the bound of a bucket or a quantile as OpenMetrics writes it: always with a point or an exponent.
  static func appendBound(_ number: Double, to output: inout ByteBuffer) {
    var digits: [UInt8] = []
    if number == 0 {
      digits = [UInt8(ascii: "0")]
    } else {
      FloatText.append(number, plainFrom: -4, below: 6, to: &digits)
    }
    let isWhole = number.isFinite && !digits.contains { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "e") }
    output.append(digits)
    if isWhole { output.append(Array(".0".utf8)) }
  }
}

import Format
import Model
import Platform
import PromQL

/// The file that lets a restart go on with the alerts of all groups of a workspace; its body:
///
///     groups     uvarint
///     of each, sorted by key:
///       key      bytes         file;name
///       round    varint        the last round, ms
///       rules    bytes:
///         count  uvarint
///         of each: name bytes, labels bytes (packed, their texts), expression bytes, alerts uvarint, and of each alert:
///           flags        u8      bits 0-1: 0 inactive, 1 pending, 2 firing; then which times follow
///           labels       bytes   packed
///           annotations  bytes   packed, values may be empty
///           value        u64     the bits of the number, little-endian
///           times        varint  ms: began, then those that there are: fired, resolved, sent, kept since
///
/// `bytes`: the length as uvarint, and so many bytes. Pure; a body that is not such a one all through is none.
package enum AlertStateFile {
  /// A group, its rules still as bytes: most starts ask for each once. A value.
  package struct Entry: Sendable, Equatable {
    package var lastRoundAt: Int64
    package var rules: [UInt8]
  }

  /// Bit 2 to 5 of the flags, in the order of the times.
  private static let times: [WritableKeyPath<AlertInstance, Int64?> & Sendable] = [
    \.firedAt, \.resolvedAt, \.lastSentAt, \.keepFiringSince,
  ]
  /// Times in a file: what fits into a date of four digits.
  private static let timeRange: ClosedRange<Int64> = -62_135_596_800_000...253_402_300_799_999

  package static func file(_ path: String, on disk: any Disk) -> SealedFile {
    SealedFile(path, name: "alerts", format: 1, on: disk)
  }

  // MARK: writing

  package static func encode(_ groups: [String: Entry]) -> [UInt8] {
    var bytes = ByteBuffer(capacity: groups.values.reduce(64) { $0 + $1.rules.count + 128 })
    bytes.appendUvarint(UInt64(groups.count))
    for (key, entry) in groups.sorted(by: { $0.key < $1.key }) {
      append(Array(key.utf8), to: &bytes)
      bytes.appendVarint(entry.lastRoundAt)
      append(entry.rules, to: &bytes)
    }
    return bytes.array
  }

  package static func encode(_ rules: [SavedRule]) -> [UInt8] {
    var bytes = ByteBuffer(capacity: 256)
    bytes.appendUvarint(UInt64(rules.count))
    for rule in rules {
      append(Array(rule.name.utf8), to: &bytes)
      append(rule.labels.packed, to: &bytes)
      append(Array(rule.query.utf8), to: &bytes)
      bytes.appendUvarint(UInt64(rule.alerts.count))
      for alert in rule.alerts { append(alert, to: &bytes) }
    }
    return bytes.array
  }

  private static func append(_ alert: AlertInstance, to bytes: inout ByteBuffer) {
    var flags = alert.state.rawValue
    for (bit, time) in times.enumerated() where alert[keyPath: time] != nil { flags |= 4 << UInt8(bit) }
    bytes.append(flags)
    append(alert.labels.packed, to: &bytes)
    append(alert.annotations.packed, to: &bytes)
    let value: Double = if case .float(let number) = alert.value { number } else { 0 }
    bytes.appendLittleEndian(value.bitPattern)
    bytes.appendVarint(alert.activeAt)
    for time in times {
      if let milliseconds = alert[keyPath: time] { bytes.appendVarint(milliseconds) }
    }
  }

  private static func append(_ part: [UInt8], to bytes: inout ByteBuffer) {
    bytes.appendUvarint(UInt64(part.count))
    bytes.append(part)
  }

  // MARK: reading

  /// Nil where these are not the groups of such a file, each of them whole.
  package static func decode(_ body: [UInt8]) -> [String: Entry]? {
    body.lend { bytes in
      var reader = ByteReader(bytes)
      guard let count = reader.uvarint() else { return nil }
      var groups: [String: Entry] = [:]
      while UInt64(groups.count) < count {
        guard let key = text(&reader), groups[key] == nil, let round = time(&reader), let rules = part(&reader),
          decodeRules(rules) != nil
        else { return nil }
        groups[key] = Entry(lastRoundAt: round, rules: rules)
      }
      return reader.isAtEnd ? groups : nil
    }
  }

  package static func decodeRules(_ bytes: [UInt8]) -> [SavedRule]? {
    bytes.lend { bytes in
      var reader = ByteReader(bytes)
      guard let count = reader.uvarint() else { return nil }
      var rules: [SavedRule] = []
      while UInt64(rules.count) < count {
        guard let name = text(&reader), let labels = annotations(&reader), let query = text(&reader),
          let alerts = reader.uvarint()
        else { return nil }
        var rule = SavedRule(name: name, labels: labels, query: query, alerts: [])
        while UInt64(rule.alerts.count) < alerts {
          guard let alert = alert(&reader) else { return nil }
          rule.alerts.append(alert)
        }
        rules.append(rule)
      }
      return reader.isAtEnd ? rules : nil
    }
  }

  private static func alert(_ reader: inout ByteReader) -> AlertInstance? {
    guard let flags = reader.byte(), flags < 64, let state = AlertState(rawValue: flags & 3),
      let labels = labels(&reader), let annotations = annotations(&reader),
      let value = reader.littleEndian64(), let activeAt = time(&reader)
    else { return nil }
    var alert = AlertInstance(
      labels: labels, annotations: annotations, value: .float(Double(bitPattern: value)), state: state,
      activeAt: activeAt)
    for (bit, path) in times.enumerated() where flags & (4 << UInt8(bit)) != 0 {
      guard let milliseconds = time(&reader) else { return nil }
      alert[keyPath: path] = milliseconds
    }
    // What a table never holds would have no end there.
    if (state == .inactive) != (alert.resolvedAt != nil) || (state == .firing) && alert.firedAt == nil { return nil }
    return alert
  }

  private static func part(_ reader: inout ByteReader) -> [UInt8]? {
    reader.uvarint().flatMap(Int.init(exactly:)).flatMap { reader.copy($0) }
  }

  private static func text(_ reader: inout ByteReader) -> String? {
    part(&reader).flatMap { String(validating: $0, as: UTF8.self) }
  }

  private static func time(_ reader: inout ByteReader) -> Int64? {
    reader.varint().flatMap { timeRange.contains($0) ? $0 : nil }
  }

  private static func labels(_ reader: inout ByteReader) -> Labels? {
    part(&reader).flatMap { Labels(checking: $0) }
  }

  private static func annotations(_ reader: inout ByteReader) -> Labels? {
    part(&reader).flatMap { Labels(checkingAnnotations: $0) }
  }
}

// A series' identity: label names and values, sorted by the bytes of the name, without empty values or doubles.
// Immutable. One buffer for all labels, in the packed form of `LabelBytes.swift`.

/// The labels of one series. Equality and hashing are those of the packed bytes.
package struct Labels: Sendable, Hashable {
  /// The packed form; two label sets are equal exactly when these bytes are.
  package let packed: [UInt8]

  package static let empty = Labels(packed: [])

  /// Bytes in the packed form, from a `LabelsBuilder` or a store that keeps them so.
  package init(packed: [UInt8]) { self.packed = packed }

  /// From pairs in any order; empty values are left out, of doubled names the last one stays.
  package init(_ pairs: [(name: String, value: String)]) {
    var builder = LabelsBuilder()
    for pair in pairs { builder.set(pair.name, pair.value) }
    self = builder.labels()
  }

  /// From bytes that may be anything; nil where they are no packed labels, or not sorted, or have an empty part.
  package init?(checking bytes: UnsafeRawBufferPointer) {
    guard Labels.isPacked(bytes) else { return nil }
    packed = Array(bytes)
  }

  /// From bytes that may be anything; nil where they are no packed annotations, or not sorted, or have an empty name.
  package init?(checkingAnnotations bytes: [UInt8]) {
    guard bytes.withUnsafeBytes({ Labels.isPacked($0, allowsEmptyValues: true) }) else { return nil }
    packed = bytes
  }

  package init?(checking bytes: [UInt8]) {
    guard bytes.withUnsafeBytes({ Labels.isPacked($0) }) else { return nil }
    packed = bytes
  }

  // The whole buffer at once: arrays hash and compare element by element.
  package func hash(into hasher: inout Hasher) { packed.withUnsafeBytes { hasher.combine(bytes: $0) } }

  package static func == (left: Labels, right: Labels) -> Bool {
    left.packed.withUnsafeBytes { a in
      right.packed.withUnsafeBytes { b in equalBytes(a, b) }
    }
  }

  /// Annotations of an alert, in any order with distinct names: the one use of the packed form that keeps empty values.
  package init(annotations pairs: [(name: String, value: String)]) {
    var packed: [UInt8] = []
    for pair in pairs.sorted(by: { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }) {
      Array(pair.name.utf8).withUnsafeBytes { name in
        Array(pair.value.utf8).withUnsafeBytes { packed.appendPacked(name, $0) }
      }
    }
    self.packed = packed
  }

  package var isEmpty: Bool { packed.isEmpty }

  package var count: Int {
    var count = 0
    forEach { _, _ in count += 1 }
    return count
  }

  /// Calls `body` for each label in order with the raw bytes of name and value.
  package func forEach(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
    packed.withUnsafeBytes { bytes in
      var reader = LabelReader(bytes)
      while let label = reader.next() { body(label.name, label.value) }
    }
  }

  /// Lends the value of a label without copying it; nil where the series has no such label.
  package func withValue<Result>(
    of name: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer?) -> Result
  ) -> Result {
    packed.withUnsafeBytes { bytes in
      var reader = LabelReader(bytes)
      while let label = reader.next() {
        let order = compareBytes(label.name, name)
        if order == 0 { return body(label.value) }
        if order > 0 { break }
      }
      return body(nil)
    }
  }

  package func withValue<Result>(of name: String, _ body: (UnsafeRawBufferPointer?) -> Result) -> Result {
    var name = name
    return name.withUTF8 { withValue(of: UnsafeRawBufferPointer($0), body) }
  }

  /// The value of a label; nil where the series has no such label.
  package subscript(name: String) -> String? {
    withValue(of: name) { value in value.map { String(decoding: $0, as: UTF8.self) } }
  }

  package func has(_ name: String) -> Bool { withValue(of: name) { $0 != nil } }

  package var metricName: String? { self[LabelName.metric] }

  package var pairs: [(name: String, value: String)] {
    var pairs: [(name: String, value: String)] = []
    forEach { pairs.append((String(decoding: $0, as: UTF8.self), String(decoding: $1, as: UTF8.self))) }
    return pairs
  }

  /// 64 bits that depend on the labels alone: the same in every process, on every machine.
  package var stableHash: UInt64 { packed.withUnsafeBytes { KeyedHash.stable.hash($0) } }

  /// True if the bytes are packed labels: whole, sorted, none empty.
  package static func isPacked(_ bytes: UnsafeRawBufferPointer, allowsEmptyValues: Bool = false) -> Bool {
    var offset = 0
    var previous: UnsafeRawBufferPointer?
    while offset < bytes.count {
      guard let name = checkedPart(bytes, &offset), let value = checkedPart(bytes, &offset),
        !name.isEmpty, allowsEmptyValues || !value.isEmpty
      else { return false }
      if let previous, compareBytes(previous, name) >= 0 { return false }
      previous = name
    }
    return true
  }

  /// A length in its shortest form, up to 2^35, and the bytes behind it.
  private static func checkedPart(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> UnsafeRawBufferPointer? {
    var length = 0
    var shift = 0
    while true {
      guard offset < bytes.count, shift < 35 else { return nil }
      let byte = bytes[offset]
      offset += 1
      if shift > 0 && byte == 0 { return nil }
      length |= Int(byte & 0x7f) << shift
      shift += 7
      if byte < 0x80 { break }
    }
    guard length <= bytes.count - offset else { return nil }
    defer { offset += length }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)])
  }
}

extension Labels: Comparable {
  /// Prometheus's order: label by label, name before value, the shorter set first.
  package static func < (left: Labels, right: Labels) -> Bool { compare(left, right) < 0 }

  /// Below zero, zero or above, in the order of `<`.
  package static func compare(_ left: Labels, _ right: Labels) -> Int {
    left.packed.withUnsafeBytes { a in
      right.packed.withUnsafeBytes { b in
        var one = LabelReader(a)
        var two = LabelReader(b)
        while let first = one.next() {
          guard let second = two.next() else { return 1 }
          let names = compareBytes(first.name, second.name)
          if names != 0 { return names }
          let values = compareBytes(first.value, second.value)
          if values != 0 { return values }
        }
        return two.next() == nil ? 0 : -1
      }
    }
  }
}

extension Labels: CustomStringConvertible {
  /// `{name="value", ...}` with quotes and backslashes escaped.
  package var description: String {
    "{" + pairs.map { "\($0.name)=\(quoted($0.value))" }.joined(separator: ", ") + "}"
  }
}

/// A string in double quotes, with the escapes of Prometheus's text forms.
package func quoted(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"": result += "\\\""
    case "\\": result += "\\\\"
    case "\n": result += "\\n"
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}

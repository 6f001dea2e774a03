// A series' identity: label names and values, sorted by the bytes of the name, without empty values or doubles.
// Immutable. One buffer for all labels: nameLength (uvarint) name valueLength (uvarint) value, repeated.

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

  package var isEmpty: Bool { packed.isEmpty }

  package var count: Int {
    var count = 0
    forEach { _, _ in count += 1 }
    return count
  }

  /// Calls `body` for each label in order with the raw bytes of name and value.
  package func forEach(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
    packed.withUnsafeBytes { bytes in
      var offset = 0
      while offset < bytes.count {
        let name = Labels.readPart(bytes, &offset)
        let value = Labels.readPart(bytes, &offset)
        body(name, value)
      }
    }
  }

  /// The value of a label; nil where the series has no such label.
  package subscript(name: String) -> String? {
    var name = name
    return name.withUTF8 { wanted in
      var found: String?
      forEach { candidate, value in
        if found == nil, candidate.elementsEqual(wanted) { found = String(decoding: value, as: UTF8.self) }
      }
      return found
    }
  }

  package var pairs: [(name: String, value: String)] {
    var pairs: [(name: String, value: String)] = []
    forEach { pairs.append((String(decoding: $0, as: UTF8.self), String(decoding: $1, as: UTF8.self))) }
    return pairs
  }

  private static func readPart(_ bytes: UnsafeRawBufferPointer, _ offset: inout Int) -> UnsafeRawBufferPointer {
    var length = 0
    var shift = 0
    while offset < bytes.count {
      let byte = bytes[offset]
      offset += 1
      length |= Int(byte & 0x7f) << shift
      shift += 7
      if byte < 0x80 { break }
    }
    precondition(length <= bytes.count - offset, "packed labels are cut")
    defer { offset += length }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<(offset + length)])
  }
}

extension Labels: Comparable {
  /// Prometheus's order: label by label, name before value, the shorter set first.
  package static func < (left: Labels, right: Labels) -> Bool {
    left.packed.withUnsafeBytes { a in
      right.packed.withUnsafeBytes { b in
        var i = 0
        var j = 0
        while i < a.count, j < b.count {
          let one = readPart(a, &i)
          let two = readPart(b, &j)
          if one.lexicographicallyPrecedes(two) { return true }
          if two.lexicographicallyPrecedes(one) { return false }
        }
        return i >= a.count && j < b.count
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

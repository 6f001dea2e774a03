import Model

// The bytes of labels and texts, read where they lie. What is unsafe about labels in this target is in this file; nothing
// that is lent here is kept.

extension LabelFilter {
  /// Appends the packed form of the labels that are among the names, or of those that are not. Both are sorted, so one walk
  /// over the two is enough, and labels that stay side by side are copied in one piece.
  func filter(_ labels: Labels, keeps: Bool, into packed: inout [UInt8]) {
    unsafe labels.packed.withUnsafeBytes { bytes in
      var reader = unsafe LabelReader(bytes)
      var next = 0
      var start = 0
      var offset = 0
      while let label = unsafe reader.next() {
        var isNamed = false
        while next < names.count {
          let order = unsafe names[next].withUnsafeBytes { unsafe compareBytes($0, label.name) }
          if order > 0 { break }
          next += 1
          if order == 0 {
            isNamed = true
            break
          }
        }
        let end = unsafe LabelFilter.offset(behind: label.value, in: bytes)
        if isNamed != keeps {
          if offset > start { unsafe packed.append(contentsOf: bytes[start..<offset]) }
          start = end
        }
        offset = end
      }
      if offset > start { unsafe packed.append(contentsOf: bytes[start..<offset]) }
    }
  }

  private static func offset(behind value: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer) -> Int {
    guard let base = bytes.baseAddress, let start = value.baseAddress else { return bytes.count }
    return unsafe start - base + value.count
  }
}

extension Labels {
  /// The labels with one of them set; an empty value removes it.
  func setting(_ name: [UInt8], _ value: [UInt8]) -> Labels {
    var changed: [UInt8] = []
    changed.reserveCapacity(packed.count + name.count + value.count + 10)
    unsafe name.withUnsafeBytes { name in
      unsafe value.withUnsafeBytes { value in
        var isSet = unsafe value.isEmpty
        unsafe forEach { known, old in
          let order = unsafe compareBytes(known, name)
          if order >= 0, !isSet {
            unsafe changed.appendPacked(name, value)
            isSet = true
          }
          if order != 0 { unsafe changed.appendPacked(known, old) }
        }
        if !isSet { unsafe changed.appendPacked(name, value) }
      }
    }
    return Labels(packed: changed)
  }

  /// Bytes of the value of a label; 0 where the series has none.
  func byteCount(of name: String) -> Int { unsafe withValue(of: name) { unsafe $0?.count ?? 0 } }

  func appendValue(of name: String, to text: inout [UInt8]) {
    unsafe withValue(of: name) { value in if let value = unsafe value { unsafe text += value } }
  }

  /// True if there is a metric name, and it ends with none of the suffixes.
  func isNamed(withoutAnyOf suffixes: [StaticString]) -> Bool {
    unsafe withValue(of: LabelName.metric) { name in
      guard let name = unsafe name, unsafe !name.isEmpty else { return false }
      return !suffixes.contains { suffix in
        let count = suffix.utf8CodeUnitCount
        guard name.count >= count else { return false }
        let end = unsafe UnsafeRawBufferPointer(rebasing: name[(name.count - count)...])
        return unsafe equalBytes(end, UnsafeRawBufferPointer(start: suffix.utf8Start, count: count))
      }
    }
  }

  /// Names and values, each after its length: one byte, or 0xFF and three.
  var bytesBehindLengths: [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(packed.count)
    func append(_ part: UnsafeRawBufferPointer) {
      if part.count < 0xFF {
        bytes.append(UInt8(part.count))
      } else {
        bytes.append(0xFF)
        for shift in [0, 8, 16] { bytes.append(UInt8(truncatingIfNeeded: part.count >> shift)) }
      }
      unsafe bytes.append(contentsOf: part)
    }
    unsafe forEach { name, value in
      unsafe append(name)
      unsafe append(value)
    }
    return bytes
  }
}

extension RegexProgram {
  func matches(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { unsafe matches(UnsafeRawBufferPointer($0)) }
  }

  /// The groups of a match of a label's value; a series without the label has the empty one.
  func groups(in labels: Labels, _ name: String) -> [Range<Int>?]? {
    unsafe labels.withValue(of: name) { unsafe groups(in: $0 ?? UnsafeRawBufferPointer(start: nil, count: 0)) }
  }
}

extension ReplacementTemplate {
  /// Appends the text that the groups of a label's value make.
  func expand(_ labels: Labels, _ name: String, _ groups: [Range<Int>?], into result: inout [UInt8]) {
    unsafe labels.withValue(of: name) { value in
      unsafe expand(value.map { unsafe LentBytes($0) } ?? LentBytes(), groups, into: &result)
    }
  }
}

extension KeyedHash {
  func hash(_ bytes: [UInt8]) -> UInt64 { unsafe bytes.withUnsafeBytes { unsafe hash($0) } }
}

extension [UInt8] {
  func hasSameBytes(as other: [UInt8]) -> Bool {
    unsafe withUnsafeBytes { one in unsafe other.withUnsafeBytes { two in unsafe equalBytes(one, two) } }
  }
}

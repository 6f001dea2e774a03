/// An immutable, sorted set of byte strings in one buffer.
package struct ByteStringSet: Sendable {
  private let bytes: [UInt8]
  private let ends: [Int]

  package init(_ strings: [[UInt8]]) {
    var bytes: [UInt8] = []
    var ends: [Int] = []
    var previous: [UInt8]?
    for string in strings.sorted(by: { $0.lexicographicallyPrecedes($1) }) where string != previous {
      bytes += string
      ends.append(bytes.count)
      previous = string
    }
    self.bytes = bytes
    self.ends = ends
  }

  package var count: Int { ends.count }
  package var isEmpty: Bool { ends.isEmpty }

  package var strings: [[UInt8]] { (0..<count).map { Array(bytes[range($0)]) } }

  package func contains(_ text: UnsafeRawBufferPointer) -> Bool {
    bytes.withUnsafeBytes { bytes in
      var low = 0
      var high = ends.count
      while low < high {
        let middle = (low + high) / 2
        let order = compareBytes(UnsafeRawBufferPointer(rebasing: bytes[range(middle)]), text)
        if order == 0 { return true }
        if order < 0 { low = middle + 1 } else { high = middle }
      }
      return false
    }
  }

  /// Lends each string in order.
  package func forEach(_ body: (UnsafeRawBufferPointer) -> Void) {
    bytes.withUnsafeBytes { bytes in
      for index in 0..<count { body(UnsafeRawBufferPointer(rebasing: bytes[range(index)])) }
    }
  }

  private func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }
}

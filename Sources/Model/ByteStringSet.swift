/// An immutable, sorted set of byte strings in one buffer, for any thread. It is asked for every value of a label, so it
/// keeps raw memory instead of arrays, whose reference counts would cost more than the comparison.
package final class ByteStringSet: @unchecked Sendable {
  private let bytes: UnsafeMutableRawPointer
  // Where the string of that index begins; one more entry for the end.
  private let starts: UnsafeMutablePointer<Int>
  package let count: Int

  package init(_ strings: [[UInt8]]) {
    var distinct: [[UInt8]] = []
    for string in strings.sorted(by: { $0.lexicographicallyPrecedes($1) }) where string != distinct.last {
      distinct.append(string)
    }
    count = distinct.count
    bytes = .allocate(byteCount: max(distinct.reduce(0) { $0 + $1.count }, 1), alignment: 1)
    starts = .allocate(capacity: count + 1)
    var offset = 0
    for (index, string) in distinct.enumerated() {
      starts[index] = offset
      string.withUnsafeBytes {
        if let from = $0.baseAddress { (bytes + offset).copyMemory(from: from, byteCount: $0.count) }
      }
      offset += string.count
    }
    starts[count] = offset
  }

  deinit {
    bytes.deallocate()
    starts.deallocate()
  }

  package var isEmpty: Bool { count == 0 }

  package var strings: [[UInt8]] { (0..<count).map { Array(string($0)) } }

  package func contains(_ text: UnsafeRawBufferPointer) -> Bool {
    var low = 0
    var high = count
    while low < high {
      let middle = (low &+ high) / 2
      let order = compareBytes(string(middle), text)
      if order == 0 { return true }
      if order < 0 { low = middle &+ 1 } else { high = middle }
    }
    return false
  }

  /// Lends each string in order.
  package func forEach(_ body: (UnsafeRawBufferPointer) -> Void) {
    for index in 0..<count { body(string(index)) }
  }

  @inline(__always) private func string(_ index: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(start: bytes + starts[index], count: starts[index &+ 1] &- starts[index])
  }
}

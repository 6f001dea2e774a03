import Format
import Model

/// Label names or values in the order of their bytes, each once, one behind the other in one run of bytes: a million of
/// them are two allocations. A value.
package struct LabelTexts: Sendable {
  private var bytes: [UInt8] = []
  private var ends: [Int] = []
  /// True if texts beyond the limit were left out.
  package private(set) var isTruncated = false

  package init() {}

  init(_ symbols: SortedSymbols) {
    ends.reserveCapacity(symbols.count)
    symbols.forEach { append($0) }
    isTruncated = symbols.isTruncated
  }

  /// Sorts `texts` and keeps the first of them. `limit` 0 means no limit.
  init(_ texts: Set<[UInt8]>, limit: Int) {
    let sorted = texts.sorted { one, two in
      one.withUnsafeBytes { a in two.withUnsafeBytes { compareBytes(a, $0) < 0 } }
    }
    isTruncated = limit > 0 && sorted.count > limit
    for text in isTruncated ? sorted[..<limit] : sorted[...] { text.withUnsafeBytes { append($0) } }
  }

  package var count: Int { ends.count }

  /// The bytes of memory that the texts take.
  package var heldBytes: Int { bytes.count + ends.count * 8 }

  package subscript(index: Int) -> String {
    String(decoding: bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]], as: UTF8.self)
  }

  package var texts: [String] { (0..<count).map { self[$0] } }

  /// Lends a text without copying it.
  package func withText<Result>(_ index: Int, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
    bytes.withUnsafeBytes { bytes in
      body(UnsafeRawBufferPointer(rebasing: bytes[(index == 0 ? 0 : ends[index - 1])..<ends[index]]))
    }
  }

  /// Appends a text that sorts behind all that are there; leaves out an empty one.
  mutating func appendSorted(_ text: UnsafeRawBufferPointer) {
    if !text.isEmpty { append(text) }
  }

  private mutating func append(_ text: UnsafeRawBufferPointer) {
    bytes.append(contentsOf: text)
    ends.append(bytes.count)
  }

  /// The texts of both, each once. `limit` 0 means no limit.
  package func merged(with other: LabelTexts, limit: Int) -> LabelTexts {
    var merged = LabelTexts()
    merged.isTruncated = isTruncated || other.isTruncated
    var left = 0
    var right = 0
    while left < count || right < other.count {
      if limit > 0 && merged.count == limit {
        merged.isTruncated = true
        break
      }
      let order: Int =
        left == count
        ? 1 : right == other.count ? -1 : withText(left) { one in other.withText(right) { compareBytes(one, $0) } }
      if order <= 0 {
        withText(left) { merged.append($0) }
        left += 1
        if order == 0 { right += 1 }
      } else {
        other.withText(right) { merged.append($0) }
        right += 1
      }
    }
    return merged
  }
}

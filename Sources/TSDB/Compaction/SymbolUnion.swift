import Format
import Model

/// The symbols of several blocks as one sorted list, and for each block where its symbols are in it. Since the new numbers
/// rise with the bytes, labels can be compared by their numbers from then on.
/// Memory: four bytes for each symbol of each block.
struct SymbolUnion: ~Copyable {
  /// The new number of each symbol, by block and the symbol's number there.
  private(set) var numbers: [[UInt32]]

  /// Calls `add` for each symbol of the union in order. `symbols` gives a block's symbols by number; nil behind the last.
  init(
    counts: [Int], symbol: (_ block: Int, _ number: Int) throws(BlockError) -> UnsafeRawBufferPointer,
    add: (UnsafeRawBufferPointer) throws(BlockError) -> Void
  ) throws(BlockError) {
    numbers = counts.map { Array(repeating: 0, count: $0) }
    var next = Array(repeating: 0, count: counts.count)
    var heads: [UnsafeRawBufferPointer?] = []
    for block in counts.indices { heads.append(counts[block] > 0 ? try symbol(block, 0) : nil) }
    var added: UInt32 = 0
    while let smallest = SymbolUnion.smallest(heads) {
      guard added < UInt32.max else { throw .tooLarge("more symbols than a block can have") }
      try add(smallest)
      for block in counts.indices {
        guard let head = heads[block], equalBytes(head, smallest) else { continue }
        numbers[block][next[block]] = added
        next[block] += 1
        heads[block] = next[block] < counts[block] ? try symbol(block, next[block]) : nil
      }
      added += 1
    }
  }

  private static func smallest(_ heads: [UnsafeRawBufferPointer?]) -> UnsafeRawBufferPointer? {
    var smallest: UnsafeRawBufferPointer?
    for case let head? in heads {
      if let present = smallest, compareBytes(present, head) <= 0 { continue }
      smallest = head
    }
    return smallest
  }
}

import Model

/// The groups of an aggregation, by the labels they are made of. A series is placed without making its group's labels anew.
/// Owned by the evaluation of one aggregation.
struct GroupTable {
  private let names: LabelFilter
  private let isWithout: Bool
  private var places: LabelTable

  init(_ node: Aggregation) {
    isWithout = node.isWithout
    names = LabelFilter(node.isWithout ? node.grouping + [LabelName.metric] : node.grouping)
    places = LabelTable()
  }

  var labels: [Labels] { places.labels }

  /// The group of a series; a new one has the index after the last.
  mutating func index(of series: Labels) -> Int {
    places.index { names.filter(series, keeps: !isWithout, into: &$0) }
  }
}

/// Label sets in the order they were first seen, found by their bytes. Open addressing over a power of two of slots, at most
/// half of them in use.
struct LabelTable {
  private(set) var labels: [Labels] = []
  private var hashes: [UInt64] = []
  /// Index + 1; 0 is free.
  private var slots = [Int32](repeating: 0, count: 16)
  private var scratch: [UInt8] = []
  private let hash: KeyedHash

  init() {
    // Labels come from outside: nobody can choose ones that collide.
    hash = LabelTable.processHash
  }

  private static let processHash = KeyedHash(key: (.random(in: .min ... .max), .random(in: .min ... .max)))

  /// The index of the labels whose packed form `write` appends; those that are new have the index after the last.
  mutating func index(_ write: (inout [UInt8]) -> Void) -> Int {
    scratch.removeAll(keepingCapacity: true)
    write(&scratch)
    let value = hash.hash(scratch)
    var slot = Int(truncatingIfNeeded: value) & (slots.count - 1)
    while slots[slot] != 0 {
      let index = Int(slots[slot]) - 1
      if hashes[index] == value, isScratch(labels[index]) { return index }
      slot = (slot + 1) & (slots.count - 1)
    }
    labels.append(Labels(packed: Array(scratch)))
    hashes.append(value)
    slots[slot] = Int32(labels.count)
    if labels.count * 2 > slots.count { grow() }
    return labels.count - 1
  }

  private func isScratch(_ labels: Labels) -> Bool {
    labels.packed.hasSameBytes(as: scratch)
  }

  private mutating func grow() {
    slots = [Int32](repeating: 0, count: slots.count * 2)
    for (index, value) in hashes.enumerated() {
      var slot = Int(truncatingIfNeeded: value) & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(index + 1)
    }
  }
}

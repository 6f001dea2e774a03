import CShims
import Model

/// A label as the index knows it.
package struct LabelPair: Sendable, Hashable, BitwiseCopyable {
  package var name: SymbolID
  package var value: SymbolID

  @inlinable package init(name: SymbolID, value: SymbolID) {
    self.name = name
    self.value = value
  }
}

// The head's inverted index: for each label pair, each label name, and all series, the sorted ids of the series that have
// it. Series ids only grow. One owner, under one lock; nothing here takes time in proportion to a query: readers copy coded
// lists and value snapshots out (`PostingsCopy`, `ValueSnapshot`) and work on them without the lock.
//
// Memory: 24 bytes a list, 8 / 0.56 a slot and 4 a value for each label pair, and about a byte for each series and label.
package struct HeadPostings: ~Copyable, @unchecked Sendable {
  var store = PostingsStore()
  /// The list of all series.
  let all: UInt32
  private let seed: UInt64
  // The names, dense, and their places by symbol: `name symbol (32) | index + 1 (32)`.
  private(set) var nameCount = 0
  /// Changes whenever names change their places.
  private(set) var namesRemoved = 0
  private var names: UnsafeMutablePointer<NamePostings>
  private var nameCapacity = 16
  private var nameSlots: UnsafeMutablePointer<UInt64>
  private var nameSlotBits = 5

  /// `seed` is random, so that nobody outside can choose symbols that collide.
  package init(seed: UInt64) {
    self.seed = seed
    all = store.makeList()
    names = .allocate(capacity: nameCapacity)
    nameSlots = ZeroedMemory.make(1 << nameSlotBits)
  }

  deinit {
    names.deinitialize(count: nameCount)
    names.deallocate()
    ZeroedMemory.free(nameSlots)
  }

  /// The number of series in the index.
  package var seriesCount: Int { Int(store[all].pointee.count) }

  /// The number of label pairs in the index.
  package var pairCount: Int {
    var count = 0
    for index in 0..<nameCount { count += names[index].valueCount }
    return count
  }

  /// Memory in use. Walks the names.
  package var byteCount: Int {
    var bytes = store.byteCount + MemoryLayout<UInt64>.size << nameSlotBits
    for index in 0..<nameCount { bytes += names[index].byteCount }
    return bytes
  }

  /// Adds a series. Its id is above all ids added before; its labels have distinct names and no empty values.
  package mutating func add(_ series: UInt32, _ labels: UnsafeBufferPointer<LabelPair>) {
    precondition(store[all].pointee.count == 0 || series > store[all].pointee.last, "series ids grow")
    store.append(series, to: all)
    // In groups, so that the cache misses of a group's slots overlap, then those of its lists.
    var start = 0
    while start < labels.count {
      let end = min(start + HeadPostings.addGroupMax, labels.count)
      addGroup(series, UnsafeBufferPointer(rebasing: labels[start..<end]))
      start = end
    }
  }

  /// Labels that are looked up side by side.
  private static let addGroupMax = 16

  private mutating func addGroup(_ series: UInt32, _ labels: UnsafeBufferPointer<LabelPair>) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: HeadPostings.addGroupMax * 2) { scratch in
      let indices = scratch.baseAddress.unsafelyUnwrapped
      let lists = indices + HeadPostings.addGroupMax
      for index in 0..<labels.count {
        let name = findOrAddName(labels[index].name)
        apus_prefetch(names[name].slotAddress(labels[index].value))
        indices[index] = UInt32(truncatingIfNeeded: name)
      }
      for index in 0..<labels.count {
        let name = names + Int(indices[index])
        let value = labels[index].value
        precondition(value != 0, "a label value is not empty")
        if let list = name.pointee.find(value) {
          lists[index] = list
        } else {
          lists[index] = store.makeList()
          name.pointee.insert(value, list: lists[index])
        }
        apus_prefetch_for_write(store[lists[index]])
      }
      for index in 0..<labels.count {
        store.append(series, to: lists[index])
        store.append(series, to: names[Int(indices[index])].having)
      }
    }
  }
}

// The table of names.
extension HeadPostings {
  /// The place of a name among `names`; nil if no series has it.
  @inline(__always) func findName(_ name: SymbolID) -> Int? {
    let mask = 1 &<< nameSlotBits &- 1
    var at = namePlace(name, nameSlotBits)
    while nameSlots[at] != 0 {
      if UInt32(truncatingIfNeeded: nameSlots[at] &>> 32) == name { return Int(nameSlots[at] & 0xffff_ffff) &- 1 }
      at = (at &+ 1) & mask
    }
    return nil
  }

  /// One name's part of the index, by its place.
  @inline(__always) func name(at index: Int) -> UnsafeMutablePointer<NamePostings> { names + index }

  @inline(__always) private mutating func findOrAddName(_ name: SymbolID) -> Int {
    findName(name) ?? addName(name)
  }

  private mutating func addName(_ name: SymbolID) -> Int {
    if nameCount == nameCapacity {
      let larger = UnsafeMutablePointer<NamePostings>.allocate(capacity: nameCapacity * 2)
      larger.moveInitialize(from: names, count: nameCount)
      names.deallocate()
      names = larger
      nameCapacity *= 2
    }
    (names + nameCount).initialize(to: NamePostings(name: name, having: store.makeList(), seed: seed))
    nameCount += 1
    if nameCount * 2 > 1 << nameSlotBits {
      nameSlotBits += 1
      rebuildNameSlots()
    } else {
      placeName(nameCount - 1)
    }
    return nameCount - 1
  }

  /// Removes a name that has lost its last series; the last name takes its place.
  mutating func removeName(at index: Int) {
    namesRemoved &+= 1
    precondition(names[index].valueCount == 0, "a removed name has no values")
    store.removeList(names[index].having)
    (names + index).deinitialize(count: 1)
    nameCount -= 1
    if index != nameCount { (names + index).moveInitialize(from: names + nameCount, count: 1) }
    rebuildNameSlots()
  }

  private mutating func rebuildNameSlots() {
    ZeroedMemory.free(nameSlots)
    nameSlots = ZeroedMemory.make(1 << nameSlotBits)
    for index in 0..<nameCount { placeName(index) }
  }

  private func placeName(_ index: Int) {
    let mask = 1 << nameSlotBits &- 1
    var at = namePlace(names[index].name, nameSlotBits)
    while nameSlots[at] != 0 { at = (at &+ 1) & mask }
    nameSlots[at] = UInt64(names[index].name) << 32 | UInt64(index + 1)
  }

  @inline(__always) private func namePlace(_ name: SymbolID, _ bits: Int) -> Int {
    Int(KeyedHash.mix(UInt64(name) ^ seed) &>> (64 &- UInt64(bits)))
  }
}

// Symbols in use.
extension HeadPostings {
  /// Marks the symbols of the name at a place: the name and its values, those that a sweep has yet to take off its list
  /// included.
  func markSymbols(ofNameAt place: Int, in live: inout [Bool]) {
    let entry = names + place
    func mark(_ id: SymbolID) {
      if Int(id) < live.count { live[Int(id)] = true }
    }
    mark(entry.pointee.name)
    entry.pointee.forEach { value, _ in mark(value) }
    for index in 0..<entry.pointee.listedCount { mark(entry.pointee.values.base[index]) }
  }
}

// Look-ups. What they copy out is used without the lock.
extension HeadPostings {
  /// The number of series that have the label pair.
  package func count(_ name: SymbolID, _ value: SymbolID) -> Int {
    guard let index = findName(name), let list = names[index].find(value) else { return 0 }
    return Int(store[list].pointee.count)
  }

  /// The number of series that have the label name.
  package func count(having name: SymbolID) -> Int {
    guard let index = findName(name) else { return 0 }
    return Int(store[names[index].having].pointee.count)
  }

  /// Copies the list of a label pair out; false if no series has it.
  package func copy(_ name: SymbolID, _ value: SymbolID, into copy: inout PostingsCopy) -> Bool {
    guard let index = findName(name), let list = names[index].find(value) else { return false }
    copy.append(store[list], of: store.blocks)
    return true
  }

  /// Copies the list of the series with a label name out; false if there is none.
  package func copy(having name: SymbolID, into copy: inout PostingsCopy) -> Bool {
    guard let index = findName(name) else { return false }
    copy.append(store[names[index].having], of: store.blocks)
    return true
  }

  /// Copies the list of all series out.
  package func copyAll(into copy: inout PostingsCopy) { copy.append(store[all], of: store.blocks) }

  /// The values of a label name; nil if no series has it.
  package func values(of name: SymbolID) -> ValueSnapshot? { findName(name).map { names[$0].snapshot } }

  /// The number of values of a label name.
  package func valueCount(of name: SymbolID) -> Int { findName(name).map { names[$0].valueCount } ?? 0 }

  /// The label names, unsorted.
  package var nameSymbols: [SymbolID] { (0..<nameCount).map { names[$0].name } }
}

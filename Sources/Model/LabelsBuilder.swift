/// Collects labels in any order and makes `Labels` of them. A value with one buffer for all bytes, reused by clearing.
package struct LabelsBuilder: Sendable {
  private struct Entry {
    var name: Range<Int>
    var value: Range<Int>
  }

  private var bytes: [UInt8] = []
  private var entries: [Entry] = []

  package init() {}

  package init(_ labels: Labels) {
    bytes.reserveCapacity(labels.packed.count)
    labels.forEach { append($0, $1) }
  }

  package var count: Int { entries.count }
  package var isEmpty: Bool { entries.isEmpty }

  package mutating func removeAll() {
    bytes.removeAll(keepingCapacity: true)
    entries.removeAll(keepingCapacity: true)
  }

  /// Adds a label without a look at the others: for senders whose names are distinct, or are checked by `doubledName`.
  package mutating func append(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    entries.append(Entry(name: append(name), value: append(value)))
  }

  /// Sets a label; an empty value removes it.
  package mutating func set(_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) {
    while let known = entries.firstIndex(where: { isNamed($0, name) }) { entries.remove(at: known) }
    if !value.isEmpty { append(name, value) }
  }

  package mutating func set(_ name: String, _ value: String) {
    var name = name
    var value = value
    name.withUTF8 { name in
      value.withUTF8 { set(UnsafeRawBufferPointer(name), UnsafeRawBufferPointer($0)) }
    }
  }

  package mutating func set(_ name: [UInt8], _ value: [UInt8]) {
    name.withUnsafeBytes { name in value.withUnsafeBytes { set(name, $0) } }
  }

  package mutating func remove(_ name: String) { set(name, "") }

  /// Removes the labels that `condition` holds for.
  package mutating func removeAll(where condition: (_ name: UnsafeRawBufferPointer) -> Bool) {
    bytes.withUnsafeBytes { bytes in
      entries.removeAll { condition(UnsafeRawBufferPointer(rebasing: bytes[$0.name])) }
    }
  }

  /// The value set for a name; nil where there is none.
  package subscript(name: String) -> String? {
    var name = name
    return name.withUTF8 { wanted in
      guard let entry = entries.first(where: { isNamed($0, UnsafeRawBufferPointer(wanted)) }) else { return nil }
      return String(decoding: bytes[entry.value], as: UTF8.self)
    }
  }

  /// Calls `body` for each label, in the order they were set.
  package func forEach(_ body: (_ name: UnsafeRawBufferPointer, _ value: UnsafeRawBufferPointer) -> Void) {
    bytes.withUnsafeBytes { bytes in
      for entry in entries {
        body(UnsafeRawBufferPointer(rebasing: bytes[entry.name]), UnsafeRawBufferPointer(rebasing: bytes[entry.value]))
      }
    }
  }

  /// A name that was appended twice, if there is one.
  package func doubledName() -> String? {
    bytes.withUnsafeBytes { bytes in
      let sorted = sortedEntries(bytes)
      for (one, two) in zip(sorted, sorted.dropFirst()) where equalBytes(slice(bytes, one.name), slice(bytes, two.name))
      {
        return String(decoding: slice(bytes, one.name), as: UTF8.self)
      }
      return nil
    }
  }

  /// The labels, sorted by name, without empty values; of a doubled name the last one.
  package func labels() -> Labels {
    var packed: [UInt8] = []
    bytes.withUnsafeBytes { bytes in
      let sorted = sortedEntries(bytes)
      packed.reserveCapacity(bytes.count + 2 * sorted.count)
      for (index, entry) in sorted.enumerated() where !entry.value.isEmpty {
        let name = slice(bytes, entry.name)
        if index + 1 < sorted.count, equalBytes(name, slice(bytes, sorted[index + 1].name)) { continue }
        packed.appendPacked(name, slice(bytes, entry.value))
      }
    }
    return Labels(packed: packed)
  }

  /// By name, and among equal names in the order they were set. Senders sort, so this looks first.
  private func sortedEntries(_ bytes: UnsafeRawBufferPointer) -> [Entry] {
    var isSorted = true
    for (one, two) in zip(entries, entries.dropFirst())
    where compareBytes(slice(bytes, one.name), slice(bytes, two.name)) > 0 { isSorted = false }
    if isSorted { return entries }
    return entries.sorted {
      let order = compareBytes(slice(bytes, $0.name), slice(bytes, $1.name))
      return order != 0 ? order < 0 : $0.name.lowerBound < $1.name.lowerBound
    }
  }

  private func isNamed(_ entry: Entry, _ name: UnsafeRawBufferPointer) -> Bool {
    bytes.withUnsafeBytes { equalBytes(slice($0, entry.name), name) }
  }

  private func slice(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[range])
  }

  private mutating func append(_ part: UnsafeRawBufferPointer) -> Range<Int> {
    let start = bytes.count
    bytes.append(contentsOf: part)
    return start..<bytes.count
  }
}

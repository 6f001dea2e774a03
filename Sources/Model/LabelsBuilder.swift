/// Collects labels in any order and makes `Labels` of them. A value, reused by clearing.
package struct LabelsBuilder: Sendable {
  private var entries: [(name: [UInt8], value: [UInt8])] = []

  package init() {}

  package init(_ labels: Labels) {
    labels.forEach { entries.append((Array($0), Array($1))) }
  }

  package mutating func removeAll() { entries.removeAll(keepingCapacity: true) }

  /// Sets a label; an empty value removes it.
  package mutating func set(_ name: String, _ value: String) { set(Array(name.utf8), Array(value.utf8)) }

  package mutating func set(_ name: [UInt8], _ value: [UInt8]) {
    entries.removeAll { $0.name == name }
    if !value.isEmpty { entries.append((name, value)) }
  }

  package mutating func remove(_ name: String) { set(name, "") }

  /// The labels, sorted by name.
  package func labels() -> Labels {
    var packed: [UInt8] = []
    for entry in entries.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
      LabelsBuilder.append(entry.name, to: &packed)
      LabelsBuilder.append(entry.value, to: &packed)
    }
    return Labels(packed: packed)
  }

  private static func append(_ part: [UInt8], to packed: inout [UInt8]) {
    var length = part.count
    while length >= 0x80 {
      packed.append(UInt8(truncatingIfNeeded: length) | 0x80)
      length >>= 7
    }
    packed.append(UInt8(length))
    packed.append(contentsOf: part)
  }
}

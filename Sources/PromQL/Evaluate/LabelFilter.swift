import Model

/// A set of label names, to keep or to leave out. Works on the packed bytes of labels.
struct LabelFilter: Sendable {
  private let names: [[UInt8]]

  init(_ names: [String]) { self.names = Set(names.map { Array($0.utf8) }).sorted { $0.lexicographicallyPrecedes($1) } }

  func keeping(_ labels: Labels) -> Labels { filtered(labels, keeps: true) }
  func dropping(_ labels: Labels) -> Labels { filtered(labels, keeps: false) }

  private func filtered(_ labels: Labels, keeps: Bool) -> Labels {
    var packed: [UInt8] = []
    packed.reserveCapacity(labels.packed.count)
    filter(labels, keeps: keeps, into: &packed)
    return packed.count == labels.packed.count ? labels : Labels(packed: packed)
  }

  /// Appends the packed form of the labels that are among the names, or of those that are not. Both are sorted, so one walk
  /// over the two is enough, and labels that stay side by side are copied in one piece.
  func filter(_ labels: Labels, keeps: Bool, into packed: inout [UInt8]) {
    labels.packed.withUnsafeBytes { bytes in
      var reader = LabelReader(bytes)
      var next = 0
      var start = 0
      var offset = 0
      while let label = reader.next() {
        var isNamed = false
        while next < names.count {
          let order = names[next].withUnsafeBytes { compareBytes($0, label.name) }
          if order > 0 { break }
          next += 1
          if order == 0 {
            isNamed = true
            break
          }
        }
        let end = LabelFilter.offset(behind: label.value, in: bytes)
        if isNamed != keeps {
          if offset > start { packed.append(contentsOf: bytes[start..<offset]) }
          start = end
        }
        offset = end
      }
      if offset > start { packed.append(contentsOf: bytes[start..<offset]) }
    }
  }

  private static func offset(behind value: UnsafeRawBufferPointer, in bytes: UnsafeRawBufferPointer) -> Int {
    guard let base = bytes.baseAddress, let start = value.baseAddress else { return bytes.count }
    return start - base + value.count
  }

  /// The labels that go when a result is no longer what the metric's name says.
  static let metadata = LabelFilter([LabelName.metric, "__type__", "__unit__"])
  static let name = LabelFilter([LabelName.metric])
}

extension Labels {
  var metricText: String { self[LabelName.metric] ?? "" }

  /// With one label set; an empty value removes it.
  func setting(_ name: [UInt8], _ value: [UInt8]) -> Labels {
    var changed: [UInt8] = []
    changed.reserveCapacity(packed.count + name.count + value.count + 10)
    name.withUnsafeBytes { name in
      value.withUnsafeBytes { value in
        var isSet = value.isEmpty
        forEach { known, old in
          let order = compareBytes(known, name)
          if order >= 0, !isSet {
            changed.appendPacked(name, value)
            isSet = true
          }
          if order != 0 { changed.appendPacked(known, old) }
        }
        if !isSet { changed.appendPacked(name, value) }
      }
    }
    return Labels(packed: changed)
  }

  /// With some labels set; an empty value removes one.
  func setting(_ changes: [(name: String, value: String)]) -> Labels {
    var builder = LabelsBuilder(self)
    for change in changes { builder.set(change.name, change.value) }
    return builder.labels()
  }
}

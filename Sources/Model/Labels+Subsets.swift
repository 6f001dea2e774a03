// Label sets made of others: what grouping, joining and matching of series need. Both sides are sorted, so each is one
// walk side by side.
extension Labels {
  /// The labels whose names are in `names`: `by (...)`.
  package func keeping(_ names: LabelNameSet) -> Labels { filtered(names, keeping: true) }

  /// The labels whose names are not in `names`: `without (...)`.
  package func dropping(_ names: LabelNameSet) -> Labels { filtered(names, keeping: false) }

  package var droppingMetricName: Labels { dropping(Labels.metricNameSet) }

  private static let metricNameSet = LabelNameSet([LabelName.metric])

  private func filtered(_ names: LabelNameSet, keeping: Bool) -> Labels {
    if names.isEmpty { return keeping ? .empty : self }
    var kept: [UInt8] = []
    var changed = false
    packed.withUnsafeBytes { bytes in
      kept.reserveCapacity(bytes.count)
      var reader = LabelReader(bytes)
      var next = 0
      while let label = reader.next() {
        var order = -1
        while next < names.names.count {
          order = names.names[next].withUnsafeBytes { compareBytes(label.name, $0) }
          if order <= 0 { break }
          next += 1
        }
        let isNamed = next < names.names.count && order == 0
        if isNamed == keeping { kept.appendPacked(label.name, label.value) } else { changed = true }
      }
    }
    return changed ? Labels(packed: kept) : self
  }

  /// A copy with one label set, or removed where `value` is empty.
  package func setting(_ name: String, _ value: String) -> Labels {
    var builder = LabelsBuilder(self)
    builder.set(name, value)
    return builder.labels()
  }

  /// Walks two label sets side by side, in the order of names: each name with its value on the left and on the right.
  package func forEachMerged(
    with other: Labels,
    _ body: (
      _ name: UnsafeRawBufferPointer, _ left: UnsafeRawBufferPointer?, _ right: UnsafeRawBufferPointer?
    ) -> Void
  ) {
    packed.withUnsafeBytes { a in
      other.packed.withUnsafeBytes { b in
        var one = LabelReader(a)
        var two = LabelReader(b)
        var left = one.next()
        var right = two.next()
        while left != nil || right != nil {
          if let first = left, let second = right, equalBytes(first.name, second.name) {
            body(first.name, first.value, second.value)
            left = one.next()
            right = two.next()
          } else if let first = left, right.map({ compareBytes(first.name, $0.name) < 0 }) ?? true {
            body(first.name, first.value, nil)
            left = one.next()
          } else if let second = right {
            body(second.name, nil, second.value)
            right = two.next()
          }
        }
      }
    }
  }
}

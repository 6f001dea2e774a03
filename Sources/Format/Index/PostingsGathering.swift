/// Which series have which label, gathered while they are written and given out label by label: eight bytes for each label of
/// each series, and four for each series. One owner.
package struct PostingsGathering: ~Copyable {
  /// The series of one label name, as (value << 32 | series), in segments that never move.
  private final class NameColumn {
    static let segmentCount = 8192
    var segments: [UnsafeMutablePointer<UInt64>] = []
    var count = 0
    var least = UInt32.max
    var greatest: UInt32 = 0

    deinit { for segment in segments { segment.deallocate() } }

    func append(_ value: UInt32, _ series: UInt32) {
      let place = count % NameColumn.segmentCount
      if place == 0 { segments.append(.allocate(capacity: NameColumn.segmentCount)) }
      segments[segments.count - 1][place] = UInt64(value) << 32 | UInt64(series)
      count += 1
      least = min(least, value)
      greatest = max(greatest, value)
    }

    func forEach(_ body: (UInt32, UInt32) -> Void) {
      var left = count
      for segment in segments {
        for place in 0..<min(left, NameColumn.segmentCount) {
          body(UInt32(truncatingIfNeeded: segment[place] >> 32), UInt32(truncatingIfNeeded: segment[place]))
        }
        left -= min(left, NameColumn.segmentCount)
      }
    }
  }

  private var columns: [UInt32: NameColumn] = [:]
  private var all = Column<UInt32>(capacity: 1024)

  package init() {}

  /// Series must come in the order of their numbers.
  package mutating func add(_ series: UInt32, labels: UnsafeBufferPointer<UInt32>) {
    all.append(series)
    for place in stride(from: 0, to: labels.count - 1, by: 2) {
      let name = labels[place]
      if let column = columns[name] {
        column.append(labels[place + 1], series)
      } else {
        let column = NameColumn()
        column.append(labels[place + 1], series)
        columns[name] = column
      }
    }
  }

  /// All series.
  package var everySeries: UnsafeBufferPointer<UInt32> { UnsafeBufferPointer(start: all.base, count: all.count) }

  package var names: [UInt32] { columns.keys.sorted() }

  /// Gives the series of each value of a name, values ascending, and forgets them.
  package mutating func take<Failure: Error>(
    _ name: UInt32, _ body: (UInt32, UnsafeBufferPointer<UInt32>) throws(Failure) -> Void
  ) throws(Failure) {
    guard let column = columns.removeValue(forKey: name) else { return }
    let base = column.least
    var ends = Column<UInt32>(capacity: Int(column.greatest - base) + 2)
    ends.resize(to: Int(column.greatest - base) + 1)
    for value in 0..<ends.count { ends[value] = 0 }
    column.forEach { value, _ in ends[Int(value - base)] += 1 }
    var start: UInt32 = 0
    for value in 0..<ends.count {
      let count = ends[value]
      ends[value] = start
      start += count
    }
    var sorted = Column<UInt32>(capacity: column.count + 1)
    sorted.resize(to: column.count)
    column.forEach { value, series in
      let place = Int(ends[Int(value - base)])
      sorted[place] = series
      ends[Int(value - base)] += 1
    }
    var first = 0
    for value in 0..<ends.count {
      let end = Int(ends[value])
      if end > first {
        try body(base + UInt32(value), UnsafeBufferPointer(start: sorted.base + first, count: end - first))
      }
      first = end
    }
  }
}

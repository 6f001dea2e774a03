/// Which series have which label, gathered while they are written and given out label by label: eight bytes for each label of
/// each series, and four for each series. One owner.
package struct PostingsGathering: ~Copyable {
  /// The series of one label name, as (value << 32 | series), in segments that never move; the first ones are small, since
  /// most names may be those of few series.
  private final class NameColumn {
    private static let segmentCountMin = 16
    private static let segmentCountMax = 8192
    var segments: [UnsafeMutablePointer<UInt64>] = []
    /// Entries of the last segment, and its room.
    private var filled = 0
    private var room = 0
    var count = 0
    var least = UInt32.max
    var greatest: UInt32 = 0

    deinit { for segment in segments { segment.deallocate() } }

    func append(_ value: UInt32, _ series: UInt32) {
      if filled == room {
        room = NameColumn.segmentCount(segments.count)
        segments.append(.allocate(capacity: room))
        filled = 0
      }
      segments[segments.count - 1][filled] = UInt64(value) << 32 | UInt64(series)
      filled += 1
      count += 1
      least = min(least, value)
      greatest = max(greatest, value)
    }

    private static func segmentCount(_ number: Int) -> Int {
      number < 9 ? segmentCountMin << number : segmentCountMax
    }

    func forEach(_ body: (UInt64) -> Void) {
      var left = count
      for (number, segment) in segments.enumerated() {
        let used = min(left, NameColumn.segmentCount(number))
        for place in 0..<used { body(segment[place]) }
        left -= used
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
    // Values that lie close together are counted into their places; a few that are far apart are sorted.
    if Int(column.greatest - column.least) > PostingsGathering.countedRangePerEntry * column.count {
      try sort(column, body)
    } else {
      try count(column, body)
    }
  }

  private static let countedRangePerEntry = 4

  private func sort<Failure: Error>(
    _ column: NameColumn, _ body: (UInt32, UnsafeBufferPointer<UInt32>) throws(Failure) -> Void
  ) throws(Failure) {
    var entries: [UInt64] = []
    entries.reserveCapacity(column.count)
    column.forEach { entries.append($0) }
    entries.sort()
    var series = Column<UInt32>(capacity: column.count)
    for entry in entries { series.append(UInt32(truncatingIfNeeded: entry)) }
    var first = 0
    while first < entries.count {
      let value = entries[first] >> 32
      var end = first + 1
      while end < entries.count && entries[end] >> 32 == value { end += 1 }
      try body(UInt32(value), UnsafeBufferPointer(start: series.base + first, count: end - first))
      first = end
    }
  }

  private func count<Failure: Error>(
    _ column: NameColumn, _ body: (UInt32, UnsafeBufferPointer<UInt32>) throws(Failure) -> Void
  ) throws(Failure) {
    let base = column.least
    var ends = Column<UInt32>(capacity: Int(column.greatest - base) + 2)
    ends.resize(to: Int(column.greatest - base) + 1)
    for value in 0..<ends.count { ends[value] = 0 }
    let places = ends.base
    column.forEach { places[Int(UInt32(truncatingIfNeeded: $0 >> 32) - base)] += 1 }
    var start: UInt32 = 0
    for value in 0..<ends.count {
      let count = places[value]
      places[value] = start
      start += count
    }
    var sorted = Column<UInt32>(capacity: column.count + 1)
    sorted.resize(to: column.count)
    let target = sorted.base
    column.forEach { entry in
      let value = Int(UInt32(truncatingIfNeeded: entry >> 32) - base)
      target[Int(places[value])] = UInt32(truncatingIfNeeded: entry)
      places[value] += 1
    }
    var first = 0
    for value in 0..<ends.count {
      let end = Int(places[value])
      if end > first {
        try body(base + UInt32(value), UnsafeBufferPointer(start: sorted.base + first, count: end - first))
      }
      first = end
    }
  }
}

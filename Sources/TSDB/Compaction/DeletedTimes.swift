/// Times of one series that are deleted: closed intervals, sorted, with at least one time between any two. A plain value.
package struct DeletedTimes: Sendable, Equatable {
  package private(set) var intervals: [ClosedRange<Int64>] = []

  package init() {}

  /// Joins intervals in any order, which may touch or overlap.
  package init(_ intervals: some Sequence<ClosedRange<Int64>>) {
    for interval in intervals { add(interval) }
  }

  package var isEmpty: Bool { intervals.isEmpty }

  package mutating func add(_ new: ClosedRange<Int64>) {
    var lower = new.lowerBound
    var upper = new.upperBound
    let first = intervals.firstIndex { $0.upperBound == .max || $0.upperBound + 1 >= lower } ?? intervals.count
    var end = first
    while end < intervals.count, upper == .max || intervals[end].lowerBound <= upper + 1 {
      lower = min(lower, intervals[end].lowerBound)
      upper = max(upper, intervals[end].upperBound)
      end += 1
    }
    intervals.replaceSubrange(first..<end, with: [lower...upper])
  }

  /// Adds all times before `time`.
  package mutating func add(before time: Int64) {
    if time > .min { add(.min...(time - 1)) }
  }

  package func contains(_ time: Int64) -> Bool { coversAll(of: time...time) }

  package func coversAll(of range: ClosedRange<Int64>) -> Bool {
    intervals.contains { $0.lowerBound <= range.lowerBound && range.upperBound <= $0.upperBound }
  }

  package func coversSome(of range: ClosedRange<Int64>) -> Bool { intervals.contains { $0.overlaps(range) } }

  /// The parts of these times that lie in the range.
  package func clamped(to range: ClosedRange<Int64>) -> DeletedTimes {
    var result = DeletedTimes()
    result.intervals = intervals.filter { $0.overlaps(range) }.map { $0.clamped(to: range) }
    return result
  }
}

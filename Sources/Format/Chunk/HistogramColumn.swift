import Model

/// Histograms with their times, in the order they were appended. A value; mostly empty.
package struct HistogramColumn: Sendable {
  package private(set) var times: [Int64] = []
  package private(set) var values: [Histogram] = []
  /// True if a histogram's counts may be fractions: then it lies in chunks and records of another kind.
  package private(set) var areFloats: [Bool] = []

  package init() {}

  package var isEmpty: Bool { times.isEmpty }
  package var count: Int { times.count }

  package mutating func append(_ time: Int64, _ histogram: Histogram, isFloat: Bool) {
    times.append(time)
    values.append(histogram)
    areFloats.append(isFloat)
  }

  package mutating func append(_ other: HistogramColumn) {
    times.append(contentsOf: other.times)
    values.append(contentsOf: other.values)
    areFloats.append(contentsOf: other.areFloats)
  }

  package mutating func removeAll() {
    if isEmpty { return }
    times.removeAll(keepingCapacity: true)
    values.removeAll(keepingCapacity: true)
    areFloats.removeAll(keepingCapacity: true)
  }

  package mutating func truncate(to count: Int) {
    times.removeSubrange(count...)
    values.removeSubrange(count...)
    areFloats.removeSubrange(count...)
  }

  /// Puts them in order of time; of equal times the one that was appended first stays. Where something moved nobody knows
  /// what came before whom: hints are taken away.
  package mutating func sort() {
    if zip(times, times.dropFirst()).allSatisfy({ $0 < $1 }) { return }
    let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
    let all = self
    removeAll()
    for place in order where times.last != all.times[place] {
      var histogram = all.values[place]
      if histogram.hint != .gauge { histogram.hint = .unknown }
      append(all.times[place], histogram, isFloat: all.areFloats[place])
    }
  }

  /// Keeps, from a place on, those whose time is wanted. Behind a gap nobody knows what came before.
  package mutating func filter(from first: Int, _ isKept: (Int64) -> Bool) {
    var kept = first
    var hasGap = false
    for place in first..<count {
      guard isKept(times[place]) else {
        hasGap = true
        continue
      }
      if kept != place {
        times[kept] = times[place]
        values[kept] = values[place]
        areFloats[kept] = areFloats[place]
      }
      if hasGap && values[kept].hint != .gauge { values[kept].hint = .unknown }
      hasGap = false
      kept += 1
    }
    truncate(to: kept)
  }
}

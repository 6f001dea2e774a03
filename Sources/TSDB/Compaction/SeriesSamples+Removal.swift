import Format

extension SeriesSamples {
  /// Drops the samples at deleted times, from a place on behind which they are sorted by time.
  mutating func remove(_ deleted: DeletedTimes, from first: Int) {
    if deleted.isEmpty { return }
    if !histograms.isEmpty {
      histograms.filter(from: 0) { time in !deleted.coversSome(of: time...time) }
    }
    if first == count { return }
    // Bare memory: an access through the column asks for its type first.
    let (allTimes, allValues) = (times.base, values.base)
    if !deleted.coversSome(of: allTimes[first]...allTimes[count - 1]) { return }
    var kept = first
    var interval = 0
    for index in first..<count {
      let time = allTimes[index]
      while interval < deleted.intervals.count, deleted.intervals[interval].upperBound < time { interval += 1 }
      if interval < deleted.intervals.count, deleted.intervals[interval].lowerBound <= time { continue }
      allTimes[kept] = time
      allValues[kept] = allValues[index]
      kept += 1
    }
    times.resize(to: kept)
    values.resize(to: kept)
  }

  mutating func removeFirst(_ removed: Int) {
    let left = removed..<count
    times.keep(left)
    values.keep(left)
  }

  /// The number of the samples, sorted by time, that lie before `time`.
  func countBefore(_ time: Int64) -> Int {
    let times = times.base
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if times[middle] < time { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

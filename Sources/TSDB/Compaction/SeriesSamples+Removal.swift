import Format

extension SeriesSamples {
  /// Drops the samples at deleted times, from a place on behind which they are sorted by time.
  mutating func remove(_ deleted: DeletedTimes, from first: Int) {
    if deleted.isEmpty { return }
    if !histograms.isEmpty {
      histograms.filter(from: 0) { time in !deleted.coversSome(of: time...time) }
    }
    var kept = first
    var interval = 0
    for index in first..<count {
      let time = times[index]
      while interval < deleted.intervals.count, deleted.intervals[interval].upperBound < time { interval += 1 }
      if interval < deleted.intervals.count, deleted.intervals[interval].lowerBound <= time { continue }
      times[kept] = time
      values[kept] = values[index]
      kept += 1
    }
    times.resize(to: kept)
    values.resize(to: kept)
  }

  mutating func removeFirst(_ removed: Int) {
    let left = count - removed
    for index in 0..<left {
      times[index] = times[index + removed]
      values[index] = values[index + removed]
    }
    times.resize(to: left)
    values.resize(to: left)
  }

  /// How many of the samples, sorted by time, lie before `time`.
  func countBefore(_ time: Int64) -> Int {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if times[middle] < time { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

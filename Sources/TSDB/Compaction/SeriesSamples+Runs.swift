import Format

extension SeriesSamples {
  /// Puts samples that are runs of rising times in order of time. Of equal times the one of the earlier run stays. Each pass
  /// halves the runs, so that samples in any order cost no more than a sort.
  mutating func mergeRuns() {
    var starts = runStarts()
    while starts.count > 1 {
      spareTimes.resize(to: count)
      spareValues.resize(to: count)
      var merged: [Int] = []
      merged.reserveCapacity(starts.count / 2 + 1)
      var end = 0
      for pair in stride(from: 0, to: starts.count, by: 2) {
        let middle = pair + 1 < starts.count ? starts[pair + 1] : count
        let last = pair + 2 < starts.count ? starts[pair + 2] : count
        merged.append(end)
        end = merge(starts[pair]..<middle, middle..<last, at: end)
      }
      spareTimes.resize(to: end)
      spareValues.resize(to: end)
      swap(&times, &spareTimes)
      swap(&values, &spareValues)
      starts = merged
    }
  }

  /// The starts of the runs of rising times.
  private func runStarts() -> [Int] {
    if count == 0 { return [] }
    var starts = [0]
    let times = times.base
    for index in 1..<max(count, 1) where times[index] <= times[index - 1] { starts.append(index) }
    return starts
  }

  /// Merges two runs into the spare columns from `start` on; returns where they end there.
  private func merge(_ left: Range<Int>, _ right: Range<Int>, at start: Int) -> Int {
    let (times, values) = (times.base, values.base)
    let (mergedTimes, mergedValues) = (spareTimes.base, spareValues.base)
    var (one, two, end) = (left.lowerBound, right.lowerBound, start)
    while one < left.upperBound, two < right.upperBound {
      let takesLeft = times[one] <= times[two]
      if times[one] == times[two] { two &+= 1 }
      let from = takesLeft ? one : two
      mergedTimes[end] = times[from]
      mergedValues[end] = values[from]
      end &+= 1
      if takesLeft { one &+= 1 } else { two &+= 1 }
    }
    for rest in [one..<left.upperBound, two..<right.upperBound] where !rest.isEmpty {
      (mergedTimes + end).update(from: times + rest.lowerBound, count: rest.count)
      (mergedValues + end).update(from: values + rest.lowerBound, count: rest.count)
      end += rest.count
    }
    return end
  }
}

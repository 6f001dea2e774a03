import Format

extension SeriesSamples {
  /// Puts samples that are a few runs of rising times in order of time. Of equal times the one of the earlier run stays.
  /// `scratch` is overwritten.
  mutating func mergeRuns(_ scratch: inout SeriesSamples) {
    while true {
      let starts = runStarts()
      if starts.count < 2 { return }
      scratch.removeAll()
      for pair in stride(from: 0, to: starts.count, by: 2) {
        let middle = pair + 1 < starts.count ? starts[pair + 1] : count
        let end = pair + 2 < starts.count ? starts[pair + 2] : count
        merge(starts[pair]..<middle, middle..<end, into: &scratch)
      }
      swap(&self, &scratch)
    }
  }

  /// Where the runs of rising times begin.
  private func runStarts() -> [Int] {
    if count == 0 { return [] }
    var starts = [0]
    let times = times.base
    for index in 1..<max(count, 1) where times[index] <= times[index - 1] { starts.append(index) }
    return starts
  }

  private func merge(_ left: Range<Int>, _ right: Range<Int>, into target: inout SeriesSamples) {
    let start = target.count
    target.times.resize(to: start + left.count + right.count)
    target.values.resize(to: start + left.count + right.count)
    let (times, values) = (times.base, values.base)
    let (mergedTimes, mergedValues) = (target.times.base, target.values.base)
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
    target.times.resize(to: end)
    target.values.resize(to: end)
  }
}

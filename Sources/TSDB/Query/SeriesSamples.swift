import Format

/// The samples of one series as two columns, sorted by time, each time once. Reused from series to series; one owner.
package struct SeriesSamples: ~Copyable, Sendable {
  package var times = Column<Int64>(capacity: 256)
  /// Bit patterns of the values.
  package var values = Column<UInt64>(capacity: 256)
  /// Mostly empty; nothing is done for it per float.
  package var histograms = HistogramColumn()
  /// The other half of a merge; what is in them means nothing.
  var spareTimes = Column<Int64>(capacity: 8)
  var spareValues = Column<UInt64>(capacity: 8)

  package init() {}

  package var count: Int { times.count }

  package mutating func removeAll() {
    times.removeAll()
    values.removeAll()
    histograms.removeAll()
  }

  mutating func append(time: Int64, value: UInt64) {
    times.append(time)
    values.append(value)
  }

  /// Appends the samples of another behind what is there.
  mutating func append(_ other: borrowing SeriesSamples) {
    if !other.histograms.isEmpty { histograms.append(other.histograms) }
    if other.count == 0 { return }
    times.extend(by: other.count).update(from: other.times.base, count: other.count)
    values.extend(by: other.count).update(from: other.values.base, count: other.count)
  }

  /// Appends the samples of a chunk of equal values that owns no bytes.
  mutating func appendConstant(_ tail: XORTail, from start: Int64) {
    let count = Int(tail.count)
    let (timeBase, valueBase) = (times.extend(by: count), values.extend(by: count))
    for index in 0..<count {
      timeBase[index] = start &+ Int64(index) &* Int64(tail.timeDelta)
      valueBase[index] = tail.lastValue
    }
  }

  /// Decodes a chunk behind what is there. False if it is not whole; what could be read is there then.
  mutating func append(chunk: UnsafeRawBufferPointer) -> Bool {
    guard let count = XORChunk.count(of: chunk) else { return false }
    let decoded = XORChunk.decode(chunk, times: times.extend(by: count), values: values.extend(by: count))
    if decoded == count { return true }
    let whole = times.times.count - count + decoded
    times.keep(0..<whole)
    values.keep(0..<whole)
    return false
  }

  /// Puts the samples in order of time. Of equal times the one that was appended first stays.
  mutating func sortByTime() {
    if !histograms.isEmpty { histograms.sort() }
    if SeriesSamples.firstLate(times.times) < times.count { mergeRuns() }
  }

  /// The first sample that is not later than the one before it; the count where there is none.
  private static func firstLate(_ times: UnsafeBufferPointer<Int64>) -> Int {
    var index = 1
    // Eight at a time without a branch: a sign bit anywhere is looked at closely. Times that are so large that their
    // differences could overflow have one too.
    while index &+ 8 <= times.count {
      var signs: Int64 = 0
      for place in index..<(index &+ 8) {
        let time = times[place]
        signs |= (time &- times[place &- 1] &- 1) | (time ^ (time &<< 1))
      }
      let before = times[index &- 1]
      if (signs | (before ^ (before &<< 1))) < 0 { break }
      index &+= 8
    }
    while index < times.count, times[index] > times[index &- 1] { index &+= 1 }
    return min(index, times.count)
  }

  /// Keeps the samples from `first` to `last`, both included, of samples in order.
  mutating func clip(_ first: Int64, _ last: Int64) {
    if !histograms.isEmpty { histograms.filter(from: 0) { $0 >= first && $0 <= last } }
    let all = times.times
    if all.isEmpty || all[0] >= first && all[all.count - 1] <= last { return }
    let start = index(from: first)
    let kept = start..<(last == .max ? all.count : max(start, index(from: last + 1)))
    times.keep(kept)
    values.keep(kept)
  }

  /// The first sample at `time` or later, of samples in order.
  private func index(from time: Int64) -> Int {
    let times = times.times
    var low = 0
    var high = times.count
    while low < high {
      let middle = (low + high) / 2
      if times[middle] < time { low = middle + 1 } else { high = middle }
    }
    return low
  }
}

extension SeriesSamples {
  /// The value at exactly `time`; nil if there is none.
  func value(at time: Int64) -> UInt64? {
    let place = index(from: time)
    return place < times.count && times[place] == time ? values[place] : nil
  }
}

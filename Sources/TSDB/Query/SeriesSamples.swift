import Format

/// The samples of one series as two columns, sorted by time, each time once. Reused from series to series; one owner.
package struct SeriesSamples: ~Copyable, Sendable {
  package var times = Column<Int64>(capacity: 256)
  /// Bit patterns of the values.
  package var values = Column<UInt64>(capacity: 256)
  private var lateTimes = Column<Int64>(capacity: 8)
  private var lateValues = Column<UInt64>(capacity: 8)

  package init() {}

  package var count: Int { times.count }

  package mutating func removeAll() {
    times.removeAll()
    values.removeAll()
    lateTimes.removeAll()
    lateValues.removeAll()
  }

  mutating func append(time: Int64, value: UInt64) {
    times.append(time)
    values.append(value)
  }

  /// Decodes a chunk behind what is there. False where it is not whole; what could be read is there then.
  mutating func append(chunk: UnsafeRawBufferPointer) -> Bool {
    guard let count = XORChunk.count(of: chunk) else { return false }
    let before = times.count
    times.resize(to: before + count)
    values.resize(to: before + count)
    let decoded = XORChunk.decode(chunk, times: times.base + before, values: values.base + before)
    times.resize(to: before + decoded)
    values.resize(to: before + decoded)
    return decoded == count
  }

  /// Puts the samples in order of time. Of equal times the one that was appended first stays.
  mutating func sortByTime() {
    let count = times.count
    guard let firstLate = (1..<max(count, 1)).first(where: { times[$0] <= times[$0 - 1] }) else { return }
    lateTimes.removeAll()
    lateValues.removeAll()
    for index in firstLate..<count {
      lateTimes.append(times[index])
      lateValues.append(values[index])
    }
    // The tail is a few sorted runs: sorted by time, stable by position.
    let order = (0..<lateTimes.count).sorted { (lateTimes[$0], $0) < (lateTimes[$1], $1) }
    var merged: [(time: Int64, value: UInt64)] = []
    merged.reserveCapacity(count)
    var left = 0
    var right = 0
    while left < firstLate || right < order.count {
      let takesLeft = right == order.count || left < firstLate && times[left] <= lateTimes[order[right]]
      let next = takesLeft ? (times[left], values[left]) : (lateTimes[order[right]], lateValues[order[right]])
      if takesLeft { left += 1 } else { right += 1 }
      if merged.last?.time != next.0 { merged.append(next) }
    }
    times.resize(to: merged.count)
    values.resize(to: merged.count)
    for (index, sample) in merged.enumerated() {
      times[index] = sample.time
      values[index] = sample.value
    }
  }

  /// Keeps the samples from `first` to `last`, both included.
  mutating func clip(_ first: Int64, _ last: Int64) {
    let count = times.count
    if count == 0 || times[0] >= first && times[count - 1] <= last { return }
    var kept = 0
    for index in 0..<count where times[index] >= first && times[index] <= last {
      times[kept] = times[index]
      values[kept] = values[index]
      kept += 1
    }
    times.resize(to: kept)
    values.resize(to: kept)
  }
}

extension SeriesSamples {
  /// The value at exactly `time`.
  func value(at time: Int64) -> UInt64? {
    var low = 0
    var high = times.count
    while low < high {
      let middle = (low + high) / 2
      if times[middle] < time { low = middle + 1 } else { high = middle }
    }
    return low < times.count && times[low] == time ? values[low] : nil
  }
}

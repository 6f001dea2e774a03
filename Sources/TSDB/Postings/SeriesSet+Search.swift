// Questions to a set of series; none of them changes it.
extension SeriesSet {
  func contains(_ id: UInt32) -> Bool {
    if let words {
      guard id >= base, Int(id - base) < wordCount * 64 else { return false }
      return words[Int(id - base) >> 6] >> UInt64(id & 63) & 1 != 0
    }
    let at = gallop(0, id)
    return at < sparse.count && sparse[at] == id
  }

  /// The first id of the set in `ids`, or their end.
  func firstMember(in ids: Range<UInt64>) -> UInt64 { first(in: ids, member: true) }

  /// The first id of `ids` that is not in the set, or their end.
  func firstNonMember(in ids: Range<UInt64>) -> UInt64 { first(in: ids, member: false) }

  private func first(in ids: Range<UInt64>, member: Bool) -> UInt64 {
    guard let words else {
      var at = ids.lowerBound
      var cursor = at <= UInt32.max ? gallop(0, UInt32(at)) : sparse.count
      if member { return cursor < sparse.count ? min(UInt64(sparse[cursor]), ids.upperBound) : ids.upperBound }
      while at < ids.upperBound, cursor < sparse.count, UInt64(sparse[cursor]) == at {
        at += 1
        cursor += 1
      }
      return at
    }
    var at = ids.lowerBound
    while at < ids.upperBound {
      let bit = Int64(bitPattern: at) - Int64(base)
      // Outside of the bitmap there are no members.
      var word: UInt64 = 0
      if bit >= 0, bit < Int64(wordCount) * 64 { word = words[Int(bit >> 6)] }
      let wanted = (member ? word : ~word) & (UInt64.max &<< (at & 63))
      if wanted != 0 { return min(at & ~63 + UInt64(wanted.trailingZeroBitCount), ids.upperBound) }
      at = at & ~63 + 64
    }
    return ids.upperBound
  }

  /// True if the set holds an id of the runs.
  func intersects(_ runs: PostingsRuns) -> Bool {
    var runs = runs
    var cursor = 0
    while let run = runs.next() {
      if let words {
        guard let (from, to) = clipped(run.first, run.count) else { continue }
        if SeriesSet.anyBit(words, from, to) { return true }
      } else {
        cursor = gallop(cursor, run.first)
        if cursor == sparse.count { return false }
        if sparse[cursor] &- run.first < run.count { return true }
      }
    }
    return false
  }

  /// The first place from `start` on whose id is at least `id`: steps that double, then a binary search.
  func gallop(_ start: Int, _ id: UInt32) -> Int {
    var low = start
    var step = 1
    var high = start
    while high < sparse.count, sparse[high] < id {
      low = high + 1
      high += step
      step *= 2
    }
    high = min(high, sparse.count)
    while low < high {
      let middle = (low + high) / 2
      if sparse[middle] < id { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private static func anyBit(_ words: UnsafeMutablePointer<UInt64>, _ from: Int, _ to: Int) -> Bool {
    var found: UInt64 = 0
    forEachWord(from, to) { found |= words[$0] & $1 }
    return found != 0
  }
}

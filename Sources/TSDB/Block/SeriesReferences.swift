import Format

/// Sets of series of a block as ascending references, and the lists of its index. Lists of one label share no series; where
/// a damaged index has them do so, the results are still sets.
enum SeriesReferences {
  /// The references that at least one of the lists has; nil if a list does not ascend.
  static func union(_ lists: [IndexPostings]) -> [UInt32]? {
    var all: [UInt32] = []
    all.reserveCapacity(lists.reduce(0) { $0 + $1.count })
    var isSorted = true
    for list in lists where list.count > 0 {
      if let last = all.last, last >= list[0] { isSorted = false }
      guard list.append(to: &all) else { return nil }
    }
    if isSorted { return all }
    all.sort()
    var kept = 1
    for place in 1..<all.count where all[place] != all[kept - 1] {
      all[kept] = all[place]
      kept += 1
    }
    all.removeLast(all.count - kept)
    return all
  }

  /// The members of `references` that at least one of the lists has as well.
  static func keeping(_ lists: [IndexPostings], of references: [UInt32]) -> [UInt32] {
    filter(references, lists, isWanted: true)
  }

  static func removing(_ lists: [IndexPostings], from references: [UInt32]) -> [UInt32] {
    lists.isEmpty ? references : filter(references, lists, isWanted: false)
  }

  private static func filter(_ references: [UInt32], _ lists: [IndexPostings], isWanted: Bool) -> [UInt32] {
    var isListed = [Bool](repeating: false, count: references.count)
    for list in lists {
      if list.count < references.count {
        markShort(list, references, &isListed)
      } else {
        markLong(list, references, &isListed)
      }
    }
    var kept: [UInt32] = []
    for (place, reference) in references.enumerated() where isListed[place] == isWanted { kept.append(reference) }
    return kept
  }

  /// Looks each reference up in a longer list.
  private static func markLong(_ list: IndexPostings, _ references: [UInt32], _ isListed: inout [Bool]) {
    var cursor = 0
    for (place, reference) in references.enumerated() {
      cursor = list.gallop(cursor, to: reference)
      if cursor == list.count { return }
      if list[cursor] == reference { isListed[place] = true }
    }
  }

  /// Looks each entry of a list up in more references.
  private static func markShort(_ list: IndexPostings, _ references: [UInt32], _ isListed: inout [Bool]) {
    var cursor = 0
    for place in 0..<list.count {
      let reference = list[place]
      var step = 1
      var high = cursor
      while high < references.count, references[high] < reference {
        cursor = high + 1
        high += step
        step *= 2
      }
      high = min(high, references.count)
      while cursor < high {
        let middle = (cursor + high) / 2
        if references[middle] < reference { cursor = middle + 1 } else { high = middle }
      }
      if cursor == references.count { return }
      if references[cursor] == reference { isListed[cursor] = true }
    }
  }
}

// A set of series ids while a selection narrows it: a bitmap over the range of its ids where that is no larger than the ids
// written out, else a sorted array. One owner, one thread.
struct SeriesSet: ~Copyable {
  // Dense: bit `id - base` of `words`; `base` is a multiple of 64. Sparse: `words` is nil.
  private(set) var words: UnsafeMutablePointer<UInt64>?
  private(set) var base: UInt32 = 0
  private(set) var wordCount = 0
  private(set) var sparse: [UInt32] = []
  private(set) var count = 0

  /// A bitmap takes one bit of range where the array takes 32 an id.
  private static let sparseRangePerID = 32
  /// Above one list an array has to be sorted, so a wider bitmap is still the cheaper way to one.
  private static let sparseRangePerIDOfUnion = 1024

  /// Ids that are sorted and distinct.
  init(sorted ids: [UInt32]) {
    guard let first = ids.first, let last = ids.last else { return }
    count = ids.count
    if Int(last - first) / SeriesSet.sparseRangePerID > ids.count {
      sparse = ids
    } else {
      makeWords(first, last)
      for id in ids { insert(id, 1) }
    }
  }

  /// The union of lists of a copy.
  init(_ copy: borrowing PostingsCopy, _ lists: Range<Int>) {
    var first = UInt32.max
    var last: UInt32 = 0
    var total = 0
    for list in lists {
      var runs = copy.runs(list)
      guard let run = runs.next() else { continue }
      first = min(first, run.first)
      last = max(last, copy.entries[list].last)
      total += copy.entries[list].count
    }
    if total == 0 { return }
    let perID = lists.count == 1 ? SeriesSet.sparseRangePerID : SeriesSet.sparseRangePerIDOfUnion
    if Int(last - first) / perID <= total {
      makeWords(first, last)
      for list in lists { insert(copy.runs(list)) }
      recount()
      settle()
    } else {
      sparse.reserveCapacity(total)
      for list in lists {
        var runs = copy.runs(list)
        while let run = runs.next() {
          for step in 0..<run.count { sparse.append(run.first &+ step) }
        }
      }
      if lists.count > 1 { sortSparse() }
      count = sparse.count
    }
  }

  deinit { words?.deallocate() }

  var isEmpty: Bool { count == 0 }

  /// The ids in order.
  var ids: [UInt32] {
    guard let words else { return sparse }
    return [UInt32](unsafeUninitializedCapacity: count) { target, filled in
      for index in 0..<wordCount {
        var word = words[index]
        while word != 0 {
          target[filled] = base &+ UInt32(truncatingIfNeeded: index &* 64 &+ word.trailingZeroBitCount)
          filled += 1
          word &= word &- 1
        }
      }
    }
  }

  /// Keeps only what one of the lists has as well.
  mutating func keep(_ copy: borrowing PostingsCopy, _ lists: Range<Int>) {
    if let words {
      let kept = SeriesSet.emptyWords(wordCount)
      self.words = kept
      for list in lists { insert(copy.runs(list)) }
      for index in 0..<wordCount { kept[index] &= words[index] }
      words.deallocate()
      recount()
      settle()
    } else {
      filterSparse(copy, lists, keeping: true)
    }
  }

  /// Removes what one of the lists has.
  mutating func remove(_ copy: borrowing PostingsCopy, _ lists: Range<Int>) {
    if let words {
      for list in lists {
        var runs = copy.runs(list)
        while let run = runs.next() {
          guard let (from, to) = clipped(run.first, run.count) else { continue }
          SeriesSet.forEachWord(from, to) { words[$0] &= ~$1 }
        }
      }
      recount()
      settle()
    } else {
      filterSparse(copy, lists, keeping: false)
    }
  }

  /// Removes what another set has as well.
  mutating func remove(_ other: borrowing SeriesSet) {
    if let words {
      for id in other.ids where Int(id) >= Int(base) && Int(id) - Int(base) < wordCount * 64 {
        words[Int(id - base) >> 6] &= ~(1 << UInt64(id & 63))
      }
      recount()
      settle()
    } else {
      var filled = 0
      for id in sparse where !other.contains(id) {
        sparse[filled] = id
        filled += 1
      }
      sparse.removeLast(sparse.count - filled)
      count = filled
    }
  }

  // MARK: Sparse

  private mutating func filterSparse(_ copy: borrowing PostingsCopy, _ lists: Range<Int>, keeping: Bool) {
    let marks = SeriesSet.emptyWords(sparse.count / 64 + 1)
    defer { marks.deallocate() }
    for list in lists {
      var runs = copy.runs(list)
      var cursor = 0
      while let run = runs.next() {
        cursor = gallop(cursor, run.first)
        while cursor < sparse.count, sparse[cursor] &- run.first < run.count {
          marks[cursor >> 6] |= 1 << UInt64(cursor & 63)
          cursor += 1
        }
        if cursor == sparse.count { break }
      }
    }
    var filled = 0
    for index in 0..<sparse.count where (marks[index >> 6] >> UInt64(index & 63) & 1 != 0) == keeping {
      sparse[filled] = sparse[index]
      filled += 1
    }
    sparse.removeLast(sparse.count - filled)
    count = filled
  }

  /// Lists of one label name share no series, but a value that is listed twice would bring its ids twice.
  private mutating func sortSparse() {
    sparse.sort()
    var filled = 0
    for index in 0..<sparse.count where index == 0 || sparse[index] != sparse[filled - 1] {
      sparse[filled] = sparse[index]
      filled += 1
    }
    sparse.removeLast(sparse.count - filled)
  }

  // MARK: Dense

  private mutating func makeWords(_ first: UInt32, _ last: UInt32) {
    base = first & ~63
    wordCount = Int(last - base) / 64 + 1
    words = SeriesSet.emptyWords(wordCount)
  }

  private static func emptyWords(_ count: Int) -> UnsafeMutablePointer<UInt64> {
    let words = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
    words.initialize(repeating: 0, count: count)
    return words
  }

  private func insert(_ runs: PostingsRuns) {
    guard let words else { return }
    var runs = runs
    let bitCount = UInt32(clamping: wordCount * 64)
    while let run = runs.next() {
      if run.count == 1 {
        // Most runs of scattered lists.
        let bit = run.first &- base
        if bit < bitCount { words[Int(bit &>> 6)] |= 1 &<< UInt64(bit & 63) }
      } else {
        insert(run.first, run.count)
      }
    }
  }

  @inline(__always) private func insert(_ first: UInt32, _ count: UInt32) {
    guard let words, let (from, to) = clipped(first, count) else { return }
    SeriesSet.forEachWord(from, to) { words[$0] |= $1 }
  }

  /// The bits of a run that lie in the range of the bitmap.
  @inline(__always) func clipped(_ first: UInt32, _ count: UInt32) -> (from: Int, to: Int)? {
    let from = max(Int(first) - Int(base), 0)
    let to = min(Int(first) - Int(base) + Int(count), wordCount * 64)
    return from < to ? (from, to) : nil
  }

  /// The words that hold the bits `from..<to`, each with the mask of those bits.
  @inline(__always) static func forEachWord(_ from: Int, _ to: Int, _ body: (Int, UInt64) -> Void) {
    let firstWord = from >> 6
    let lastWord = (to - 1) >> 6
    let firstMask = UInt64.max &<< UInt64(from & 63)
    let lastMask = UInt64.max &>> UInt64(63 - ((to - 1) & 63))
    if firstWord == lastWord {
      body(firstWord, firstMask & lastMask)
      return
    }
    body(firstWord, firstMask)
    for word in (firstWord + 1)..<lastWord { body(word, .max) }
    body(lastWord, lastMask)
  }

  private mutating func recount() {
    guard let words else { return }
    count = 0
    for index in 0..<wordCount { count += words[index].nonzeroBitCount }
  }

  /// Writes the ids out where that is smaller by now.
  private mutating func settle() {
    guard let words, count * SeriesSet.sparseRangePerID * 2 < wordCount * 64 else { return }
    sparse = ids
    words.deallocate()
    self.words = nil
  }
}

import Model

/// The labels of the series that a listing has found, each once, within a bound of bytes. Owned by whoever lists.
///
/// Where the listing has a limit and wants the first of all in order, what cannot be among them any more is dropped now
/// and then, so that a small limit needs little memory however much there is.
package struct SeriesCollection {
  /// Bytes that a series takes beside its labels: the head of its buffer and its places in the two lists.
  static let bytesPerSeries = 80
  /// Series beyond the limit that may be held before they are dropped.
  private static let surplusMax = 4096

  package private(set) var labels: [Labels] = []
  /// True if series beyond the limit were left out.
  package private(set) var isTruncated = false
  /// True if the series take more than `bytesMax`: the list is then incomplete, and of no use.
  package private(set) var isTooLarge = false
  private(set) var byteCount = 0
  private var seen: Set<Labels> = []
  private let limit: Int
  private let bytesMax: Int

  /// A limit of 0 means no limit.
  init(limit: Int, bytesMax: Int) {
    self.limit = limit
    self.bytesMax = bytesMax
  }

  /// Adds a series that the caller knows is not here yet; false if the listing needs no more.
  mutating func append(_ one: Labels) -> Bool {
    if limit > 0 && labels.count == limit {
      isTruncated = true
      return false
    }
    add(one)
    return !isTooLarge
  }

  /// Adds a series unless it is here; false if the listing needs no more.
  mutating func insert(_ one: Labels) -> Bool {
    if seen.insert(one).inserted {
      add(one)
      if limit > 0 && labels.count > limit + SeriesCollection.surplusMax { dropSurplus() }
    }
    return !isTooLarge
  }

  private mutating func add(_ one: Labels) {
    labels.append(one)
    byteCount += one.packed.count + SeriesCollection.bytesPerSeries
    isTooLarge = byteCount > bytesMax
  }

  private mutating func dropSurplus() {
    sort()
    seen = Set(labels)
    byteCount = labels.reduce(0) { $0 + $1.packed.count + SeriesCollection.bytesPerSeries }
    isTooLarge = byteCount > bytesMax
  }

  /// Puts the series in order and leaves the first of them, up to the limit.
  mutating func sort() {
    labels.sort()
    if limit > 0 && labels.count > limit {
      isTruncated = true
      labels.removeLast(labels.count - limit)
    }
  }
}

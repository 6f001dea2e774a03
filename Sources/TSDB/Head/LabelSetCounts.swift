import Model

/// A limit of the series in memory that have all of these labels.
package struct LabelSetLimit: Sendable, Equatable {
  /// Empty: the limit is that of all series that no other one of the workspace is about.
  package var labels: Labels
  /// 0: the series are counted, and not limited.
  package var seriesMax: Int

  package init(labels: Labels, seriesMax: Int) {
    self.labels = labels
    self.seriesMax = seriesMax
  }

  /// True if `packed`, the labels of a series, has all of these labels; both sides are sorted by name.
  func holds(_ packed: UnsafeRawBufferPointer) -> Bool {
    labels.packed.withUnsafeBytes { wanted in
      var wanted = LabelReader(wanted)
      var present = LabelReader(packed)
      while let label = wanted.next() {
        while true {
          guard let (name, value) = present.next() else { return false }
          if !equalBytes(name, label.name) { continue }
          if !equalBytes(value, label.value) { return false }
          break
        }
      }
      return true
    }
  }
}

/// The number of living series of each limited label set. Owned by the index's mutex.
///
/// Series are numbered in rising order. When the sets change, those numbered from then on are counted as they come; the
/// older ones are counted in short steps by `SeriesIndex.limit`, from the first on. So a series is counted exactly when
/// its number is below `walkedThrough`, or not below `begunAt`.
struct LabelSetCounts: Sendable {
  private(set) var sets: [(limit: LabelSetLimit, count: Int)] = []
  private var walkedThrough = 0
  private var begunAt = 0

  /// Counts anew; `numberOfNext` is the number that the next series will have.
  mutating func begin(_ limits: [LabelSetLimit], numberOfNext: Int) {
    sets = limits.map { ($0, 0) }
    walkedThrough = 0
    begunAt = numberOfNext
  }

  var isWalkOver: Bool { walkedThrough >= begunAt }

  /// The next numbers of the walk; the caller counts them before anybody else has the lock.
  mutating func nextTurn(_ countMax: Int) -> Range<Int> {
    let turn = walkedThrough..<min(begunAt, walkedThrough + countMax)
    walkedThrough = turn.upperBound
    return turn
  }

  func isCounted(_ number: Int) -> Bool { number < walkedThrough || number >= begunAt }

  mutating func add(_ packed: UnsafeRawBufferPointer, _ difference: Int) {
    var isRest = true
    for index in sets.indices where !sets[index].limit.labels.isEmpty && sets[index].limit.holds(packed) {
      sets[index].count += difference
      isRest = false
    }
    if !isRest { return }
    for index in sets.indices where sets[index].limit.labels.isEmpty { sets[index].count += difference }
  }

  /// The limit that a new series of these labels would break.
  func broken(by packed: UnsafeRawBufferPointer) -> LabelSetLimit? {
    func isFull(_ set: (limit: LabelSetLimit, count: Int)) -> Bool {
      set.limit.seriesMax > 0 && set.count >= set.limit.seriesMax
    }
    var isRest = true
    for set in sets where !set.limit.labels.isEmpty && set.limit.holds(packed) {
      if isFull(set) { return set.limit }
      isRest = false
    }
    return isRest ? sets.first { $0.limit.labels.isEmpty && isFull($0) }?.limit : nil
  }
}

extension SeriesIndex {
  private static let countedPerTurnMax = 10_000

  /// Limits other label sets from now on, and counts what there is. Until that is done a set may take more than it should.
  func limit(_ limits: [LabelSetLimit]) {
    let isSame = state.withLock { state in
      if state.labelSets.sets.map(\.limit) == limits { return true }
      state.labelSets.begin(limits, numberOfNext: state.entries.count)
      return false
    }
    if isSame || limits.isEmpty { return }
    var packed: [UInt8] = []
    while true {
      let isOver = state.withLock { state in
        for number in state.labelSets.nextTurn(SeriesIndex.countedPerTurnMax)
        where state.packedLabels(of: UInt32(number), into: &packed) {
          packed.withUnsafeBytes { state.labelSets.add($0, 1) }
        }
        return state.labelSets.isWalkOver
      }
      if isOver { return }
    }
  }

  var labelSetCounts: [(limit: LabelSetLimit, count: Int)] { state.withLock { $0.labelSets.sets } }
}

extension Head {
  /// The number of series of each limited label set.
  package var labelSetCounts: [(limit: LabelSetLimit, count: Int)] { index.labelSetCounts }
  package var seriesLimits: SeriesLimits { limits.withLock { $0 } }
  /// Series in memory that are the server's own, as its last body of them had them: they do not count towards the limits.
  package var exemptSeriesCount: Int {
    get { index.exemptCount }
    set { index.exemptCount = newValue }
  }
}

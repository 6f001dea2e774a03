import Format
import Model
import Platform
import Synchronization

/// From labels to series numbers and back: interned symbols, postings, and per series its place in the shards and its
/// labels. One mutex for all of it; queries copy out what they need. Numbers only grow while a process lives.
final class SeriesIndex: HeadIndexLender, Sendable {
  struct Entry: BitwiseCopyable {
    var location: UInt32
    /// Cell of the symbol ids of the labels; 0: the series is gone.
    var labels: UInt32

    static let gone = Entry(location: SeriesLocation.none.raw, labels: 0)
  }

  struct State: ~Copyable, @unchecked Sendable {
    var index: HeadIndex
    var entries = SegmentedColumn<Entry>(gone: .gone)
    var cells = SlabArena()
    var liveCount = 0
    /// Series among them that are the server's own, for which there are no limits.
    var exemptCount = 0
    var labelSets = LabelSetCounts()
    /// Changes when a sweep of symbols begins: ids that no series holds yet may lose their meaning.
    var symbolAge = 0
  }

  let state: Mutex<State>
  /// Symbol of `__name__`.
  let metricName: SymbolID

  init(key: (UInt64, UInt64)) {
    var state = State(index: HeadIndex(key: key))
    // Number 0 is no series, so that 0 can mean "not numbered yet".
    state.entries.append(Entry.gone)
    metricName = state.index.symbols.intern(LabelName.metric) ?? 0
    self.state = Mutex(state)
  }

  var liveCount: Int { state.withLock { $0.liveCount } }

  /// Series in memory for which there are no limits; they do not count towards them either.
  var exemptCount: Int {
    get { state.withLock { $0.exemptCount } }
    set { state.withLock { $0.exemptCount = newValue } }
  }

  func withIndex<Result>(_ body: (borrowing HeadIndex) -> Result) -> Result {
    // What `body` returns is its own: plain values and immutable snapshots.
    nonisolated(unsafe) var result: Result?
    state.withLock { result = body($0.index) }
    return result.unsafelyUnwrapped
  }

  /// The symbols of a series about to be created. One owner.
  struct Admission: ~Copyable {
    fileprivate var pairs: [LabelPair] = []
    fileprivate var symbolAge = 0
  }

  private static let cellBytesMax = SlabArena.sizes[SlabArena.sizes.count - 1]

  /// Interns the labels of a series about to be created, or says why it may not be. Nil as limits: there are none.
  func admit(
    _ packed: UnsafeRawBufferPointer, labelCount: Int, _ limits: SeriesLimits?, into admission: inout Admission
  ) -> SeriesRefusal? {
    state.withLock { state in
      // Each label takes two bytes of a cell at the least: what cannot fit leaves no symbols.
      if 2 + 2 * labelCount > SeriesIndex.cellBytesMax { return .tooManyLabels(labelCount) }
      guard let limits else {
        guard state.intern(packed, into: &admission) else { return .exhausted }
        return SeriesIndex.State.hasCell(for: admission.pairs) ? nil : .tooManyLabels(labelCount)
      }
      let present = state.liveCount - state.exemptCount
      if limits.activeSeriesMax > 0 && present >= limits.activeSeriesMax {
        return .activeSeries(limit: limits.activeSeriesMax, present: present)
      }
      if let broken = state.labelSets.broken(by: packed) {
        return .seriesPerLabelSet(limit: broken.seriesMax, labels: broken.labels)
      }
      guard state.intern(packed, into: &admission) else { return .exhausted }
      if !SeriesIndex.State.hasCell(for: admission.pairs) { return .tooManyLabels(labelCount) }
      if limits.seriesPerMetricMax <= 0 { return nil }
      for pair in admission.pairs where pair.name == metricName {
        if state.index.postings.count(pair.name, pair.value) < limits.seriesPerMetricMax { continue }
        let metric = String(decoding: state.index.symbols.bytes(of: pair.value), as: UTF8.self)
        return .seriesPerMetric(limit: limits.seriesPerMetricMax, metric: metric)
      }
      return nil
    }
  }

  /// Numbers a series that was admitted with these labels and now exists at `location`. Nil if memory is exhausted.
  func add(
    _ location: SeriesLocation, _ packed: UnsafeRawBufferPointer, _ admission: inout Admission
  ) -> UInt32? {
    state.withLock { state in
      if admission.symbolAge != state.symbolAge, !state.intern(packed, into: &admission) { return nil }
      guard state.entries.count < Int(UInt32.max), let cell = state.store(admission.pairs) else { return nil }
      let id = UInt32(state.entries.count)
      state.entries.append(Entry(location: location.raw, labels: cell))
      admission.pairs.withUnsafeBufferPointer { state.index.postings.add(id, $0) }
      state.liveCount += 1
      state.labelSets.add(packed, 1)
      return id
    }
  }

  /// The bytes of postings that one turn of a sweep reads; below, the series that one turn takes out. Between turns it
  /// gives the lock away for a moment.
  private static let sweepBytesMax = 1 << 20
  private static let removedPerTurnMax = 10_000

  /// Takes series out for good. Ids must be sorted.
  func remove(_ ids: [UInt32]) {
    if ids.isEmpty { return }
    var sweep = PostingsSweep(removing: ids)
    while !state.withLock({ $0.index.postings.sweep(&sweep, bytesMax: SeriesIndex.sweepBytesMax) }) {}
    var start = 0
    while start < ids.count {
      let end = min(start + SeriesIndex.removedPerTurnMax, ids.count)
      state.withLock { state in
        var packed: [UInt8] = []
        for id in ids[start..<end] {
          let entry = state.entries[Int(id)]
          if !state.labelSets.sets.isEmpty, state.labelSets.isCounted(Int(id)),
            state.packedLabels(of: id, into: &packed)
          {
            packed.withUnsafeBytes { state.labelSets.add($0, -1) }
          }
          if entry.labels != 0 { state.freeLabels(entry.labels) }
          state.entries[Int(id)] = Entry.gone
          state.liveCount -= 1
        }
      }
      start = end
    }
    releaseEntries(of: ids)
  }

  /// Gives back the memory of entries that are all gone.
  private func releaseEntries(of ids: [UInt32]) {
    var last = -1
    for id in ids where SegmentedColumn<Entry>.segment(of: Int(id)) != last {
      last = SegmentedColumn<Entry>.segment(of: Int(id))
      state.withLock { state in state.entries.release(segment: last) { $0.labels == 0 } }
    }
  }
}

// Symbols of ended series. Labels come and go with every deployment: what nobody uses is dropped once it is half of all.
extension SeriesIndex {
  /// Drops dead symbols if there are many; returns how many it dropped. One thread at a time, and nobody removes series
  /// meanwhile.
  @discardableResult
  func sweepSymbols() -> Int {
    let begun: SymbolSweep? = state.withLock { state in
      guard state.index.hasManyDeadSymbols else { return nil }
      state.symbolAge += 1
      return SymbolSweep(&state.index, pinned: [metricName])
    }
    guard var sweep = begun else { return 0 }
    while !state.withLock({ sweep.step(&$0.index) }) {}
    sweep.copy()
    return state.withLock { state in
      let before = state.index.symbols.count
      sweep.finish(&state.index)
      return before - state.index.symbols.count
    }
  }
}

extension SeriesIndex.State {
  fileprivate mutating func intern(_ packed: UnsafeRawBufferPointer, into admission: inout SeriesIndex.Admission)
    -> Bool
  {
    admission.symbolAge = symbolAge
    admission.pairs.removeAll(keepingCapacity: true)
    var reader = LabelReader(packed)
    while let (name, value) = reader.next() {
      guard let name = index.symbols.intern(name), let value = index.symbols.intern(value) else { return false }
      admission.pairs.append(LabelPair(name: name, value: value))
    }
    return true
  }
}

// A label cell: count of bytes behind it (u16), then name and value ids as uvarints.
extension SeriesIndex.State {
  /// True if a cell is large enough for these labels.
  fileprivate static func hasCell(for pairs: [LabelPair]) -> Bool { cellBytes(pairs) <= SeriesIndex.cellBytesMax }

  private static func cellBytes(_ pairs: [LabelPair]) -> Int {
    pairs.reduce(2) { $0 + varintBytes($1.name) + varintBytes($1.value) }
  }

  mutating func store(_ pairs: [LabelPair]) -> UInt32? {
    let bytes = SeriesIndex.State.cellBytes(pairs)
    guard bytes <= SeriesIndex.cellBytesMax, let cell = cells.allocate(SlabArena.sizeClass(for: bytes)) else {
      return nil
    }
    let base = cells.pointer(cell)
    UnsafeMutableRawPointer(base).storeBytes(of: UInt16(bytes), as: UInt16.self)
    var offset = 2
    for pair in pairs {
      put(pair.name, base, &offset)
      put(pair.value, base, &offset)
    }
    return cell
  }

  mutating func freeLabels(_ cell: UInt32) {
    let bytes = Int(UnsafeRawPointer(cells.pointer(cell)).load(as: UInt16.self))
    cells.free(cell, SlabArena.sizeClass(for: bytes))
  }

  /// The labels of a series in the packed form; false if it is gone.
  func packedLabels(of id: UInt32, into output: inout [UInt8]) -> Bool {
    guard Int(id) < entries.count, entries[Int(id)].labels != 0 else { return false }
    output.removeAll(keepingCapacity: true)
    let base = cells.pointer(entries[Int(id)].labels)
    let end = Int(UnsafeRawPointer(base).load(as: UInt16.self))
    var offset = 2
    while offset < end { append(index.symbols.bytes(of: get(base, &offset)), to: &output) }
    return true
  }

  /// Appends the symbols of a series' names and values in alternation; nothing where it is gone.
  func appendSymbols(of id: UInt32, to output: inout Column<UInt32>) {
    guard Int(id) < entries.count, entries[Int(id)].labels != 0 else { return }
    let base = cells.pointer(entries[Int(id)].labels)
    let end = Int(UnsafeRawPointer(base).load(as: UInt16.self))
    var offset = 2
    while offset < end { output.append(get(base, &offset)) }
  }

  private func append(_ part: UnsafeRawBufferPointer, to output: inout [UInt8]) {
    var length = part.count
    while length >= 0x80 {
      output.append(UInt8(truncatingIfNeeded: length) | 0x80)
      length >>= 7
    }
    output.append(UInt8(length))
    output.append(contentsOf: part)
  }

  private static func varintBytes(_ value: UInt32) -> Int { value == 0 ? 1 : (38 - value.leadingZeroBitCount) / 7 }

  private func put(_ value: UInt32, _ base: UnsafeMutablePointer<UInt8>, _ offset: inout Int) {
    var rest = value
    while rest >= 0x80 {
      base[offset] = UInt8(truncatingIfNeeded: rest) | 0x80
      offset += 1
      rest >>= 7
    }
    base[offset] = UInt8(rest)
    offset += 1
  }

  private func get(_ base: UnsafeMutablePointer<UInt8>, _ offset: inout Int) -> UInt32 {
    var value: UInt32 = 0
    var shift: UInt32 = 0
    while true {
      let byte = base[offset]
      offset += 1
      value |= UInt32(byte & 0x7f) << shift
      if byte < 0x80 { return value }
      shift += 7
    }
  }
}

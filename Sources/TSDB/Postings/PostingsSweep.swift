/// The removal of series that ended, in slices: the owner calls `HeadPostings.sweep` until it says done, and may give its
/// lock away between two calls. Series that are added meanwhile stay; so does everything else.
package struct PostingsSweep: ~Copyable {
  let removed: SeriesSet
  // Where the next slice goes on: a name, by its symbol, and a place in its list of values.
  fileprivate var nameIndex = 0
  fileprivate var valueIndex = 0
  fileprivate var name: SymbolID?
  /// The values that keep series, once one has lost its last.
  fileprivate var survivors: [SymbolID]?
  fileprivate var isAllSwept = false
  fileprivate var scratch = PostingsCopy()

  /// `series` sorted and distinct.
  package init(removing series: [UInt32]) { removed = SeriesSet(sorted: series) }
}

extension HeadPostings {
  /// Goes on with a sweep until about `bytesMax` bytes of lists were read (a list of a million series takes up to 2 MB).
  /// True when it is done.
  package mutating func sweep(_ sweep: inout PostingsSweep, bytesMax: Int) -> Bool {
    var bytesLeft = bytesMax
    if !sweep.isAllSwept {
      filter(all, &sweep, &bytesLeft)
      sweep.isAllSwept = true
    }
    while sweep.nameIndex < nameCount {
      if bytesLeft <= 0 { return false }
      let entry = name(at: sweep.nameIndex)
      if sweep.name != entry.pointee.name {
        sweep.name = entry.pointee.name
        sweep.valueIndex = 0
        sweep.survivors = nil
        filter(entry.pointee.having, &sweep, &bytesLeft)
      }
      while sweep.valueIndex < entry.pointee.listedCount {
        if bytesLeft <= 0 { return false }
        sweepValue(entry, &sweep, &bytesLeft)
        sweep.valueIndex += 1
      }
      finishName(entry, &sweep)
    }
    return true
  }

  private mutating func sweepValue(
    _ entry: UnsafeMutablePointer<NamePostings>, _ sweep: inout PostingsSweep, _ bytesLeft: inout Int
  ) {
    let value = entry.pointee.values.base[sweep.valueIndex]
    if let list = entry.pointee.find(value) {
      filter(list, &sweep, &bytesLeft)
      if store[list].pointee.count > 0 {
        sweep.survivors?.append(value)
        return
      }
      store.removeList(list)
      entry.pointee.remove(value)
    }
    if sweep.survivors == nil {
      let before = UnsafeBufferPointer(start: entry.pointee.values.base, count: sweep.valueIndex)
      sweep.survivors = Array(before)
    }
  }

  private mutating func finishName(_ entry: UnsafeMutablePointer<NamePostings>, _ sweep: inout PostingsSweep) {
    defer {
      sweep.name = nil
      sweep.survivors = nil
    }
    if entry.pointee.valueCount == 0 {
      // The last name moves here and is swept next.
      removeName(at: sweep.nameIndex)
      return
    }
    if let survivors = sweep.survivors { entry.pointee.replaceValues(survivors) }
    sweep.nameIndex += 1
  }

  /// Writes a list anew without the removed series, if it has any of them.
  private mutating func filter(_ list: UInt32, _ sweep: inout PostingsSweep, _ bytesLeft: inout Int) {
    sweep.scratch.removeAll()
    sweep.scratch.append(store[list], of: store.blocks)
    bytesLeft -= sweep.scratch.byteCount + PostingsSweep.listBytes
    if !sweep.removed.intersects(sweep.scratch.runs(0)) { return }
    store.blocks.clear(store[list])
    var runs = sweep.scratch.runs(0)
    while let run = runs.next() {
      // Counted in 64 bits: a run may end at the last id there is.
      var rest = UInt64(run.first)..<(UInt64(run.first) + UInt64(run.count))
      while !rest.isEmpty {
        let gone = sweep.removed.firstMember(in: rest)
        append(rest.lowerBound..<gone, to: list)
        rest = sweep.removed.firstNonMember(in: gone..<rest.upperBound)..<rest.upperBound
      }
    }
  }
}

extension HeadPostings {
  private mutating func append(_ ids: Range<UInt64>, to list: UInt32) {
    if ids.isEmpty { return }
    store.blocks.append(run: UInt32(ids.lowerBound), count: UInt32(ids.count), to: store[list])
  }
}

extension PostingsSweep {
  /// The cost of looking at a list beside its bytes, in bytes.
  fileprivate static let listBytes = 64
}

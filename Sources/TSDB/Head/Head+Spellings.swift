// What the cache of spellings is told by whoever makes the rules under which a spelling names a series.
extension Head {
  /// The most numbers that rules may have; they are used again in turn.
  package static let rulesMax = SpellingTable.rulesMax

  /// Remembers that what is spelled like `row` is dropped by the rules of the batch, so that they need not be asked again.
  package func drop(row: Int, _ batch: inout AppendBatch) {
    let view = BatchView(&batch)
    view.locations[row] = SeriesLocation.dropped.raw
    let rules = batch.rules
    batch.tally.dropped &+= Int(view.rows[row].sampleCount)
    let (high, low) = (view.rows[row].hashHigh, view.rows[row].hashLow)
    shards[Int(low & 15)].state.withLock { state in
      if state.references.findName(high: high, low: low, rules: rules).location.isDropped { return }
      state.references.insert(high: high, low: low, .dropped, rules: rules)
    }
  }

  /// Forgets what was resolved under other rules than these. A body that is still on its way under the old ones may bring
  /// some back: nobody finds them, and the next call takes them out.
  package func forgetSpellings(except rules: UInt32) {
    for shard in shards { shard.state.withLock { $0.references.forgetSpellings(except: rules) } }
  }

  /// Names in the cache: identities and spellings, and how many of them are known to be dropped.
  package var nameCounts: (all: Int, dropped: Int) {
    shards.reduce((0, 0)) { sum, shard in
      shard.state.withLock { (sum.0 + $0.references.count, sum.1 + $0.references.droppedCount) }
    }
  }
}

import Format
import Platform

extension Head {
  /// Puts the stored samples of the batch into the log. When it returns, the body may be acknowledged; when it throws,
  /// it must not be: the samples are in memory, but a retry finds them there and logs them then.
  func commit(_ batch: AppendBatch) throws(WALError) {
    noteAppended(batch.tally)
    batch.walBody.removeAll()
    if !batch.unlogged.isEmpty { batch.walBody.append(batch.seriesLog) }
    let hasLateSamples = encodeSamples(batch)
    if batch.samplesLog.count > 0 { batch.walBody.append(batch.samplesLog) }
    if !batch.histogramLogs.isEmpty { batch.histogramLogs.write(late: false, to: &batch.walBody) }
    // Behind the samples: whoever reads the log on the fly has the series and its samples first.
    if !batch.exemplars.isEmpty { batch.exemplars.write(to: &batch.walBody) }
    try files.wal.commit(batch.walBody)
    if !batch.exemplars.isEmpty { finishExemplars(batch) }
    if hasLateSamples || batch.histogramLogs.hasLate {
      batch.walBody.removeAll()
      if hasLateSamples { batch.walBody.append(batch.lateLog) }
      batch.histogramLogs.write(late: true, to: &batch.walBody)
      try files.wbl.commit(batch.walBody)
    }
    finishUnlogged(batch)
  }

  /// Takes over the times and the counts of an append whose samples are in memory.
  func noteAppended(_ tally: AppendTally) {
    noteTimes(tally)
    metrics.count(tally)
  }

  /// Counts the refused samples of a body by their outcome.
  func countRefused(_ batch: AppendBatch) {
    let view = BatchView(batch)
    for row in 0..<view.rowCount {
      let start = Int(view.rows[row].sampleStart)
      for sample in start..<(start &+ Int(view.rows[row].sampleCount)) {
        guard let outcome = batch.outcome(sample), !outcome.isStored else { continue }
        metrics.count(outcome)
      }
    }
  }

  /// Encodes the samples to log; true if there are late ones. It logs exact duplicates again: the body that brought
  /// them first may still be on its way to the log, or may have failed to get there, and this one is about to be
  /// acknowledged.
  private func encodeSamples(_ batch: AppendBatch) -> Bool {
    batch.samplesLog.removeAll()
    batch.lateLog.removeAll()
    if batch.tally.stored == 0 { return false }
    let view = BatchView(batch)
    let sampleCount = batch.rows.times.count
    var samples = SamplesRecord()
    if batch.tally.accepted + batch.tally.duplicates == sampleCount && sampleCount == view.rowCount
      && batch.tally.lateDuplicates == 0 && view.hasOneSampleEach
    {
      // One stored sample a row, which is what collectors send: the columns are the record already.
      samples.append(
        refs: UnsafeBufferPointer(start: view.references, count: sampleCount),
        timestamps: UnsafeBufferPointer(start: view.times, count: sampleCount),
        values: UnsafeBufferPointer(start: view.doubles, count: sampleCount), to: &batch.samplesLog)
      return false
    }
    keep(view, batch) { $0.isLoggedInOrder }
    samples.append(
      refs: batch.kept.refs, timestamps: batch.kept.timestamps, values: batch.kept.values, to: &batch.samplesLog)
    if batch.tally.loggedLate == 0 { return false }
    var late = SamplesRecord()
    keep(view, batch) { $0.isLoggedLate }
    late.append(refs: batch.kept.refs, timestamps: batch.kept.timestamps, values: batch.kept.values, to: &batch.lateLog)
    return true
  }

  /// Collects the samples whose outcome `isKept`.
  private func keep(_ view: BatchView, _ batch: AppendBatch, _ isKept: (SampleOutcome) -> Bool) {
    batch.kept.removeAll()
    for row in 0..<view.rowCount {
      let start = Int(view.rows[row].sampleStart)
      for sample in start..<(start &+ Int(view.rows[row].sampleCount)) {
        guard let outcome = SampleOutcome(rawValue: view.outcomes[sample]), isKept(outcome) else { continue }
        batch.kept.append(ref: view.references[row], timestamp: view.times[sample], value: view.doubles[sample])
      }
    }
  }

  /// Notes that the log holds these series now: others need not log them any more.
  private func finishUnlogged(_ batch: AppendBatch) {
    for series in batch.unlogged {
      shards[series.location.shard].state.withLock { state in
        let record = state.records.pointer(series.location.slot)
        guard record.pointee.reference == series.reference else { return }
        record.pointee.flags &= ~HeadSeries.isUnlogged
      }
    }
  }
}

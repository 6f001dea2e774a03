import Format
import Platform

extension Head {
  /// Puts the stored samples of the batch into the log. When it returns, the body may be acknowledged; when it throws,
  /// it must not be: the samples are in memory, but a retry finds them there and logs them then.
  package func commit(_ batch: inout AppendBatch) throws(WALError) {
    noteTimes(batch.tally)
    metrics.count(batch.tally)
    batch.walBody.removeAll()
    if !batch.unlogged.isEmpty { batch.walBody.append(batch.seriesLog) }
    let hasLate = encodeSamples(&batch)
    if batch.samplesLog.count > 0 { batch.walBody.append(batch.samplesLog) }
    try files.wal.commit(batch.walBody)
    if hasLate {
      batch.walBody.removeAll()
      batch.walBody.append(batch.lateLog)
      try files.wbl.commit(batch.walBody)
    }
    finishUnlogged(&batch)
  }

  /// Encodes what is to be logged. Exact duplicates are logged again: the body that brought them first may still be on
  /// its way to the log, or may have failed to get there, and this one is about to be acknowledged.
  private func encodeSamples(_ batch: inout AppendBatch) -> Bool {
    batch.samplesLog.removeAll()
    batch.lateLog.removeAll()
    if batch.tally.stored == 0 { return false }
    var samples = SamplesRecord()
    var late = SamplesRecord()
    for row in 0..<batch.rows.rows.count {
      let start = Int(batch.rows.rows[row].sampleStart)
      let end = start &+ Int(batch.rows.rows[row].sampleCount)
      for sample in start..<end {
        let outcome = batch.outcomes[sample]
        if outcome > SampleOutcome.late.rawValue { continue }
        let value = Double(bitPattern: batch.rows.values[sample])
        if outcome == SampleOutcome.late.rawValue {
          late.append(
            ref: batch.references[row], timestamp: batch.rows.times[sample], value: value, to: &batch.lateLog)
        } else {
          samples.append(
            ref: batch.references[row], timestamp: batch.rows.times[sample], value: value, to: &batch.samplesLog)
        }
      }
    }
    return late.count > 0
  }

  /// The log holds these series now: others need not log them any more.
  private func finishUnlogged(_ batch: inout AppendBatch) {
    for series in batch.unlogged {
      shards[series.location.shard].state.withLock { state in
        let record = state.records.pointer(series.location.slot)
        guard record.pointee.reference == series.reference else { return }
        record.pointee.flags &= ~HeadSeries.isUnlogged
      }
    }
  }
}

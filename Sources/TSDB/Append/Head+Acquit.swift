import Format
import Model

extension Head {
  /// Looks once more at late samples that were refused: where exactly this sample is there already, it is a retry and a
  /// success. Costs a read per series, so it is done only for bodies with refusals.
  func acquitDuplicates(_ batch: AppendBatch) {
    var scratch = HeadReadScratch()
    acquitDuplicates(batch) { series, range, samples in
      read(series, from: range.lowerBound, through: range.upperBound, &scratch, into: &samples)
    }
  }

  /// `read` brings the samples of a series between two times, both included.
  func acquitDuplicates(
    _ batch: AppendBatch, _ read: (HeadSelection, ClosedRange<Int64>, inout SeriesSamples) -> Void
  ) {
    var samples = SeriesSamples()
    for row in 0..<batch.rows.rows.count {
      let start = Int(batch.rows.rows[row].sampleStart)
      let range = start..<(start + Int(batch.rows.rows[row].sampleCount))
      guard let times = suspectTimes(range, batch), let series = selection(at: batch.locations[row]) else { continue }
      samples.removeAll()
      read(series, times, &samples)
      for sample in range where Head.isSuspect(batch.outcomes[sample]) {
        if samples.value(at: batch.rows.times[sample]) == batch.rows.values[sample] {
          batch.outcomes[sample] = SampleOutcome.present.rawValue
          batch.tally.refused -= 1
          batch.tally.present += 1
        }
      }
    }
  }

  private static func isSuspect(_ outcome: UInt8) -> Bool {
    switch SampleOutcome(rawValue: outcome) {
    case .tooOld, .outOfOrder, .outOfBounds: true
    default: false
    }
  }

  private func suspectTimes(_ range: Range<Int>, _ batch: AppendBatch) -> ClosedRange<Int64>? {
    var found: ClosedRange<Int64>?
    for sample in range where Head.isSuspect(batch.outcomes[sample]) {
      let time = batch.rows.times[sample]
      found = found.map { min($0.lowerBound, time)...max($0.upperBound, time) } ?? time...time
    }
    return found
  }

  private func selection(at raw: UInt32) -> HeadSelection? {
    let location = SeriesLocation(raw: raw)
    if location.isNone { return nil }
    let id = shards[location.shard].state.withLock { $0.records.pointer(location.slot).pointee.id }
    return id == 0 ? nil : HeadSelection(id: id, labels: .empty, location: location)
  }
}

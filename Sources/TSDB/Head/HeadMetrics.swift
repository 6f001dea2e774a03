import Platform

/// The counters of a head; `DatabaseMetrics` registers them under their names. Any thread.
package final class HeadMetrics: Sendable {
  package let samplesAppended = Counter()
  package let lateAppended = Counter()
  package let duplicates = Counter()
  package let seriesCreated = Counter()
  package let seriesRemoved = Counter()
  package let chunksCreated = Counter()
  package let chunksRemoved = Counter()
  package let outOfOrder = Counter()
  package let outOfBounds = Counter()
  package let tooOld = Counter()
  package let conflicts = Counter()
  package let tooFarInFuture = Counter()

  /// Adds the counts of one body.
  func count(_ tally: AppendTally) {
    if tally.accepted > 0 { samplesAppended.add(tally.accepted) }
    if tally.late > 0 {
      samplesAppended.add(tally.late)
      lateAppended.add(tally.late)
    }
    if tally.duplicates + tally.present > 0 { duplicates.add(tally.duplicates + tally.present) }
  }

  package func count(_ refusal: SampleOutcome) {
    switch refusal {
    case .outOfOrder: outOfOrder.add()
    case .outOfBounds: outOfBounds.add()
    case .tooOld: tooOld.add()
    case .conflict: conflicts.add()
    case .tooFarInFuture: tooFarInFuture.add()
    case .accepted, .duplicate, .late, .lateDuplicate, .exhausted, .present, .superseded: break
    }
  }
}

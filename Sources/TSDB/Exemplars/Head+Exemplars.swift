import Format
import Model

// Exemplars into the head and out of it. They are in the ring before they are in the log, as samples are, and are
// acknowledged only after (`commit`).
extension Head {
  /// Series whose exemplars are copied out under one lock.
  private static var seriesPerTurnMax: Int { 256 }

  /// Appends an exemplar to the series of a row that `appendKnown` or `appendNew` has found. It makes no series, and is
  /// never the reason that a sample is refused.
  func append(
    _ exemplar: NewExemplar, labelCount: Int, row: Int, _ batch: AppendBatch, now: Int64
  ) -> ExemplarOutcome {
    let reference = batch.references[row]
    let location = SeriesLocation(raw: batch.locations[row])
    if reference == 0 || !location.isPlaced { return .noSeries }
    let bounds = appendBounds(now: now)
    if exemplar.time > bounds.newest { return .tooFarInFuture }
    if let fault = exemplar.fault { return fault }
    guard let appended = put(exemplar, reference, location, oldest: bounds.takesLate ? bounds.lateOldest : .max) else {
      return .noSeries
    }
    if let number = appended.number {
      batch.exemplars.append(exemplar, labelCount: labelCount, reference: reference, number: number)
    }
    return appended.outcome
  }

  /// Appends an exemplar of the log to the series at `location`.
  func restore(_ exemplar: NewExemplar, to location: SeriesLocation) {
    let reference = shards[location.shard].state.withLock { $0.records.pointer(location.slot).pointee.reference }
    if reference == 0 || exemplar.fault != nil { return }
    _ = put(exemplar, reference, location, oldest: .min, restoring: true)
  }

  /// Puts an exemplar into the ring; nil if the series has ended. It looks up the series' labels only if the series has
  /// no exemplar yet.
  private func put(
    _ exemplar: NewExemplar, _ reference: UInt64, _ location: SeriesLocation, oldest: Int64, restoring: Bool = false
  ) -> ExemplarRing.Appended? {
    let known = exemplars.withLock { $0.append(exemplar, reference: reference, oldest: oldest, restoring: restoring) }
    if let known { return known }
    guard let labels = labels(of: reference, at: location) else { return nil }
    return exemplars.withLock {
      $0.append(exemplar, reference: reference, labels: labels, oldest: oldest, restoring: restoring)
    }
  }

  private func labels(of reference: UInt64, at location: SeriesLocation) -> Labels? {
    let id = shards[location.shard].state.withLock { state in
      let record = state.records.pointer(location.slot)
      return record.pointee.reference == reference ? record.pointee.id : 0
    }
    if id == 0 { return nil }
    var packed: [UInt8] = []
    let isThere = index.state.withLock { $0.packedLabels(of: id, into: &packed) }
    return isThere ? Labels(packed: packed) : nil
  }

  /// Notes that the log holds the exemplars of the batch now.
  func finishExemplars(_ batch: AppendBatch) {
    exemplars.withLock { $0.markLogged(batch.exemplars.numbers) }
  }

  /// The exemplars of the series that all matchers of one of the selectors accept, between two times, both included;
  /// series in the order of their labels. No writer waits for the matching.
  package func exemplars(
    matching selectors: [[CompiledMatcher]], from start: Int64, through last: Int64
  ) -> [SeriesExemplars] {
    var labels = exemplars.withLock { $0.seriesLabels(from: start, through: last) }
    labels.removeAll { labels in
      !selectors.contains { selector in selector.allSatisfy { $0.matches(labels) } }
    }
    labels.sort()
    var found: [SeriesExemplars] = []
    var place = 0
    while place < labels.count {
      let turn = place..<min(place + Head.seriesPerTurnMax, labels.count)
      exemplars.withLock { ring in
        for series in labels[turn] {
          let exemplars = ring.exemplars(of: series, from: start, through: last)
          if !exemplars.isEmpty { found.append(SeriesExemplars(labels: series, exemplars: exemplars)) }
        }
      }
      place = turn.upperBound
    }
    return found
  }

  /// Sets how many exemplars are kept.
  func resizeExemplars(to limit: Int) {
    let (old, new, count) = exemplars.withLock { ring in
      let old = ring.limit
      if old != limit { ring.resize(to: limit) }
      return (old, ring.limit, ring.count)
    }
    if old != new { log.info("Exemplar storage resized", ["from": "\(old)", "to": "\(new)", "kept": "\(count)"]) }
  }

  /// The earliest time of any exemplar in the ring: the log need not keep older ones.
  func oldestExemplarTime() -> Int64? { exemplars.withLock { $0.oldestTime } }
}

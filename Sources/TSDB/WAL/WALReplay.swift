import Format
import Platform

/// Reads a log back: the last checkpoint, then the segments behind it, decoded into batches. Damage is reported,
/// set aside and stepped over; nothing that can be read is given up, and nothing is given up silently.
///
/// One thread at a time; the batches may be applied on others.
package final class WALReplay: @unchecked Sendable {
  /// The way to treat damage.
  package enum Damage: Sendable {
    /// The replay sets damage aside, counts and mends it: nobody writes to these segments.
    case mended
    /// The replay changes nothing and ends: its caller wants to have all.
    case refused
    /// The replay changes nothing and goes on: what can be read is better than nothing.
    case passedOver
  }

  package let progress = ReplayProgress()

  private let plan: ReplayPlan
  private let passesOver: Bool
  private let repair: SegmentRepair
  private let log: Log
  private let metrics: WALMetrics
  private let damage: Damage
  private var nextSource = 0
  private var source: ReplayPlan.Source?
  private var file: (any DiskFile)?
  private var reader = SegmentReader()
  private var damages: [SegmentDamage] = []
  private var damageCount = 0
  private var lastDamageOffset = 0
  private var unpacker = RecordUnpacker()

  /// Damages of one segment that are kept for its log line.
  private static let damagesKeptMax = 16
  /// Missing segments that are put back as empty ones, since Prometheus refuses a log with gaps.
  private static let missingSegmentsMax = 1024

  /// Reads everything below segment `limit` that a snapshot taken at `from` does not know. `passesOver`: a segment that
  /// the system refuses to open is left out, logged and counted; whoever removes what was read must not ask for that.
  package init(
    _ directory: WALDirectory, from: WALPosition? = nil, before limit: Int = .max, passesOver: Bool = false,
    quarantine: String, damage: Damage = .mended, log: Log, metrics: WALMetrics
  ) throws(WALError) {
    self.damage = damage
    repair = SegmentRepair(disk: directory.disk, quarantine: Quarantine(directory.disk, quarantine, log: log))
    self.passesOver = passesOver
    self.log = log
    self.metrics = metrics
    do throws(DiskError) {
      plan = try ReplayPlan(directory, from: from, before: limit, passesOver: passesOver)
    } catch {
      throw .disk(error)
    }
    let numbers = plan.sources.filter { !$0.isCheckpoint }.map(\.number)
    progress.update {
      $0.first = numbers.first ?? 0
      $0.last = numbers.last ?? 0
      $0.current = $0.first
    }
    if damage == .mended && !plan.missing.isEmpty { reportMissing(in: directory) }
    if passesOver && metrics.hasCheckpoints && plan.lacksBeginning { reportMissingBeginning(in: directory) }
  }

  /// Fills `batch` with the next records. False at the end of the log (then the batch is empty). Throws when the
  /// system refuses to open a file, for a reason other than the bytes in it, and where damage is not to be mended.
  package func next(into batch: DecodedBatch) throws(WALError) -> Bool {
    batch.removeAll()
    while !batch.isFull {
      if file == nil {
        guard try openNext() else { break }
        // Passed over.
        if file == nil { continue }
      }
      switch reader.next() {
      case .record(let bytes, let compression): take(bytes, compression, into: batch)
      case .damage(let damage): note(damage)
      case .end: try finishSegment()
      }
    }
    return !batch.columns.isEmpty
  }

  private func openNext() throws(WALError) -> Bool {
    if nextSource >= plan.sources.count { return false }
    let next = plan.sources[nextSource]
    nextSource += 1
    source = next
    damages.removeAll(keepingCapacity: true)
    damageCount = 0
    if !next.isCheckpoint { progress.update { $0.current = next.number } }
    do throws(DiskError) {
      let opened = try next.directory.disk.open(next.path, .read)
      try reader.begin(opened, from: next.start)
      file = opened
    } catch {
      if !passesOver { throw .disk(error) }
      metrics.corruptions.add()
      progress.update { $0.damages += 1 }
      log.error(
        "Write log segment cannot be opened, its records are missing; it stays where it is",
        ["segment": next.path, "err": error.description])
      source = nil
    }
    return true
  }

  private func take(_ bytes: UnsafeRawBufferPointer, _ compression: WALCompression, into batch: DecodedBatch) {
    guard let source, let record = unpacker.unpack(bytes, compression) else { return note(reader.rejectRecord()) }
    switch batch.columns.append(record: record) {
    case .decoded: break
    case .malformed: return note(reader.rejectRecord())
    case .unknown:
      // Zero is what stands in the place of records lost earlier; it was counted then.
      if let kind = record.first, kind != 0 {
        metrics.unknownRecords.add()
        progress.update { $0.unknownRecords += 1 }
      }
    }
    progress.update { $0.records += 1 }
    batch.end =
      source.isCheckpoint
      ? plan.logStart : WALPosition(segment: source.number, offset: reader.scanner.intactEnd)
  }

  private func note(_ damage: SegmentDamage) {
    damageCount += 1
    lastDamageOffset = damage.offset
    if damages.count < WALReplay.damagesKeptMax { damages.append(damage) }
  }

  private func finishSegment() throws(WALError) {
    let (finished, opened) = (source, file)
    file = nil
    source = nil
    do throws(DiskError) {
      try opened?.close()
    } catch {
      throw .disk(error)
    }
    guard let finished, damageCount > 0 else { return }
    if damage == .mended { return treat(finished) }
    // What a failed write left behind the last record was not acknowledged.
    if isTorn || damage == .passedOver { return }
    log.error(
      "Write log segment cannot be read whole",
      [
        "segment": finished.path, "damages": String(damageCount),
        "first": damages.map(\.description).joined(separator: ", "),
      ])
    throw .damaged(path: finished.path)
  }

  /// True if all that is wrong with the segment is its end, which was being written.
  private var isTorn: Bool {
    damageCount == damages.count && damages.allSatisfy { $0.offset >= reader.scanner.intactEnd }
      && (damage == .mended && isLastWithBytes() || damages.allSatisfy { $0.reason == .cut })
  }

  /// Logs, counts and mends a segment that was read to its end with damage.
  private func treat(_ damaged: ReplayPlan.Source) {
    let intactEnd = reader.scanner.intactEnd
    do throws(DiskError) {
      if isTorn {
        progress.update { $0.tornTails += 1 }
        log.warn(
          "Write log had a torn last record, dropped it",
          [
            "segment": damaged.path, "offset": String(intactEnd),
            "bytes": String(reader.fileBytes - intactEnd), "reason": damages[0].reason.rawValue,
          ])
        try repair.truncateTail(damaged.path, to: intactEnd)
      } else {
        try quarantine(damaged, intactEnd)
      }
    } catch {
      log.error("Damaged write log segment left as it is", ["segment": damaged.path, "err": error.description])
    }
  }

  private func quarantine(_ damaged: ReplayPlan.Source, _ intactEnd: Int) throws(DiskError) {
    let found = damageCount
    metrics.corruptions.add(found)
    progress.update { $0.damages += found }
    log.error(
      "Write log segment is damaged, its other records are kept",
      [
        "segment": damaged.path, "damages": String(found),
        "first": damages.map(\.description).joined(separator: ", "),
      ])
    let aside = repair.quarantine.keep(damaged.path, as: damaged.name)
    let hasBadTail = lastDamageOffset >= intactEnd
    try repair.mend(damaged, reader.scanner.edits, size: hasBadTail ? intactEnd : reader.fileBytes)
    progress.update { $0.quarantinedSegments += 1 }
    log.warn(
      "Write log segment mended", ["segment": damaged.path, "original": aside ?? "not kept"])
  }

  /// True if no later segment has anything: then what is broken at the end of this one was being written.
  private func isLastWithBytes() -> Bool {
    plan.sources[nextSource...].allSatisfy { later in
      do throws(DiskError) {
        return try later.directory.disk.status(later.path).size == 0
      } catch {
        return true
      }
    }
  }

  /// Reports that the beginning is missing: a log that has been shortened begins with a checkpoint.
  private func reportMissingBeginning(in directory: WALDirectory) {
    metrics.corruptions.add()
    log.error(
      "Write log begins without its checkpoint: series and samples that were only in it are missing",
      ["directory": directory.path, "first_segment": String(plan.logStart.segment)])
  }

  private func reportMissing(in directory: WALDirectory) {
    let missing = plan.missing
    progress.update { $0.missingSegments = missing.count }
    metrics.corruptions.add()
    log.error(
      "Write log segments are missing",
      ["first": String(missing[0]), "count": String(missing.count), "directory": directory.path])
    do throws(DiskError) {
      for number in missing.prefix(WALReplay.missingSegmentsMax) {
        try directory.disk.open(directory.segmentPath(number), .create).close()
      }
      try directory.disk.syncDirectory(directory.path)
    } catch {
      log.error("Missing write log segments not put back as empty ones", ["err": error.description])
    }
  }
}

import Format
import Model
import Platform

// What the administration asks of the head. Under the `BlockChangeLock`.
extension Database: HeadAdmin {
  package func delete(_ matchers: [CompiledMatcher], in range: ClosedRange<Int64>) throws(BlockError) {
    let found: [HeadSelection]
    do throws(QueryStopped) {
      found = try head.select(matchers)
    } catch {
      throw .stopped
    }
    guard let held = head.timeRange, held.overlaps(range), !found.isEmpty else { return }
    // What comes later is not meant, also where samples from the future are deleted and their time is yet to come.
    let now = clock.nowMilliseconds()
    let times = range.clamped(to: Int64.min...held.upperBound)
    var all = head.deletions.all
    for series in found {
      guard let reference = head.reference(of: series) else { continue }
      if times.lowerBound <= now { all.add(times.clamped(to: Int64.min...now), to: reference) }
      if times.upperBound <= now { continue }
      for ahead in head.times(of: series, in: times.clamped(to: (now + 1)...Int64.max)) {
        all.add(ahead, to: reference)
      }
    }
    try noteDeletions(all)
    deletionReach.withLock { $0 = nil }
    head.setBack(found, now: now)
  }

  package func writeBlock(into directory: String) throws(BlockError) -> HeadCopy {
    guard let held = head.timeRange else { return HeadCopy() }
    var random = random
    let ulid = ULID(milliseconds: clock.nowMilliseconds(), using: &random)
    // The block's times are widened to those of its chunks.
    var meta = BlockMeta(ulid: ulid, minTime: held.lowerBound, maxTime: held.lowerBound + 1)
    meta.compaction.sources = [ulid]
    var flush = HeadFlush(head, .min ..< .max, marks: false)
    let written = try flush.write(meta, in: directory, on: disk) { stopping.isCancelled }
    return HeadCopy(meta: written, unreadableChunks: flush.unreadable.count)
  }

  /// Forgets deletions of times that have left the head, once no file is left that a start would bring them back from.
  func forgetDeletions(before time: Int64) {
    let all = head.deletions.all
    if all.isEmpty || time == .min { return }
    let reach = deletionReach.withLock { reach in
      defer { reach = reach ?? DeletionReach(of: head.files, before: time) }
      return reach
    }
    guard let reach, reach.isPassed(by: head.files) else { return }
    // So it would in the snapshot, which may be older than the flush.
    if writeSnapshot() == 0 { return }
    var kept = Tombstones()
    for (reference, intervals) in all.series {
      for interval in intervals where interval.upperBound >= reach.border {
        kept.add(max(interval.lowerBound, reach.border)...interval.upperBound, to: reference)
      }
    }
    do throws(BlockError) {
      try noteDeletions(kept)
      deletionReach.withLock { $0 = DeletionReach(of: head.files, before: time) }
    } catch {
      log.warn("Deletions that are in blocks by now could not be forgotten", ["err": "\(error)"])
    }
  }

  /// Replaces the list of deletions: first durably on disk, then in the head.
  private func noteDeletions(_ all: Tombstones) throws(BlockError) {
    try BlockError.wrap { () throws(DiskError) in try writeDeletions(all) }
    head.deletions.replace(all)
  }

  /// The list as `apus.deleted` holds it: a file of tombstones, sealed. Older versions wrote it without a seal.
  private var deletionsFile: SealedFile {
    SealedFile(layout.deletions, name: "deleted", format: 2, on: disk) { Database.tombstones($0) == nil ? nil : $0 }
  }

  private static func tombstones(_ bytes: [UInt8]) -> Tombstones? { bytes.lend { Tombstones(file: $0) } }

  private func writeDeletions(_ all: Tombstones) throws(DiskError) {
    var file = ByteBuffer()
    all.encode(into: &file)
    try deletionsFile.write(Array(file.bytes))
    do throws(DiskError) {
      // With the second the generation before is the same list, and no damage of one of them brings anything back.
      try deletionsFile.write(Array(file.bytes))
    } catch {
      log.warn("The list of what was deleted from the head has no copy", ["err": "\(error)"])
    }
  }

  /// Reads the list of deletions back into the head; if it is damaged, the generation before it.
  func restoreDeletions() {
    let reading = deletionsFile.read { Database.tombstones($0.body) == nil ? "it holds no list" : nil }
    let all = reading.contents.flatMap { Database.tombstones($0.body) } ?? Tombstones()
    head.deletions.replace(all)
    let highest = all.series.keys.filter { $0 < HeadRestorer.referenceMax }.max() ?? 0
    head.nextReference.max(highest + 1, ordering: .relaxed)
    if !all.isEmpty {
      head.setBackDeleted(now: clock.nowMilliseconds())
    }
    guard let damage = reading.damage else { return }
    damaged.report(
      layout.deletions, as: "apus.deleted", damage: damage,
      instead: reading.isPrevious ? "the list before the last deletion" : "no list",
      meaning: reading.isPrevious
        ? "what was deleted last may be in answers again: delete it again"
        : "what was deleted from the last hours is in answers again: delete it again")
    do throws(DiskError) {
      try writeDeletions(all)
    } catch {
      log.warn("The list of what was deleted from the head could not be written anew", ["err": "\(error)"])
    }
  }
}

// Retries of old bodies.
extension Database {
  /// Looks once more at samples that were refused as too late: where exactly this sample is in the head or in a block, it is
  /// a retry and a success. Costs reads per series, so it is done only for bodies with refusals.
  func acquitDuplicates(_ batch: AppendBatch) {
    head.acquitDuplicates(batch)
    if batch.tally.refused == 0 || blocks.current.blocks.isEmpty { return }
    var scratch = DatabaseReadScratch()
    head.acquitDuplicates(batch) { series, range, samples in
      var labels: [UInt8] = []
      guard head.index.state.withLock({ $0.packedLabels(of: series.id, into: &labels) }) else { return }
      let wanted = Labels(packed: labels)
      var matchers: [CompiledMatcher] = []
      wanted.forEach { name, value in
        // An equality compiles always.
        let matcher = Matcher(.equal, String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self))
        if let compiled = try? CompiledMatcher(matcher) { matchers.append(compiled) }
      }
      guard let found = try? select(matchers, from: range.lowerBound, through: range.upperBound) else { return }
      for place in 0..<found.count where found.labels(place) == wanted {
        found.read(place, from: range.lowerBound, through: range.upperBound, &scratch, into: &samples)
      }
    }
  }
}

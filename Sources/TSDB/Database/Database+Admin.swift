import Format
import Model
import Platform

// What the administration asks of the head. Within a turn of the blocks.
extension Database: HeadAdmin {
  package func delete(_ matchers: [CompiledMatcher], in range: ClosedRange<Int64>) throws(BlockFault) {
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
    head.setBack(found, now: now)
  }

  package func writeBlock(into directory: String) throws(BlockFault) {
    guard let held = head.timeRange else { return }
    var random = SystemRandomNumberGenerator()
    let ulid = ULID(milliseconds: clock.nowMilliseconds(), using: &random)
    var meta = BlockMeta(ulid: ulid, minTime: held.lowerBound, maxTime: held.upperBound + 1)
    meta.compaction.sources = [ulid]
    var flush = HeadFlush(head, .min ..< .max, marks: false)
    _ = try flush.write(meta, in: directory, on: disk) { stopping.isCancelled }
  }

  package var newestTime: Int64? { head.timeRange?.upperBound }

  package var sizeBytes: Int { filesBytes }

  /// Forgets deletions of times that have left the head.
  func forgetDeletions(before time: Int64) {
    let all = head.deletions.all
    if all.isEmpty || time == .min { return }
    var kept = Tombstones()
    for (reference, intervals) in all.series {
      for interval in intervals where interval.upperBound >= time {
        kept.add(max(interval.lowerBound, time)...interval.upperBound, to: reference)
      }
    }
    do throws(BlockFault) {
      try noteDeletions(kept)
    } catch {
      log.warn("Deletions that are in blocks by now could not be forgotten", ["err": "\(error)"])
    }
  }

  /// Durable first, then in effect.
  private func noteDeletions(_ all: Tombstones) throws(BlockFault) {
    var file = ByteBuffer()
    all.encode(into: &file)
    let bytes = Array(file.bytes)
    try BlockFault.wrap { () throws(DiskError) in
      try AtomicReplace.write(bytes, to: layout.deletions, on: disk)
    }
    head.deletions.replace(all)
  }

  /// Reads back what was deleted. A damaged file is set aside: nothing of it can be trusted.
  func restoreDeletions() {
    do throws(DiskError) {
      let file = try disk.map(layout.deletions)
      if let all = Tombstones(file: file.bytes) {
        head.deletions.replace(all)
        return head.setBackDeleted(now: clock.nowMilliseconds())
      }
      try disk.makeDirectories(layout.quarantine)
      try disk.rename(layout.deletions, to: DiskPath.join(layout.quarantine, DiskPath.name(layout.deletions)))
      log.error("The list of what was deleted from the head is damaged and set aside; delete it again")
    } catch {
      if !error.isNotFound { log.error("What was deleted from the head is not known", ["err": "\(error)"]) }
    }
  }
}

// Retries of old bodies.
extension Database {
  /// Looks once more at samples that were refused as too late: where exactly this sample is in the head or in a block, it is
  /// a retry and a success. Costs reads per series, so it is done only for bodies with refusals.
  package func acquitDuplicates(_ batch: inout AppendBatch) {
    head.acquitDuplicates(&batch)
    if batch.tally.refused == 0 || blocks.current.blocks.isEmpty { return }
    var scratch = DatabaseReadScratch()
    head.acquitDuplicates(&batch) { series, range, samples in
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

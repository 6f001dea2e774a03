import Format
import Glibc
import Model
import Platform
import Synchronization

/// The settings of a round of compaction; read anew each time, so that a reload takes effect at once.
package struct CompactionOptions: Sendable {
  package var limits = RetentionLimits()
  package var rules = RetentionRules(otherMilliseconds: 0)
  /// The youngest sample of the head; nil if it is empty.
  package var newestHeadTime: Int64?
  /// Bytes of logs and head chunks; part of what the size retention limits.
  package var headBytes = 0
  /// The length of the longest block; nil: as long as the retention allows.
  package var longestBlockMilliseconds: Int64?

  package init() {}

  var ranges: CompactionRanges {
    guard let longest = longestBlockMilliseconds else {
      return CompactionRanges(retentionMilliseconds: limits.timeMilliseconds)
    }
    return CompactionRanges(shortest: CompactionRanges.shortestMilliseconds, longest: longest)
  }
}

/// Keeps the blocks in order: what is too old leaves, what belongs together becomes one. Called by the maintenance thread,
/// a round at a time; what a round does is durable when it returns.
///
/// A compaction that fails changes nothing. After an error of the disk the next one waits, longer each time; a damaged
/// block is marked in its `meta.json` and left alone from then on.
package final class Compactor: Sendable {
  /// The wait after a failure: doubled with each one that follows, up to an hour.
  private static let pauseMillisecondsMin: Int64 = 60_000
  private static let pauseMillisecondsMax: Int64 = 3_600_000
  /// The number of times in a row that a compaction makes way for those who wait for the change lock; after that they
  /// wait.
  private static let interruptionsMax = 3

  let blocks: BlockSet
  private let clock: any Clock
  private let stop: CancelFlag
  private let random: RandomNumbers
  private let state = Mutex(State())

  private struct State: Sendable {
    var failures = 0
    var pausedUntil: Int64 = 0
    var interruptions = 0
    /// Blocks that hold no series of these scopes, under the rules there were then.
    var checked: [ULID: Set<RetentionRules.Scope>] = [:]
    var checkedRules = 0
    /// Blocks whose tombstones another rewrite would not clear: they lie within chunks that a rewrite takes over
    /// unchanged.
    var keepsTombstones: Set<ULID> = []
  }

  package init(_ blocks: BlockSet, clock: any Clock, stop: CancelFlag, random: RandomNumbers = RandomNumbers()) {
    self.blocks = blocks
    self.clock = clock
    self.stop = stop
    self.random = random
  }

  private var log: Log { blocks.log }
  private var metrics: BlockMetrics { blocks.metrics }

  /// Enforces the retention, and compacts once. True if there may be more to do at once.
  @discardableResult
  package func round(_ options: CompactionOptions, now: Int64) -> Bool {
    blocks.changeLock.withLock {
      if blocks.hasUnremoved { blocks.removeLeftOver() }
      enforceRetention(options, now: now)
      if isPaused(now) || blocks.hasUnremoved || stop.isCancelled { return false }
      return compact(options, now: now)
    }
  }

  // MARK: retention

  /// Time runs with the data, up to the clock.
  private func newestTime(_ options: CompactionOptions, now: Int64) -> Int64 {
    let newest = max(blocks.current.maxTime.map { $0 - 1 } ?? .min, options.newestHeadTime ?? .min)
    return min(now, newest)
  }

  private func enforceRetention(_ options: CompactionOptions, now: Int64) {
    let served = blocks.current.blocks
    let bytesMax = options.limits.bytesMax(diskBytes: options.limits.diskPercentage > 0 ? diskBytes() : 0)
    metrics.bytesMax.set(bytesMax)
    metrics.diskPercentageMax.set(options.limits.diskPercentage)
    let plan = RetentionPlan.make(
      served.map { PlannedBlock($0.meta, sizeBytes: $0.sizeBytes) }, newestTime: newestTime(options, now: now),
      keptMilliseconds: options.rules.longestMilliseconds, bytesMax: bytesMax, otherBytes: options.headBytes)
    if !plan.expired.isEmpty { metrics.timeRetentions.add() }
    let kept = options.rules.longestMilliseconds
    if kept > 0 {
      blocks.forgetMissing(before: newestTime(options, now: now).subtractingReportingOverflow(kept).partialValue)
    }
    if !plan.oversized.isEmpty { metrics.sizeRetentions.add() }
    let doomed = plan.all.map { served[$0] }
    if doomed.isEmpty { return }
    log.info(
      "Blocks leave by retention",
      [
        "expired": "\(plan.expired.count)", "beyond_size": "\(plan.oversized.count)",
        "through": "\(doomed.map(\.meta.maxTime).max() ?? 0)",
      ])
    blocks.drop(doomed)
  }

  private func diskBytes() -> Int {
    do throws(DiskError) {
      return try blocks.disk.freeSpace(blocks.folder.root).totalBytes
    } catch {
      log.warn("The size of the disk is unknown; the retention by percentage waits", ["err": "\(error)"])
      return 0
    }
  }

  // MARK: compaction

  private func compact(_ options: CompactionOptions, now: Int64) -> Bool {
    let served = blocks.current.blocks
    let newest = newestTime(options, now: now)
    if let plan = CompactionPlan.next(planned(served), options.ranges) {
      metrics.compactionsTriggered.add()
      if plan.reason == .overlap { metrics.overlapsCompacted.add() }
      return merge(plan.members.map { served[$0] }, options, newest: newest, now: now)
    }
    dropExpiredSeries(options, newest: newest, now: now)
    return false
  }

  private func planned(_ served: [Block]) -> [PlannedBlock] {
    let keepsTombstones = state.withLock { state in
      state.keepsTombstones.formIntersection(served.map(\.meta.ulid))
      return state.keepsTombstones
    }
    return served.map { block in
      var planned = PlannedBlock(block.meta, sizeBytes: block.sizeBytes)
      if keepsTombstones.contains(block.meta.ulid) { planned.tombstoneCount = 0 }
      return planned
    }
  }

  /// Rewrites at most one block, so that new rules do not keep the disk busy.
  private func dropExpiredSeries(_ options: CompactionOptions, newest: Int64, now: Int64) {
    var checked = state.withLock { state in
      // Other rules: what was found under the old ones says nothing.
      if state.checkedRules != options.rules.fingerprint { state.checked = [:] }
      state.checkedRules = options.rules.fingerprint
      return state.checked
    }
    do throws(BlockError) {
      let expired = try blockWithExpiredSeries(options.rules, newest: newest, checked: &checked)
      state.withLock { $0.checked = checked }
      guard let expired, merge([expired], options, newest: newest, now: now) else { return }
      metrics.rewrittenByRule.add()
    } catch {
      failed([], error, now: now)
    }
  }

  /// Merges blocks into one and serves that instead of them; false if it failed.
  private func merge(_ parents: [Block], _ options: CompactionOptions, newest: Int64, now: Int64) -> Bool {
    let mayYield = state.withLock { $0.interruptions } < Compactor.interruptionsMax
    let retention = BlockMerge.Retention(rules: options.rules, newestTime: newest)
    let merge = BlockMerge(
      parents, retention: options.rules.isEmpty ? nil : retention, now: now, random: random,
      shouldStop: { [stop, blocks] in stop.isCancelled || mayYield && blocks.changeLock.isAwaited })
    do throws(BlockError) {
      try replace(parents, by: merge)
      state.withLock { state in
        state.failures = 0
        state.interruptions = 0
      }
      return true
    } catch {
      failed(parents, error, now: now)
      return false
    }
  }

  /// Writes a block anew without what is deleted from it. Under the change lock.
  func rewrite(_ block: Block) throws(BlockError) {
    try replace(
      [block],
      by: BlockMerge(
        [block], now: clock.nowMilliseconds(), random: random, shouldStop: { [stop] in stop.isCancelled }))
  }

  /// Writes a damaged block anew with the chunks that were found for it, and sets it aside. Under the change lock.
  func repair(_ block: Block, _ found: FoundChunks) throws(BlockError) -> BlockMeta? {
    try checkSpace(for: [block])
    let merge = BlockMerge(
      [block], now: clock.nowMilliseconds(), random: random, found: found,
      shouldStop: { [stop] in stop.isCancelled })
    guard let child = try merge.run(in: blocks.folder.root, on: blocks.disk) else { return nil }
    try blocks.replace(damaged: block, with: child.ulid)
    return child
  }

  /// Runs a merge and serves its block instead of the parents; serves nothing instead of them if nothing is left.
  func replace(_ parents: [Block], by merge: BlockMerge) throws(BlockError) {
    let started = clock.monotonicNanoseconds()
    metrics.isWriting.set(1)
    defer { metrics.isWriting.set(0) }
    try checkSpace(for: parents)
    let child = try merge.run(in: blocks.folder.root, on: blocks.disk)
    if let child {
      try blocks.replace(parents, with: child.ulid)
      if child.stats.tombstones > 0 { state.withLock { _ = $0.keepsTombstones.insert(child.ulid) } }
    } else {
      blocks.drop(parents)
    }
    let seconds = Double(clock.monotonicNanoseconds() - started) / 1e9
    metrics.compactions.add()
    metrics.compactionSeconds.observe(seconds)
    log.info(
      "Blocks compacted",
      [
        "block": child.map { "\($0.ulid)" } ?? "none, nothing was left",
        "parents": parents.map { "\($0.meta.ulid)" }.joined(separator: " "),
        "mint": "\(parents.map(\.meta.minTime).min() ?? 0)", "maxt": "\(parents.map(\.meta.maxTime).max() ?? 0)",
        "samples": "\(child?.stats.samples ?? 0)", "duration": "\((seconds * 1000).rounded() / 1000)s",
      ])
  }

  /// Throws if less room is free on the disk than the parents take: no merge begins that would fill the disk.
  private func checkSpace(for parents: [Block]) throws(BlockError) {
    let needed = parents.reduce(0) { $0 + $1.sizeBytes }
    do throws(DiskError) {
      let free = try blocks.disk.freeSpace(blocks.folder.root).freeBytes
      if free < needed { throw DiskError(operation: "compact into", path: blocks.folder.root, code: ENOSPC) }
    } catch {
      throw .disk(error)
    }
  }

  // MARK: failures

  private func isPaused(_ now: Int64) -> Bool {
    state.withLock { state in
      // A clock that was set back does not prolong the wait.
      state.pausedUntil > now && state.pausedUntil - now <= Compactor.pauseMillisecondsMax
    }
  }

  private func failed(_ parents: [Block], _ error: BlockError, now: Int64) {
    if error == .stopped {
      state.withLock { $0.interruptions += 1 }
      return
    }
    metrics.compactionsFailed.add()
    let pause = state.withLock { state in
      let pause = Compactor.pauseMillisecondsMin << Int64(min(state.failures, 10))
      state.failures += 1
      state.pausedUntil = now + min(pause, Compactor.pauseMillisecondsMax)
      return state.pausedUntil - now
    }
    log.error(
      "Compaction failed; all its blocks are served as before",
      [
        "blocks": parents.map { "\($0.meta.ulid)" }.joined(separator: " "), "err": "\(error)",
        "next_attempt_in": "\(pause / 1000)s",
      ])
    guard case .corrupt(let path, _) = error else { return }
    // The path tells which block it is; where it does not, it may be any of the parents.
    let damaged = blocks.current.blocks.filter { path.hasPrefix(blocks.folder.path($0.meta.ulid)) }
    for block in damaged { block.noteDamage(path.hasSuffix("/index") ? .index : .chunk, "\(error)") }
    for block in damaged.isEmpty ? parents : damaged { blocks.markFailed(block) }
  }
}

import Platform
import Synchronization
import TSDB

/// The usage of a workspace by hours, kept over restarts. It reads the workspace's counters each minute and when an hour ends,
/// and writes its file after a look that found something new. A workspace without data and without use has no file. Any
/// thread.
///
/// Every count belongs to one hour, that of the look before, whatever the clock does. Hours follow the wall clock as far as it
/// is believed (`SteadyTime`).
package final class WorkspaceUsage: Sendable {
  package static let lookMilliseconds: Int64 = 60_000
  /// Time between two writes of a file that lacks only time that has passed.
  package static let idleWriteMilliseconds: Int64 = 3_600_000
  /// The stored bytes are counted on through a time in which the server was down for no longer than this.
  package static let gapMillisecondsMax: Int64 = 2 * 3_600_000

  /// Counters as they are now, `activeSeriesMax` being the series there are. A value.
  struct Readings: Sendable {
    var counts = UsageCounts()
    var storedBytes = 0
  }

  private struct State {
    var contents = UsageFile.Contents()
    var time: SteadyTime
    /// Monotonic times: of the last look, of the last one of the upkeep, and of the last write.
    var lookedAt: Int64
    var dueSince: Int64
    var writtenAt: Int64
    /// The counters at the last look.
    var seen: UsageCounts
    /// True if the file lacks more than time that passed.
    var isChanged = false
    /// True if the file lacks anything.
    var hasPassed = false
    var hasFailed = false
  }

  private let state: Mutex<State>
  /// Held while counters are read and while the file is written.
  private let looking = Mutex<Void>(())
  private let file: SealedFile
  private let clock: any Clock
  private let log: Log
  private let failures: Counter
  private let read: @Sendable () -> Readings?

  /// Reads the file. A damaged one is told; the generation before counts, or nothing.
  init(
    _ path: String, on disk: any Disk, clock: any Clock, damaged: DamagedFiles, registry: MetricsRegistry,
    _ read: @escaping @Sendable () -> Readings?
  ) {
    file = UsageFile.file(path, on: disk)
    self.clock = clock
    log = damaged.log
    self.read = read
    failures = registry.counter(
      "apus_usage_write_failures_total", "Attempts to write the usage of the workspace to apus.usage that failed.")
    let reading = file.read { UsageFile.decode($0.body) == nil ? "it holds no usage" : nil }
    if let damage = reading.damage {
      damaged.report(
        path, as: "apus.usage", damage: damage,
        instead: reading.isPrevious ? "the usage before the last write" : "no usage before this start",
        meaning: reading.isPrevious
          ? "the usage of the last minute, or of the last hour of a workspace that nobody used, is not counted"
          : "the history of the workspace's usage begins anew; no samples are concerned")
    }
    let (wall, monotonic) = (clock.nowMilliseconds(), clock.monotonicMilliseconds)
    var first = State(
      time: SteadyTime(wall: wall, monotonic: monotonic), lookedAt: monotonic, dueSince: monotonic,
      writtenAt: monotonic,
      seen: read()?.counts ?? UsageCounts())
    if let contents = reading.contents.flatMap({ UsageFile.decode($0.body) }) {
      first.contents = contents
      first.hasPassed = WorkspaceUsage.coverGap(&first.contents, through: wall)
    }
    first.isChanged = reading.damage != nil && reading.contents != nil
    first.contents.lookedAt = wall
    state = Mutex(first)
    registry.collect("apus_stored_bytes", "Bytes that blocks, log and head chunks took at the last look.", .gauge) {
      [weak self] in
      (self?.state.withLock { $0.contents.storedBytes }).map { [(labels: [], value: Double($0))] } ?? []
    }
  }

  /// Counts the stored bytes on through the time in which no server ran, unless it was long or the clock is wrong.
  private static func coverGap(_ contents: inout UsageFile.Contents, through now: Int64) -> Bool {
    guard contents.storedBytes > 0, now > contents.lookedAt, now - contents.lookedAt <= gapMillisecondsMax else {
      return false
    }
    var time = contents.lookedAt
    while time < now {
      let hour = UsageHour.number(of: time)
      let end = min(now, (hour + 1) * UsageHour.milliseconds)
      var counts = UsageCounts()
      counts.stored(contents.storedBytes, milliseconds: end - time)
      contents.history.add(counts, to: hour)
      time = end
    }
    return true
  }

  // MARK: looks

  /// Looks and writes where it is time. Called each second.
  func lookIfDue() {
    let isDue = state.withLock { state -> Bool in
      let monotonic = clock.monotonicMilliseconds
      if monotonic - state.dueSince >= WorkspaceUsage.lookMilliseconds { return true }
      let now = state.time.now(wall: clock.nowMilliseconds(), monotonic: monotonic)
      return UsageHour.number(of: now) != UsageHour.number(of: state.contents.lookedAt)
    }
    if isDue { look(writesAll: false) }
  }

  /// Looks for the last time, and writes.
  func close() { look(writesAll: true) }

  /// The hours, up to now.
  package var hours: [UsageHour] {
    looking.withLock { _ in note() }
    return state.withLock { $0.contents.history }.hours
  }

  private func look(writesAll: Bool) {
    looking.withLock { _ in
      note()
      let contents = state.withLock { state -> UsageFile.Contents? in
        state.dueSince = clock.monotonicMilliseconds
        let isOld = state.dueSince - state.writtenAt >= WorkspaceUsage.idleWriteMilliseconds
        return state.isChanged || state.hasPassed && (writesAll || isOld) ? state.contents : nil
      }
      if let contents { write(contents) }
    }
  }

  /// Takes what the counters have grown by to the hour of the look before.
  private func note() {
    guard let readings = read() else { return }
    state.withLock { state in
      let monotonic = clock.monotonicMilliseconds
      let now = state.time.now(wall: clock.nowMilliseconds(), monotonic: monotonic)
      let hour = UsageHour.number(of: state.contents.lookedAt)
      var counts = readings.counts.grown(since: state.seen)
      let isUsed = counts != UsageCounts()
      counts.stored(state.contents.storedBytes, milliseconds: monotonic - state.lookedAt)
      if isUsed || counts.storedByteSeconds > 0 {
        state.contents.history.add(counts, to: hour)
        state.hasPassed = true
      }
      // Series that merely stay are no news, nor is a look at the very time of the one before.
      counts.activeSeriesMax = 0
      counts.storedMilliseconds = 0
      counts.storedByteSeconds = 0
      state.isChanged =
        state.isChanged || counts != UsageCounts() || readings.counts.activeSeriesMax != state.seen.activeSeriesMax
        || readings.storedBytes != state.contents.storedBytes
      state.seen = readings.counts
      state.contents.storedBytes = readings.storedBytes
      state.contents.lookedAt = now
      state.lookedAt = monotonic
    }
  }

  private func write(_ contents: UsageFile.Contents) {
    if contents.history.isEmpty && contents.storedBytes == 0 { return }
    let isFirst: Bool
    do throws(DiskError) {
      try file.write(UsageFile.encode(contents))
      state.withLock { state in
        (state.isChanged, state.hasPassed, state.hasFailed) = (false, false, false)
        state.writtenAt = clock.monotonicMilliseconds
      }
      return
    } catch {
      failures.add()
      isFirst = state.withLock { state in
        defer { state.hasFailed = true }
        return !state.hasFailed
      }
      if isFirst {
        log.warn(
          "The usage of the workspace could not be written; it is tried again each minute",
          [
            "file": file.path, "err": "\(error)",
            "meaning": "a restart would not know of the usage since the last write",
          ])
      }
    }
  }
}

extension UsageCounts {
  /// Adds bytes that were stored for so long.
  fileprivate mutating func stored(_ bytes: Int, milliseconds: Int64) {
    guard bytes > 0, milliseconds > 0 else { return }
    storedMilliseconds += Int(milliseconds)
    storedByteSeconds += Double(bytes) * Double(milliseconds) / 1000
  }
}

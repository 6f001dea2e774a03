import HTTP
import Model
import Platform
import Synchronization

/// One target: what is scraped, when next, and what came of it last. Any thread.
final class Target: Sendable {
  /// The way a target is scraped. A plain value.
  struct Setup: Sendable {
    var identity: TargetIdentity
    /// The labels before relabelling.
    var discovered: Labels
    var job: JobSettings
    var metrics: JobMetrics
    var intervalLength: SecondsMetric
    /// Of the target and this server: what its phase is made of.
    var phaseHash: UInt64
  }

  /// A scrape that has begun.
  struct Scrape: Sendable {
    let setup: Setup
    let series: SeriesRoom
    let milliseconds: Int64
    let startNanoseconds: Int64
    /// Bytes taken from the budget for its body.
    var bodyBytes: Int
  }

  enum Beginning: Sendable {
    case begun(Scrape)
    /// Nothing is fetched: all targets of the job fail with this text.
    case refused(Scrape, String)
    /// Not yet.
    case later
    case ended
  }

  private struct State: Sendable {
    var setup: Setup
    var series: SeriesRoom
    var schedule: ScrapeSchedule
    var isRunning = false
    var isEnded = false
    var refusal: String?
    var lastStart: Int64?
    var bodyBytes = 0
    var health = TargetState.Health.unknown
    var lastError = ""
    var lastMilliseconds: Int64?
    var lastSeconds = 0.0
  }

  /// Bytes taken for the body of a target that has not answered yet.
  private static let bodyBytesFirst = 256 << 10

  let place: TimeWheel.Place
  private let state: Mutex<State>

  init(_ setup: Setup, _ series: SeriesRoom, _ schedule: ScrapeSchedule, at place: TimeWheel.Place) {
    self.place = place
    state = Mutex(State(setup: setup, series: series, schedule: schedule))
  }

  var setup: Setup { state.withLock { $0.setup } }
  var next: Int64 { state.withLock { $0.schedule.next } }
  var isEnded: Bool { state.withLock { $0.isEnded } }
  var isRunning: Bool { state.withLock { $0.isRunning } }

  // MARK: A scrape

  /// Begins the scrape whose moment has come, if none runs.
  func begin(_ now: ClockReading) -> Beginning {
    var missedCount = 0
    var last: Int64?
    let (beginning, setup) = state.withLock { state -> (Beginning, Setup) in
      if state.isEnded { return (.ended, state.setup) }
      if state.isRunning || state.schedule.next > now.monotonicNanoseconds { return (.later, state.setup) }
      let start = state.schedule.begin(now)
      state.isRunning = true
      missedCount = start.missedCount
      last = state.lastStart
      state.lastStart = now.monotonicNanoseconds
      let scrape = Scrape(
        setup: state.setup, series: state.series, milliseconds: start.milliseconds,
        startNanoseconds: now.monotonicNanoseconds,
        // A quarter more than the last one.
        bodyBytes: state.bodyBytes == 0 ? Self.bodyBytesFirst : state.bodyBytes + state.bodyBytes / 4)
      return (state.refusal.map { .refused(scrape, $0) } ?? .begun(scrape), state.setup)
    }
    setup.metrics.missedTicks.add(missedCount)
    if let last { setup.intervalLength.observe(Double(now.monotonicNanoseconds - last) / 1e9) }
    return beginning
  }

  /// Passes over the moments up to now: the server is too busy.
  func skip(_ now: ClockReading) {
    let (count, metrics) = state.withLock { ($0.schedule.skip(now), $0.setup.metrics) }
    metrics.missedTicks.add(count)
  }

  /// Takes over what came of the scrape; the next one may begin. Returns the error before.
  func finish(_ scrape: Scrape, _ report: ScrapeReport, bodyBytes: Int?, seconds: Double) -> String {
    state.withLock { state in
      defer { state.lastError = report.error ?? report.warning }
      state.isRunning = false
      state.health = report.error == nil ? .up : .down
      state.lastMilliseconds = scrape.milliseconds
      state.lastSeconds = seconds
      if let bodyBytes { state.bodyBytes = bodyBytes }
      return state.lastError
    }
  }

  // MARK: Changes

  func refuse(_ refusal: String?) { state.withLock { $0.refusal = refusal } }

  /// Goes on as described; the interval's change sets a new phase. Returns the series that are given up for `series`.
  func change(_ setup: Setup, series: SeriesRoom?, _ now: ClockReading) -> SeriesRoom? {
    state.withLock { state in
      state.setup = setup
      if state.isEnded {
        // The time that it was away is not missed.
        state.isEnded = false
        if state.schedule.next <= now.monotonicNanoseconds { _ = state.schedule.skip(now) }
      }
      state.schedule = state.schedule.changed(
        intervalMilliseconds: setup.identity.intervalMilliseconds, hash: setup.phaseHash, now: now)
      guard let series else { return nil }
      defer { state.series = series }
      return state.lastStart == nil ? nil : state.series
    }
  }

  /// The series go on under these options; waits for an answer that is being stored.
  func reconfigureSeries(_ options: ScrapeOptions) { state.withLock { $0.series }.reconfigure(options) }

  /// No scrape begins any more. Returns the moment of the one that would have been next, and the series; nil where there
  /// never was a scrape.
  func end() -> (missed: Int64, series: SeriesRoom)? {
    state.withLock { state in
      state.isEnded = true
      return state.lastStart == nil ? nil : (state.schedule.next, state.series)
    }
  }

  // MARK: Shown

  var shown: TargetState {
    let present = state.withLock { $0 }
    let identity = present.setup.identity
    var shown = TargetState(
      pool: present.setup.job.options.jobName, discoveredLabels: present.setup.discovered,
      labels: identity.publicLabels, url: identity.url, intervalMilliseconds: identity.intervalMilliseconds,
      timeoutMilliseconds: identity.timeoutMilliseconds)
    shown.health = present.health
    shown.lastError = present.lastError
    shown.lastMilliseconds = present.lastMilliseconds
    shown.lastSeconds = present.lastSeconds
    return shown
  }

  var metadata: [TargetMetadata] { state.withLock { $0.series }.metadata }
  var metadataSize: (entries: Int, bytes: Int) { state.withLock { $0.series }.metadataSize }
}

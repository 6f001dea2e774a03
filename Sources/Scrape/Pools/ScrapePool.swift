import Discovery
import Model
import Outbound
import Platform
import Synchronization

/// The targets of one job: those that its discoveries found, behind its relabelling. Any thread; one sync at a time.
///
/// A sync compares what there is with what there should be. Targets that stay are not touched, changed ones go on with
/// their phase and, where the change allows it, with their series; new ones begin; those that have gone end.
final class ScrapePool: Sendable {
  /// Makes the series of a target under its options, with the rules for them compiled.
  typealias MakeSeries =
    @Sendable (_ options: ScrapeOptions, _ labels: Labels, _ metricRelabelling: Relabelling) -> SeriesRoom

  /// The parts that pools share.
  struct Surroundings: Sendable {
    let scraper: Scraper
    let log: Log
    let userAgent: String
    let makeSeries: MakeSeries
  }

  /// The order of a job to its pool. A plain value.
  struct Order: Sendable {
    var options: ScrapeOptions
    var failureLog: ScrapeFailureLog?
    /// Makes the phases of this server's targets differ from those of its HA peer.
    var seed: UInt64
    var firstScrapeAtOnce: Bool
  }

  /// A target that has gone, until its series are marked as ended.
  struct Ending: Sendable {
    let target: Target
    let place: TimeWheel.Place
  }

  struct Content: Sendable {
    var order: Order
    var settings: JobSettings
    var relabelling: Relabelling
    var metricRelabelling: Relabelling
    /// Nil until discovery has said something.
    var groups: [TargetGroup]?
    var targets: [TargetIdentity.Key: Target] = [:]
    var endings: [TargetIdentity.Key: Ending] = [:]
    var lastSync: Int64?
    var isRemoved = false
  }

  /// A snapshot for those who ask.
  struct Shown: Sendable {
    var options: ScrapeOptions
    var active: [Target] = []
    var dropped: [DroppedTarget] = []
    var droppedCount = 0
    /// Targets with the labels of another one, as the log was told last.
    var twinCount = 0
  }

  /// A busy discovery causes a sync no more often than this.
  static let syncIntervalNanoseconds: Int64 = 5_000_000_000

  let job: String
  let metrics: JobMetrics
  let surroundings: Surroundings
  /// Held for the whole of a sync, which looks at no file and waits for no network.
  private let content: Monitor<Content>
  let state: Mutex<Shown>
  private let syncPlace: TimeWheel.Place

  init(_ order: Order, _ surroundings: Surroundings) throws(RegexError) {
    let options = order.options
    job = options.jobName
    self.surroundings = surroundings
    let settings = JobSettings(
      options, client: Self.client(options), failureLog: order.failureLog,
      userAgent: surroundings.userAgent)
    content = Monitor(
      Content(
        order: order, settings: settings, relabelling: try Relabelling(options.relabelling),
        metricRelabelling: try Relabelling(options.metricRelabelling)))
    state = Mutex(Shown(options: options))
    metrics = surroundings.scraper.metrics.job(job)
    metrics.targetLimit.set(options.targetsMax)
    syncPlace = surroundings.scraper.wheel.place()
  }

  private static func client(_ options: ScrapeOptions) -> SigningClient {
    SigningClient(options.client, signing: options.signing, options: LoopExchange.options)
  }

  var shown: Shown { state.withLock { $0 } }

  // MARK: Changes

  /// Takes over what the discoveries found; the sync comes soon: at once for the first, else at most every 5 s.
  func take(_ groups: [TargetGroup]) {
    let now = surroundings.scraper.clock.monotonicNanoseconds()
    let moment = content.withLock { content -> Int64 in
      content.groups = groups
      return max(now, content.lastSync.map { $0 + Self.syncIntervalNanoseconds } ?? now)
    }
    syncSoon(at: moment)
  }

  /// Takes over a configuration. Where it changes the discoveries, the targets wait for what they find.
  func reconfigure(_ order: Order) throws(RegexError) {
    let scraper = surroundings.scraper
    let started = scraper.clock.monotonicNanoseconds()
    let options = order.options
    let relabelling = try Relabelling(options.relabelling)
    let metricRelabelling = try Relabelling(options.metricRelabelling)
    let now = ClockReading(scraper.clock)
    let waits = content.withLock { content -> Bool? in
      let before = content.order.options
      if before == options && content.order.failureLog === order.failureLog {
        content.order = order
        return nil
      }
      let client =
        before.client == options.client && before.signing == options.signing
        ? content.settings.client : Self.client(options)
      content.settings = JobSettings(
        options, client: client, failureLog: order.failureLog, userAgent: surroundings.userAgent)
      content.order = order
      content.relabelling = relabelling
      content.metricRelabelling = metricRelabelling
      if before == options {
        // Only what is around the job has changed: its log.
        for target in content.targets.values {
          adopt(target, target.setup.identity, target.setup.discovered, content, now)
        }
        return false
      }
      state.withLock { $0.options = options }
      metrics.targetLimit.set(options.targetsMax)
      if content.groups == nil { return false }
      if before.discoveries != options.discoveries {
        content.lastSync = nil
        return true
      }
      synchronize(&content, now)
      return false
    }
    guard let waits else { return }
    if waits { syncSoon(at: now.monotonicNanoseconds + Self.syncIntervalNanoseconds) }
    let seconds = Double(scraper.clock.monotonicNanoseconds() - started) / 1e9
    scraper.metrics.reloadLength(DurationText.format(options.intervalMilliseconds)).observe(seconds)
  }

  /// The job has gone: its targets end.
  func remove() {
    surroundings.scraper.wheel.remove(syncPlace)
    let now = ClockReading(surroundings.scraper.clock)
    content.withLock { content in
      content.isRemoved = true
      for target in content.targets.values { end(target, &content, now) }
      content.targets = [:]
    }
    state.withLock { $0.active = [] }
    metrics.remove()
  }

  private func syncSoon(at moment: Int64) {
    surroundings.scraper.atWorker(syncPlace, at: moment) { [weak self] in self?.sync() }
  }

  private func sync() {
    let started = surroundings.scraper.clock.monotonicNanoseconds()
    let isDone = content.withLock { content in
      if content.isRemoved || content.groups == nil { return false }
      synchronize(&content, ClockReading(surroundings.scraper.clock))
      return true
    }
    if !isDone { return }
    metrics.syncLength.observe(Double(surroundings.scraper.clock.monotonicNanoseconds() - started) / 1e9)
    metrics.syncs.add()
  }

  // MARK: The end of a target

  /// Ends a target. Its series are marked two and a tenth intervals later, dated at the first scrape that did not come:
  /// a target that comes back meanwhile goes on.
  func end(_ target: Target, _ content: inout Content, _ now: ClockReading) {
    surroundings.scraper.wheel.remove(target.place)
    guard let (missed, series) = target.end() else { return }
    let place = surroundings.scraper.wheel.place()
    let key = target.setup.identity.lastingKey
    content.endings[key] = Ending(target: target, place: place)
    mark(series, target, missed: missed, at: place) { [weak self] in
      self?.content.withLock { content in
        if content.endings[key]?.place == place { content.endings[key] = nil }
      }
    }
  }

  /// Marks series as ended, later. `target`: is not storing then.
  func mark(
    _ series: SeriesRoom, _ target: Target, missed: Int64, at place: TimeWheel.Place,
    then: @escaping @Sendable () -> Void = {}
  ) {
    let scraper = surroundings.scraper
    let interval = target.setup.identity.intervalMilliseconds.nanoseconds
    scraper.atWorker(place, at: missed + interval + interval / 10) { [self] in
      // A scrape that began before the end is stored before the mark.
      if target.isEnded && target.isRunning {
        return mark(series, target, missed: missed + interval, at: place, then: then)
      }
      then()
      series.end(at: ClockReading(scraper.clock).wall(at: missed))
    }
  }
}

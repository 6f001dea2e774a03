import HTTP
import Platform
import Synchronization

/// Runs the scrapes of all targets: the wheel says when, the exchange fetches, workers store. Any thread.
///
/// A target has one scrape at a time: it lies on the wheel while none runs, and is put there again by the worker that has
/// stored its answer.
final class Scraper: Sendable {
  /// Scrapes under way, fetching, waiting for a worker or storing. At the limit, moments of targets pass unused.
  static let underWayMax = 16_384
  /// The wait for room in the budget of bodies before it is asked again.
  private static let roomWaitNanoseconds: Int64 = 50_000_000
  /// The wait for a worker before it is asked again, where a work is no scrape.
  private static let workerWaitNanoseconds: Int64 = 100_000_000

  private struct State: Sendable {
    var underWay = 0
    var isStopping = false
    var options: ScrapeServerOptions
  }

  let wheel: ScrapeWheel
  let clock: any Clock
  let metrics: ScrapeMetrics
  private let exchange: any ScrapeExchange
  private let submit: @Sendable (@escaping @Sendable () -> Void) -> Bool
  private let budget: ScrapeBodyBudget
  private let log: Log
  private let state: Monitor<State>

  /// `submit`: gives a work to one of the workers; false where it is not taken. It takes at least `underWayMax`.
  init(
    _ wheel: ScrapeWheel, _ exchange: any ScrapeExchange, _ metrics: ScrapeMetrics, log: Log,
    options: ScrapeServerOptions, submit: @escaping @Sendable (@escaping @Sendable () -> Void) -> Bool
  ) {
    self.wheel = wheel
    clock = wheel.clock
    self.exchange = exchange
    self.metrics = metrics
    self.log = log
    self.submit = submit
    budget = ScrapeBodyBudget(bytesMax: options.bodiesBytesMax)
    state = Monitor(State(options: options))
  }

  func reconfigure(_ options: ScrapeServerOptions) {
    budget.reconfigure(bytesMax: options.bodiesBytesMax)
    state.withLock { $0.options = options }
  }

  // MARK: A target

  /// Puts a target on the wheel for its next scrape.
  func schedule(_ target: Target) {
    wheel.set(target.place, at: target.next) { [weak self, weak target] in
      if let self, let target { self.begin(target) }
    }
  }

  private func begin(_ target: Target) {
    let now = ClockReading(clock)
    guard let isRoom = enter() else { return }
    guard isRoom else {
      target.skip(now)
      return schedule(target)
    }
    switch target.begin(now) {
    case .ended: leave()
    case .later:
      leave()
      if !target.isRunning { schedule(target) }
    case .refused(let scrape, let text):
      toWorker { self.store(.failure(text, isTooLarge: false), scrape, target, fetched: false) }
    case .begun(let scrape): fetch(scrape, target)
    }
  }

  /// Begins the exchange once there is room for the body; waits for it no longer than the timeout.
  private func fetch(_ scrape: Target.Scrape, _ target: Target) {
    if isStopping { return leave() }
    guard budget.take(scrape.bodyBytes) else {
      let waited = clock.monotonicNanoseconds() - scrape.startNanoseconds
      if waited >= scrape.setup.identity.timeoutMilliseconds.nanoseconds {
        metrics.exceededBodyBudget.add()
        let text = "no memory for the body: those of other scrapes have used up apus.scrape.bodies_bytes_max"
        return toWorker { self.store(.failure(text, isTooLarge: false), scrape, target) }
      }
      return wheel.set(target.place, at: clock.monotonicNanoseconds() + Self.roomWaitNanoseconds) { [weak self] in
        self?.fetch(scrape, target)
      }
    }
    let options = scrape.setup.job.options
    let bound = state.withLock { $0.options.bodyBytesMax }
    let limit = options.bodyBytesMax
    let request = scrape.setup.job.request(
      scrape.setup.identity, bodyBytesMax: limit > 0 ? max(0, limit - 1) : bound)
    exchange.start(request, by: scrape.setup.job.client) { [self] result in
      // The target is not down because this server ends.
      if case .failure(.cancelled) = result, isStopping {
        budget.give(scrape.bodyBytes)
        return leave()
      }
      var scrape = scrape
      // The body is here: what it takes is known.
      if case .success(let response) = result {
        budget.exchange(scrape.bodyBytes, for: response.body.count)
        scrape.bodyBytes = response.body.count
      }
      let content = ScrapeContent.make(
        result, url: scrape.setup.identity.url, limit: limit, bound: bound)
      toWorker { [scrape] in
        self.store(content, scrape, target)
        self.budget.give(scrape.bodyBytes)
      }
    }
  }

  /// On a worker: stores an answer and puts the target on the wheel again.
  private func store(
    _ content: ScrapeAnswer.Content, _ scrape: Target.Scrape, _ target: Target, fetched: Bool = true
  ) {
    let job = scrape.setup.job
    var bodyBytes: Int?
    switch content {
    case .body(let body, _): bodyBytes = body.count
    case .failure(let text, let isTooLarge):
      if isTooLarge { metrics.exceededBodySize.add() }
      if fetched {
        job.failureLog?.write(text, job: job.options.jobName, target: scrape.setup.identity.url)
        log.debug("Scrape failed", ["scrape_pool": job.options.jobName, "target": scrape.setup.identity.url, "err": text])
      }
    }
    let report = scrape.series.store(
      ScrapeAnswer(content: content, time: scrape.milliseconds, startNanoseconds: scrape.startNanoseconds))
    let seconds = Double(clock.monotonicNanoseconds() - scrape.startNanoseconds) / 1e9
    if job.options.storesExtraMetrics { metrics.duration.observe(seconds) }
    target.finish(scrape, report, bodyBytes: bodyBytes, seconds: seconds)
    leave()
    schedule(target)
  }

  // MARK: Workers

  /// Hands on a part of a scrape; the queue has room for all that are under way.
  private func toWorker(_ work: @escaping @Sendable () -> Void) {
    if !submit(work) { leave() }
  }

  /// Runs a work on a worker at a moment: a sync, the end of a target. Not after the stop.
  func atWorker(_ place: ScrapeWheel.Place, at moment: Int64, _ work: @escaping @Sendable () -> Void) {
    wheel.set(place, at: moment) { [weak self] in
      guard let self, !isStopping else { return }
      if !submit(work) { atWorker(place, at: clock.monotonicNanoseconds() + Self.workerWaitNanoseconds, work) }
    }
  }

  // MARK: The stop

  /// No scrape begins after this; returns when none runs, or when the time is over.
  func stop(until deadline: Deadline) {
    state.withLock { $0.isStopping = true }
    state.wakeAll()
    _ = state.wait(until: deadline) { $0.underWay == 0 ? true : nil }
    wheel.stop()
    exchange.stop()
  }

  var stopMillisecondsMax: Int64 { state.withLock { $0.options.stopMillisecondsMax } }
  var underWay: Int { state.withLock { $0.underWay } }
  private var isStopping: Bool { state.withLock { $0.isStopping } }

  /// Counts a scrape as under way; false where there are too many, nil at the stop.
  private func enter() -> Bool? {
    state.withLock { state in
      if state.isStopping { return nil }
      if state.underWay >= Self.underWayMax { return false }
      state.underWay += 1
      return true
    }
  }

  private func leave() {
    state.withLock { $0.underWay -= 1 }
    state.wakeAll()
  }
}

import HTTP
import Platform
import Synchronization

/// Runs the scrapes of all targets: the wheel says when, the exchange fetches, workers store. Any thread.
///
/// A target has one scrape at a time: it lies on the wheel while none runs, and is put there again by the worker that has
/// stored its answer.
final class Scraper: Sendable {
  /// Gives a work to one of the workers; false where there is no room for it.
  typealias Submit = @Sendable (_ work: @escaping @Sendable () -> Void) -> Bool

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

  let wheel: TimeWheel
  let clock: any Clock
  let metrics: ScrapeMetrics
  private let exchange: any ScrapeExchange
  private let submit: Submit
  private let prepare: Submit
  private let budget: ScrapeBodyBudget
  private let log: Log
  private let state: Monitor<State>

  init(
    _ wheel: TimeWheel, _ exchange: any ScrapeExchange, _ metrics: ScrapeMetrics, log: Log,
    options: ScrapeServerOptions, submit: @escaping Submit, prepare: @escaping Submit
  ) {
    self.wheel = wheel
    clock = wheel.clock
    self.exchange = exchange
    self.metrics = metrics
    self.log = log
    self.submit = submit
    self.prepare = prepare
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
    let job = scrape.setup.job
    let now = clock.monotonicNanoseconds()
    let left = scrape.setup.identity.timeoutMilliseconds.nanoseconds - (now - scrape.startNanoseconds)
    guard let lease = ScrapeBodyLease(scrape.bodyBytes, of: budget) else {
      if left <= 0 {
        metrics.exceededBodyBudget.add()
        return toWorker { self.store(.failure(ScrapeContent.noRoom, isTooLarge: false), scrape, target) }
      }
      // Not the target's place: its end does not end this.
      return wheel.set(wheel.place(), at: now + Self.roomWaitNanoseconds) { [weak self] in self?.fetch(scrape, target) }
    }
    let bound = state.withLock { $0.options.bodyBytesMax }
    let limit = job.options.bodyBytesMax
    var request = job.request(scrape.setup.identity, bodyBytesMax: limit > 0 ? limit - 1 : bound)
    request.totalMillisecondsMax = max(1, Int(left / 1_000_000))
    request.takesBytes = lease.take
    // The lease has room for as much.
    request.responseBytesLikely = scrape.bodyBytes
    let preparing: Submit = { [prepare] in job.preparations.add($0, on: prepare) }
    exchange.start(request, by: job.client, prepareOn: preparing) { [self, request] result in
      // The target is not down because this server ends.
      if case .failure(.cancelled) = result, isStopping { return leave() }
      switch result {
      case .success(let response): lease.settle(response.body.count)
      case .failure:
        lease.settle(0)
        if lease.wasRefused { metrics.exceededBodyBudget.add() }
      }
      let content = ScrapeContent.make(result, of: request, limit: limit, bound: bound)
      toWorker {
        self.store(content, scrape, target)
        lease.settle(0)
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
      if fetched { tell(text, scrape) }
    }
    let report = scrape.series.store(
      ScrapeAnswer(content: content, time: scrape.milliseconds, startNanoseconds: scrape.startNanoseconds))
    let seconds = Double(clock.monotonicNanoseconds() - scrape.startNanoseconds) / 1e9
    if job.options.storesExtraMetrics { metrics.duration.observe(seconds) }
    let before = target.finish(scrape, report, bodyBytes: bodyBytes, seconds: seconds)
    if report.error == nil && !report.warning.isEmpty && before.isEmpty { warn(report.warning, scrape) }
    leave()
    schedule(target)
  }

  /// Tells a warning when it begins; what lasts is told once.
  private func warn(_ warning: String, _ scrape: Target.Scrape) {
    log.warn(
      "Not all of a scrape is stored; told again after one that is",
      [
        "scrape_pool": scrape.setup.job.options.jobName, "target": scrape.setup.identity.url, "err": warning,
      ])
  }

  private func tell(_ failure: String, _ scrape: Target.Scrape) {
    let job = scrape.setup.job
    let url = scrape.setup.identity.url
    job.failureLog?.write(failure, job: job.options.jobName, target: url)
    log.debug("Scrape failed", ["scrape_pool": job.options.jobName, "target": url, "err": failure])
  }

  // MARK: Workers

  /// Hands on a part of a scrape, later where the workers have no room now.
  private func toWorker(_ work: @escaping @Sendable () -> Void) {
    if submit(work) { return }
    if isStopping { return leave() }
    wheel.set(wheel.place(), at: clock.monotonicNanoseconds() + Self.workerWaitNanoseconds) { [weak self] in
      self?.toWorker(work)
    }
  }

  /// Runs a work on a worker at a moment: a sync, the end of a target. Not after the stop.
  func atWorker(_ place: TimeWheel.Place, at moment: Int64, _ work: @escaping @Sendable () -> Void) {
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
  /// Bytes of bodies in memory, or kept free for them.
  var bodyBytes: Int { budget.used }
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

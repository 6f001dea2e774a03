import HTTP
import Model
import Platform

/// Sends alerts to one Alertmanager, one request after the other, so that an alert's states arrive in their order. Any
/// thread.
final class AlertmanagerSender: NotifyPart {
  /// The way requests are made. A value.
  struct Terms: Sendable {
    var client: NotifyClient
    var timeoutMilliseconds: Int64
    var batchSize: Int
  }

  private enum Phase {
    case staying
    /// Sends what waits, until the first failure, and ends.
    case draining
    case ended
  }

  private struct State {
    var terms: Terms
    var queue: AlertQueue
    var inFlight = 0
    var pace = RetryPace()
    var failure = FailureStreak()
    var phase = Phase.staying
    /// True while the log knows that there is no room.
    var isFullTold = false

    /// Notes how many alerts had to go for others; true if that is news for the log.
    mutating func noteDropped(_ count: Int) -> Bool {
      defer { isFullTold = count > 0 }
      return count > 0 && !isFullTold
    }
  }

  let url: String
  private let threads: NotifyThreads
  private let metrics: AlertmanagerMetrics
  private let onEnd: @Sendable () -> Void
  private let log: Log
  private let state: Monitor<State>

  init(
    _ url: String, _ terms: Terms, queueCapacity: Int, _ threads: NotifyThreads, _ metrics: AlertmanagerMetrics,
    onEnd: @escaping @Sendable () -> Void, _ log: Log
  ) {
    self.url = url
    self.threads = threads
    self.metrics = metrics
    self.onEnd = onEnd
    self.log = log.adding("alertmanager", url)
    state = Monitor(State(terms: terms, queue: AlertQueue(capacity: queueCapacity)))
  }

  /// Queues alerts; the oldest go where there is no room.
  func add(_ notices: [AlertNotice]) {
    let (dropped, isNews) = state.withLock { state -> (Int, Bool) in
      let dropped = state.phase == .staying ? notices.reduce(0) { $0 + state.queue.add($1) } : notices.count
      return (dropped, state.noteDropped(dropped))
    }
    tellFull(dropped, isNews: isNews)
    threads.wake()
  }

  func reconfigure(_ terms: Terms, queueCapacity: Int) {
    let (dropped, isNews) = state.withLock { state -> (Int, Bool) in
      state.terms = terms
      let dropped = state.queue.setCapacity(queueCapacity)
      // That nothing had to go does not say that there is room.
      return (dropped, dropped > 0 && state.noteDropped(dropped))
    }
    tellFull(dropped, isNews: isNews)
  }

  /// Ends once what waits is sent, or at the first failure; at once where it is not to be `drained`.
  func leave(isDrained: Bool) {
    let dropped = state.withLock { state in
      if state.phase == .staying { state.phase = .draining }
      return isDrained ? 0 : state.queue.takeAll().count
    }
    if dropped > 0 {
      metrics.dropped.add(dropped)
      log.warn("Alert notification queue not drained on shutdown, dropping alerts", ["count": "\(dropped)"])
    }
    threads.wake()
  }

  /// Ends whatever is under way: nothing is sent any more. Gives the number of alerts that were not delivered.
  func end() -> Int {
    let lost = state.withLock { state in
      state.phase = .ended
      return state.queue.takeAll().count + state.inFlight
    }
    metrics.dropped.add(lost)
    return lost
  }

  var shown: AlertmanagersView.Active {
    state.withLock { state in
      var view = AlertmanagersView.Active(url: url)
      view.queued = state.queue.count + state.inFlight
      view.lastError = state.failure.text
      view.failingSince = state.failure.sinceMilliseconds
      return view
    }
  }

  // MARK: Turns

  private enum Order {
    case turn(NotifyTurn)
    case send([AlertNotice], Terms)
  }

  func turn() -> NotifyTurn {
    let now = threads.clock.monotonicNanoseconds()
    let milliseconds = threads.clock.nowMilliseconds()
    var expired = 0
    var late: String?
    let order = state.withLock { state -> Order in
      if state.phase == .ended { return .turn(.ended) }
      let isWaiting = !state.queue.isEmpty || state.inFlight > 0
      late = isWaiting ? state.failure.tellLate(at: now) : nil
      if state.inFlight > 0 { return .turn(state.failure.lateTurn) }
      let isDue = state.pace.nextNanoseconds <= now || state.phase == .draining
      if isDue || state.queue.isEmpty {
        let taken = state.queue.take(state.terms.batchSize, at: milliseconds)
        expired = taken.expired
        if !taken.batch.isEmpty {
          state.inFlight = taken.batch.count
          return .send(taken.batch, state.terms)
        }
        if state.phase == .draining { return .turn(.ended) }
        return .turn(.idle)
      }
      return .turn(min(.at(state.pace.nextNanoseconds), state.failure.lateTurn))
    }
    tell(late: late, expired: expired)
    switch order {
    case .turn(let turn):
      if turn == .ended { onEnd() }
      return turn
    case .send(let batch, let terms):
      send(batch, terms, from: now, milliseconds)
      return .idle
    }
  }

  private func send(_ batch: [AlertNotice], _ terms: Terms, from start: Int64, _ milliseconds: Int64) {
    let body = AlertPayload.json(batch)
    terms.client.post(body, to: url, milliseconds: terms.timeoutMilliseconds, on: threads) { [self] result in
      finish(batch, PostOutcome(result, to: url), from: start, milliseconds)
      threads.wake()
    }
  }

  private func finish(_ batch: [AlertNotice], _ outcome: PostOutcome, from start: Int64, _ milliseconds: Int64) {
    let now = threads.clock.monotonicNanoseconds()
    if outcome == .delivered {
      metrics.latency(Double(now - start) / 1e9)
      metrics.sent.add(batch.count)
    } else {
      metrics.errors.add(batch.count)
    }
    var dropped = 0
    let news = state.withLock { state -> FailureStreak.News in
      // At the end they were counted.
      if state.phase == .ended { return .none }
      state.inFlight = 0
      switch outcome {
      case .delivered:
        state.pace.succeeded()
        return state.failure.succeeded()
      case .refused(let text):
        // The Alertmanager is there: the next batch goes at once.
        state.pace.succeeded()
        dropped = batch.count
        return state.failure.refused(text)
      case .failed(let text):
        state.pace.failed(at: now)
        // Who leaves does not wait: what is not taken now is lost.
        dropped =
          state.phase == .staying ? state.queue.putBack(batch) : batch.count + state.queue.takeAll().count
        return state.failure.failed(text, at: start, milliseconds)
      }
    }
    metrics.dropped.add(dropped)
    tell(news, batch.count, dropped: dropped)
  }

  // MARK: The log

  private func tell(_ news: FailureStreak.News, _ count: Int, dropped: Int) {
    switch news {
    case .none: break
    case .failing(let text):
      log.error(
        "Error sending alerts", ["count": "\(count)", "dropped": "\(dropped)", "err": text])
    case .delivering: log.info("Alerts are delivered again")
    }
  }

  private func tell(late: String?, expired: Int) {
    if let late {
      log.error(
        "No alert could be delivered for a minute; the attempts go on until the alerts end", ["err": late])
    }
    if expired > 0 {
      metrics.dropped.add(expired)
      log.warn("Alerts ended before they could be delivered; they are dropped", ["count": "\(expired)"])
    }
  }

  private func tellFull(_ dropped: Int, isNews: Bool) {
    metrics.dropped.add(dropped)
    if isNews { log.warn("Alert notification queue full, dropping alerts", ["count": "\(dropped)"]) }
  }
}

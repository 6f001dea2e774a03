import Discovery
import Model
import Platform

/// Tells one receiver of groups of alerts, one message after the other. Any thread.
final class AlertReceiver: NotifyPart {
  private struct State {
    var table: AlertGroupTable
    var channel: ReceiverChannel
    var matchers: [CompiledMatcher]
    var routes: CompiledRoutes?
    var place: Int

    func takes(_ labels: Labels) -> Bool {
      matchers.allSatisfy { $0.matches(labels) } && routes?.places(of: labels).contains(place) ?? true
    }
    var isSending = false
    var isLeaving = false
    var pace = RetryPace()
    var failure = FailureStreak()
    var isFullTold = false
  }

  private static let sleepMillisecondsMax: Int64 = 86_400_000

  let name: String
  private let surroundings: DiscoverySurroundings
  private let threads: NotifyThreads
  private let metrics: AlertReceiverMetrics
  private let log: Log
  /// Called when what is to survive a restart has changed.
  private let onChange: @Sendable () -> Void
  private let state: Monitor<State>

  init(
    _ options: ReceiverOptions, _ whole: NotifyOptions, _ surroundings: DiscoverySurroundings, _ threads: NotifyThreads,
    onChange: @escaping @Sendable () -> Void
  ) throws(RegexError) {
    name = options.name
    self.surroundings = surroundings
    self.threads = threads
    self.onChange = onChange
    metrics = AlertReceiverMetrics(options.name, surroundings.registry)
    log = surroundings.log.adding("receiver", options.name)
    state = Monitor(
      State(
        table: AlertGroupTable(options, alertsMax: whole.queueCapacity),
        channel: ReceiverChannel(options, externalURL: whole.externalURL, surroundings),
        matchers: try Self.compile(options.matchers), routes: try Self.routes(options),
        place: options.route?.place ?? 0))
  }

  private static func compile(_ matchers: [Matcher]) throws(RegexError) -> [CompiledMatcher] {
    var compiled: [CompiledMatcher] = []
    for matcher in matchers { compiled.append(try CompiledMatcher(matcher)) }
    return compiled
  }

  private static func routes(_ options: ReceiverOptions) throws(RegexError) -> CompiledRoutes? {
    guard let route = options.route else { return nil }
    return try CompiledRoutes(route.tree)
  }

  func reconfigure(_ options: ReceiverOptions, _ whole: NotifyOptions) throws(RegexError) {
    let matchers = try Self.compile(options.matchers)
    let routes = try Self.routes(options)
    let channel = ReceiverChannel(options, externalURL: whole.externalURL, surroundings)
    let now = threads.clock.nowMilliseconds()
    state.withLock { state in
      state.table.reconfigure(options, alertsMax: whole.queueCapacity, at: now)
      state.channel = channel
      state.matchers = matchers
      state.routes = routes
      state.place = options.route?.place ?? 0
      state.pace.succeeded()
    }
    threads.wake()
  }

  /// Groups that an earlier run knew.
  func restore(_ groups: [Labels: AlertGroupTable.Group]) {
    state.withLock { state in
      for (labels, group) in groups { state.table.restore(labels, group) }
    }
  }

  /// Takes in alerts that the global rules have been applied to.
  func add(_ notices: [AlertNotice]) {
    let now = threads.clock.nowMilliseconds()
    let (dropped, isNews) = state.withLock { state -> (Int, Bool) in
      var dropped = 0
      for notice in notices where state.takes(notice.labels) {
        if !state.table.add(notice, at: now) { dropped += 1 }
      }
      let isNews = dropped > 0 && !state.isFullTold
      state.isFullTold = dropped > 0
      return (dropped, isNews)
    }
    metrics.dropped.add(dropped)
    if isNews {
      log.warn(
        "A receiver has no room for further alerts; --alertmanager.notification-queue-capacity bounds them",
        ["count": "\(dropped)"])
    }
    threads.wake()
  }

  /// Ends once no message is under way.
  func leave() {
    state.withLock { $0.isLeaving = true }
    threads.wake()
  }

  var groups: [Labels: AlertGroupTable.Group] { state.withLock { $0.table.groups } }

  var shown: AlertmanagersView.Receiver {
    state.withLock { state in
      var view = AlertmanagersView.Receiver(name: name)
      view.alerts = state.table.alertCount
      view.groups = state.table.groups.count
      view.lastError = state.failure.text
      view.failingSince = state.failure.sinceMilliseconds
      return view
    }
  }

  // MARK: Turns

  private enum Order {
    case turn(NotifyTurn)
    case send(GroupMessage, ReceiverChannel)
  }

  func turn() -> NotifyTurn {
    let clock = threads.clock
    let (now, milliseconds) = (clock.monotonicNanoseconds(), clock.nowMilliseconds())
    var late: String?
    let order = state.withLock { state -> Order in
      if state.isLeaving { return .turn(state.isSending ? .idle : .ended) }
      late = state.failure.tellLate(at: now)
      if state.isSending { return .turn(state.failure.lateTurn) }
      if state.pace.nextNanoseconds > now {
        return .turn(min(.at(state.pace.nextNanoseconds), state.failure.lateTurn))
      }
      if let message = state.table.takeDue(at: milliseconds) {
        state.isSending = true
        return .send(message, state.channel)
      }
      guard let next = state.table.nextMilliseconds else { return .turn(.idle) }
      // A day at most: looking is cheap.
      return .turn(.at(now + min(max(1, next - milliseconds), Self.sleepMillisecondsMax) * 1_000_000))
    }
    if let late { log.error("No message could be delivered for a minute; the attempts go on", ["err": late]) }
    switch order {
    case .turn(let turn):
      if turn == .ended { metrics.remove() }
      return turn
    case .send(let message, let channel):
      channel.send(message, on: threads) { [self] outcome in
        finish(message, outcome, from: now)
        threads.wake()
      }
      return .idle
    }
  }

  private func finish(_ message: GroupMessage, _ outcome: PostOutcome, from start: Int64) {
    let now = threads.clock.monotonicNanoseconds()
    let milliseconds = threads.clock.nowMilliseconds()
    (outcome == .delivered ? metrics.messages : metrics.failures).add()
    let news = state.withLock { state -> FailureStreak.News in
      state.isSending = false
      switch outcome {
      case .delivered:
        state.table.delivered(message)
        state.pace.succeeded()
        return state.failure.succeeded()
      case .refused(let text):
        // It is said again at the group's next interval, as it is then.
        state.pace.succeeded()
        return state.failure.refused(text)
      case .failed(let text):
        state.pace.failed(at: now)
        let pause = (state.pace.nextNanoseconds - now) / 1_000_000
        state.table.failed(message, nextAt: milliseconds + pause)
        return state.failure.failed(text, at: start, message.milliseconds)
      }
    }
    switch news {
    case .none: break
    case .failing(let text):
      log.error("Error sending a message about alerts", ["group": message.groupKey, "err": text])
    case .delivering: log.info("Messages about alerts are delivered again")
    }
    if outcome == .delivered { onChange() }
  }
}

import Discovery
import Model
import Platform

/// The Alertmanagers of one entry of the configuration. Its owner makes one change at a time; anybody may send.
final class AlertmanagerSet: Sendable {
  /// The parts of the notifier that its sets share.
  struct Shared: Sendable {
    var surroundings: DiscoverySurroundings
    var threads: NotifyThreads
    var metrics: NotifyMetrics
  }

  /// The options with all that is made of them once.
  private struct Settings: Sendable {
    var options: AlertmanagerSetOptions
    var relabelling: Relabelling
    var alertRelabelling: Relabelling
    var terms: AlertmanagerSender.Terms
    var queueCapacity: Int

    init(_ options: AlertmanagerSetOptions, _ whole: NotifyOptions, _ shared: Shared) throws(RegexError) {
      self.options = options
      relabelling = try Relabelling(options.relabelling)
      alertRelabelling = try Relabelling(options.alertRelabelling)
      terms = AlertmanagerSender.Terms(
        client: NotifyClient(options.client, signing: options.signing, shared.surroundings),
        timeoutMilliseconds: options.timeoutMilliseconds, batchSize: whole.batchSize)
      queueCapacity = whole.queueCapacity
    }
  }

  private struct State {
    var settings: Settings
    /// Those in force once the discoveries of the new options have answered.
    var pending: Settings?
    /// Nil until the discoveries have answered for the first time.
    var groups: [TargetGroup]?
    var senders: [AlertmanagerSender] = []
    var droppedURLs: [String] = []
    /// Alerts that came while nobody was there to be told.
    var early: AlertQueue
  }

  private let shared: Shared
  private let state: Monitor<State>

  init(_ options: AlertmanagerSetOptions, _ whole: NotifyOptions, _ shared: Shared) throws(RegexError) {
    self.shared = shared
    state = Monitor(
      State(
        settings: try Settings(options, whole, shared), early: AlertQueue(capacity: whole.queueCapacity)))
    takeFixed(options)
  }

  /// The options that it was last given.
  var options: AlertmanagerSetOptions { state.withLock { ($0.pending ?? $0.settings).options } }

  /// Takes over options. Where the discoveries are others, the Alertmanagers that are there stay, with their options, until
  /// those have answered: no credentials go to an address that they are not for.
  func reconfigure(_ options: AlertmanagerSetOptions, _ whole: NotifyOptions) throws(RegexError) {
    let new = try Settings(options, whole, shared)
    let isKept = state.withLock { state in
      var new = new
      if new.options == state.settings.options { new.terms.client = state.settings.terms.client }
      let isKept = new.options.discoveries == state.settings.options.discoveries
      if isKept {
        state.settings = new
        state.pending = nil
      } else {
        state.pending = new
      }
      return isKept
    }
    if isKept { synchronize() } else { takeFixed(options) }
  }

  /// Takes over what the discoveries found.
  func take(_ groups: [TargetGroup]) {
    state.withLock { state in
      state.groups = groups
      if let pending = state.pending { state.settings = pending }
      state.pending = nil
    }
    synchronize()
  }

  /// Targets that the configuration names are there at once.
  private func takeFixed(_ options: AlertmanagerSetOptions) {
    var groups: [TargetGroup] = []
    for discovery in options.discoveries {
      guard case .fixed(let fixed) = discovery else { return }
      groups += fixed
    }
    take(groups)
  }

  /// Queues alerts that the global rules have been applied to.
  func send(_ notices: [AlertNotice]) {
    let (senders, relabelled) = state.withLock { state in
      let relabelled = notices.compactMap { $0.relabelled(state.settings.alertRelabelling) }
      if state.senders.isEmpty { for notice in relabelled { _ = state.early.add(notice) } }
      return (state.senders, relabelled)
    }
    if relabelled.isEmpty { return }
    for sender in senders { sender.add(relabelled) }
  }

  /// All Alertmanagers leave; gives them.
  func leave(isDrained: Bool) -> [AlertmanagerSender] {
    let senders = state.withLock { state in
      defer {
        state.senders = []
        state.droppedURLs = []
      }
      return state.senders
    }
    for sender in senders { sender.leave(isDrained: isDrained) }
    return senders
  }

  var shown: (active: [AlertmanagersView.Active], droppedURLs: [String]) {
    let (senders, dropped) = state.withLock { ($0.senders, $0.droppedURLs) }
    return (senders.map(\.shown), dropped)
  }

  // MARK: The comparison of what there is with what there should be

  private func synchronize() {
    let (settings, groups, present) = state.withLock { ($0.settings, $0.groups, $0.senders) }
    guard let groups else { return }
    let (urls, droppedURLs) = find(groups, settings)
    var rest = Dictionary(uniqueKeysWithValues: present.map { ($0.url, $0) })
    var senders: [AlertmanagerSender] = []
    for url in urls {
      if let sender = rest.removeValue(forKey: url) {
        sender.reconfigure(settings.terms, queueCapacity: settings.queueCapacity)
        senders.append(sender)
      } else if let sender = begin(url, settings) {
        senders.append(sender)
      }
    }
    let milliseconds = shared.surroundings.clock.nowMilliseconds()
    let early = state.withLock { state in
      state.senders = senders
      state.droppedURLs = droppedURLs
      return senders.isEmpty ? [] : state.early.take(.max, at: milliseconds).batch
    }
    if !early.isEmpty { for sender in senders { sender.add(early) } }
    for sender in rest.values { sender.leave(isDrained: true) }
  }

  private func begin(_ url: String, _ settings: Settings) -> AlertmanagerSender? {
    let sender = AlertmanagerSender(
      url, settings.terms, queueCapacity: settings.queueCapacity, shared.threads, shared.metrics.enter(url),
      onEnd: { [metrics = shared.metrics] in metrics.leave(url) }, shared.surroundings.log)
    do throws(ThreadError) {
      try shared.threads.add(sender)
      return sender
    } catch {
      shared.metrics.leave(url)
      shared.surroundings.log.error(
        "An Alertmanager is not told of alerts: there is no thread for it; a reload tries again",
        ["alertmanager": url, "err": "\(error)"])
      return nil
    }
  }

  /// The addresses, each once, and those that rules have dropped.
  private func find(_ groups: [TargetGroup], _ settings: Settings) -> (urls: [String], dropped: [String]) {
    var urls: [String] = []
    var dropped: [String] = []
    var seen: Set<String> = []
    for group in groups {
      for target in group.targets {
        switch AlertmanagerTarget.make(target, of: group, settings.options, settings.relabelling) {
        case .active(let url): if seen.insert(url).inserted { urls.append(url) }
        case .dropped(let url): dropped.append(url)
        case .fault(let text):
          shared.surroundings.log.error("Creating discovered Alertmanagers failed", ["err": text])
        }
      }
    }
    return (urls, dropped)
  }
}

extension AlertNotice {
  /// The alert with the labels that rules make of its own; nil where they drop it.
  func relabelled(_ rules: Relabelling) -> AlertNotice? {
    if rules.isEmpty { return self }
    guard let labels = rules.apply(to: labels) else { return nil }
    var notice = self
    notice.labels = labels
    return notice
  }
}

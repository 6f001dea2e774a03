import Discovery
import Model
import Platform

/// Tells Alertmanagers and receivers of alerts. Any thread. `stop` has to be called before the last reference goes.
package final class Notifier: Sendable {
  /// The time that queues have at the stop. Who runs containers kills after ten seconds what has not ended.
  package static let stopMillisecondsMax: Int64 = 8_000

  private struct State {
    var options = NotifyOptions()
    var relabelling = Relabelling.none
    var sets: [AlertmanagerSet] = []
    var receivers: [AlertReceiver] = []
    /// Those of the definitions of workspaces: each is told of the alerts of its workspace alone.
    var defined: [String: [AlertReceiver]] = [:]
    /// The groups that an earlier run has left of receivers that have not begun yet; nil before it is read.
    var known: ReceiverStateFile.Receivers?
    var isStopped = false

    var allReceivers: [AlertReceiver] { receivers + defined.values.flatMap { $0 } }
  }

  /// Those that send what waits while the server ends.
  private struct Leaving {
    let senders: [AlertmanagerSender]
    let receivers: [AlertReceiver]
    let deadline: Deadline
  }

  private let surroundings: DiscoverySurroundings
  private let state = Monitor(State())
  /// One change of the configuration or of what was discovered at a time.
  private let change = Monitor(())
  private let threads: NotifyThreads
  private let metrics: NotifyMetrics
  private let discovery = Monitor<DiscoverySet?>(nil)
  private let leaving = Monitor<Leaving?>(nil)

  /// Nil: a restart forgets what receivers were told.
  private let keeper: ReceiverStateKeeper?

  /// There is nobody to tell before `reconfigure`.
  package init(_ surroundings: DiscoverySurroundings, stateFile: ReceiverStateFile? = nil) {
    self.surroundings = surroundings
    let threads = NotifyThreads(surroundings.clock)
    self.threads = threads
    keeper = stateFile.map { ReceiverStateKeeper($0, threads, surroundings.log) }
    let state = state
    metrics = NotifyMetrics(
      surroundings.registry, clock: surroundings.clock, capacity: { state.withLock { $0.options.queueCapacity } },
      shown: { Self.shown(state).active })
    AlertReceiverMetrics.collect(surroundings.registry, clock: surroundings.clock) { Self.shown(state).receivers }
    discovery.withLock { discovery in
      discovery = DiscoverySet(name: "notify", surroundings) { [weak self] in self?.take($0) }
    }
  }

  // MARK: Changes

  /// Takes over a configuration: Alertmanagers that it still names keep their queues.
  package func reconfigure(_ options: NotifyOptions) {
    change.withLock { _ in
      let before = state.withLock { $0 }
      if before.isStopped { return }
      let relabelling: Relabelling
      let sets: [AlertmanagerSet]
      let receivers: [AlertReceiver]
      do throws(RegexError) {
        relabelling = try Relabelling(options.relabelling)
        receivers = try makeReceivers(options.receivers, options, before.receivers)
        sets = try makeSets(options, before.sets)
      } catch {
        surroundings.log.error("The section alerting cannot be taken over; it stays as it was", ["err": "\(error)"])
        return
      }
      state.withLock { state in
        state.options = options
        state.relabelling = relabelling
        state.sets = sets
        state.receivers = receivers
      }
      begin(receivers, before.receivers)
      for set in before.sets where !sets.contains(where: { $0 === set }) { _ = set.leave(isDrained: true) }
      let jobs = options.alertmanagers.enumerated().map { (name: Self.job($0), discoveries: $1.discoveries) }
      discovery.withLock { $0 }?.apply(jobs)
    }
  }

  /// Prometheus's name of a set in its metrics.
  private static func job(_ place: Int) -> String { "config-\(place)" }

  /// The sets of a configuration: equal ones go on, then those at the same place.
  private func makeSets(
    _ options: NotifyOptions, _ before: [AlertmanagerSet]
  ) throws(RegexError) -> [AlertmanagerSet] {
    var rest = before.map(Optional.some)
    var found: [AlertmanagerSet?] = options.alertmanagers.map { entry in
      guard let place = rest.firstIndex(where: { $0?.options == entry }) else { return nil }
      defer { rest[place] = nil }
      return rest[place]
    }
    for place in found.indices where found[place] == nil && place < rest.count {
      found[place] = rest[place]
      rest[place] = nil
    }
    let shared = AlertmanagerSet.Shared(surroundings: surroundings, threads: threads, metrics: metrics)
    var sets: [AlertmanagerSet] = []
    for (entry, set) in zip(options.alertmanagers, found) {
      if let set {
        try set.reconfigure(entry, options)
        sets.append(set)
      } else {
        sets.append(try AlertmanagerSet(entry, options, shared))
      }
    }
    return sets
  }

  /// Takes over the receivers of a workspace's definition; those with the names of the present ones go on.
  package func setReceivers(_ entries: [ReceiverOptions], of workspace: String) {
    change.withLock { _ in
      let present = state.withLock { $0 }
      if present.isStopped { return }
      let before = present.defined[workspace] ?? []
      do throws(RegexError) {
        let receivers = try makeReceivers(entries, present.options, before)
        state.withLock { $0.defined[workspace] = receivers.isEmpty ? nil : receivers }
        begin(receivers, before)
      } catch {
        surroundings.log.error(
          "The receivers of a workspace cannot be taken over; they stay as they were",
          ["workspace": workspace, "err": "\(error)"])
      }
    }
  }

  /// The receivers of these entries: those with the names of the present ones go on.
  private func makeReceivers(
    _ entries: [ReceiverOptions], _ options: NotifyOptions, _ before: [AlertReceiver]
  ) throws(RegexError) -> [AlertReceiver] {
    let state = state
    var receivers: [AlertReceiver] = []
    for entry in entries {
      if let known = before.first(where: { $0.name == entry.name }) {
        try known.reconfigure(entry, options)
        receivers.append(known)
      } else {
        let new = try AlertReceiver(entry, options, surroundings, threads) { [weak keeper] in
          keeper?.changed { Self.groups(state) }
        }
        receivers.append(new)
      }
    }
    return receivers
  }

  /// Starts new receivers where the last run has left them; the others leave.
  private func begin(_ receivers: [AlertReceiver], _ before: [AlertReceiver]) {
    let new = receivers.filter { receiver in !before.contains { $0 === receiver } }
    for receiver in new {
      if let groups = takeKnown(receiver.name) { receiver.restore(groups) }
      do throws(ThreadError) { try threads.add(receiver) } catch {
        surroundings.log.error(
          "A receiver is not told of alerts: there is no thread for it; a restart tries again",
          ["receiver": receiver.name, "err": "\(error)"])
      }
    }
    for receiver in before where !receivers.contains(where: { $0 === receiver }) { receiver.leave() }
  }

  /// The groups that an earlier run has left of a receiver; given once.
  private func takeKnown(_ name: String) -> [Labels: AlertGroupTable.Group]? {
    guard let keeper else { return nil }
    if state.withLock({ $0.known == nil }) {
      let read = keeper.read()
      state.withLock { $0.known = read }
    }
    return state.withLock { $0.known?.removeValue(forKey: name) }
  }

  /// The groups that are to survive a restart.
  private static func groups(_ state: Monitor<State>) -> ReceiverStateFile.Receivers {
    let (receivers, known) = state.withLock { ($0.allReceivers, $0.known ?? [:]) }
    return Dictionary(receivers.map { ($0.name, $0.groups) }) { first, _ in first }.merging(known) { first, _ in first }
  }

  /// Takes over what discoveries found; sets that are not named have not changed.
  private func take(_ groups: [String: [TargetGroup]]) {
    change.withLock { _ in
      let sets = state.withLock { $0.isStopped ? [] : $0.sets }
      for (place, set) in sets.enumerated() {
        if let groups = groups[Self.job(place)] { set.take(groups) }
      }
    }
  }

  // MARK: Alerts

  /// Tells of alerts of a workspace: queues them and returns. Only the receivers of its definition are told of none but its
  /// own.
  package func send(_ notices: [AlertNotice], of workspace: String = "") {
    let now = state.withLock { $0 }
    let receivers = now.receivers + (now.defined[workspace] ?? [])
    if now.isStopped || now.sets.isEmpty && receivers.isEmpty { return }
    let external = now.options.externalLabels.pairs
    let relabelled = notices.compactMap { notice -> AlertNotice? in
      var notice = notice
      if !external.isEmpty {
        var labels = LabelsBuilder(notice.labels)
        for (name, value) in external where labels[name] == nil { labels.set(name, value) }
        notice.labels = labels.labels()
      }
      return notice.relabelled(now.relabelling)
    }
    if relabelled.isEmpty { return }
    for set in now.sets { set.send(relabelled) }
    for receiver in receivers { receiver.add(relabelled) }
  }

  /// Takes no alert any more, and begins to send what waits. Whoever makes alerts has stopped before; `stop` comes later,
  /// so that others can end meanwhile.
  package func leave(within milliseconds: Int64 = Notifier.stopMillisecondsMax) {
    discovery.withLock { $0 }?.stop()
    let last = change.withLock { _ -> State? in
      state.withLock { state in
        if state.isStopped { return nil }
        defer {
          state.isStopped = true
          state.sets = []
          state.receivers = []
          state.defined = [:]
        }
        return state
      }
    }
    guard let last else { return }
    let senders = last.sets.flatMap { $0.leave(isDrained: last.options.drainsAtStop) }
    for receiver in last.allReceivers { receiver.leave() }
    let deadline = Deadline(milliseconds: milliseconds, of: surroundings.clock)
    leaving.withLock { $0 = Leaving(senders: senders, receivers: last.allReceivers, deadline: deadline) }
  }

  /// Ends, once what waits is sent or the time that `leave` began is over.
  package func stop(within milliseconds: Int64 = Notifier.stopMillisecondsMax) {
    leave(within: milliseconds)
    guard let last = leaving.withLock({ $0.take() }) else { return }
    if !threads.waitUntilEnded(last.deadline) {
      let lost = last.senders.reduce(0) { $0 + $1.end() }
      if lost > 0 {
        surroundings.log.warn(
          "Alerts were not delivered before the server ended; rules send them again after the start",
          ["count": "\(lost)"])
      }
    }
    threads.stop()
    if !last.receivers.isEmpty {
      keeper?.write(Dictionary(last.receivers.map { ($0.name, $0.groups) }) { first, _ in first })
    }
  }

  /// The Alertmanagers for the API.
  package var shown: AlertmanagersView { Self.shown(state) }

  private static func shown(_ state: Monitor<State>) -> AlertmanagersView {
    let (sets, receivers) = state.withLock { ($0.sets, $0.allReceivers) }
    var view = AlertmanagersView()
    for set in sets {
      let (active, dropped) = set.shown
      view.active += active
      view.droppedURLs += dropped
    }
    view.receivers = receivers.map(\.shown).sorted { $0.name < $1.name }
    view.active.sort { $0.url < $1.url }
    view.droppedURLs.sort()
    return view
  }
}

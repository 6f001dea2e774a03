import Platform

/// The rounds of one group: it waits on the wheel until it is due, then for a thread. Never two rounds at once. Any thread.
final class RuleGroupRun: Sendable {
  private enum Phase {
    /// The group of this identity before it has not ended yet.
    case waiting
    case resting, queued, running, ended
  }

  private struct State {
    var phase = Phase.waiting
    var schedule: RuleSchedule?
    var isRetired = false
    /// Called once the group has ended.
    var atEnd: (@Sendable () -> Void)?
  }

  let group: RuleGroup
  private let work: RuleWork
  private let place: TimeWheel.Place
  private let state = Monitor(State())
  /// Evaluates the group for a slot; the manager adds what a restart left.
  private let evaluate: @Sendable (RuleGroup, RuleSchedule.Slot) -> Void

  init(_ group: RuleGroup, _ work: RuleWork, evaluate: @escaping @Sendable (RuleGroup, RuleSchedule.Slot) -> Void) {
    self.group = group
    self.work = work
    self.evaluate = evaluate
    place = work.wheel.place()
  }

  /// Begins with the next slot; where the group was retired meanwhile, ends it.
  func begin() {
    let definition = group.definition
    let schedule = RuleSchedule(
      file: definition.file, name: definition.name, intervalMilliseconds: group.intervalMilliseconds,
      now: RuleSchedule.Reading(work.clock))
    let atEnd = state.withLock { state -> (@Sendable () -> Void)? in
      if state.isRetired {
        state.phase = .ended
        return state.atEnd.take()
      }
      state.phase = .resting
      state.schedule = schedule
      return nil
    }
    if let atEnd { return atEnd() }
    setWheel()
  }

  private func setWheel() {
    let due = state.withLock { $0.phase == .resting ? $0.schedule?.due : nil }
    guard let due else { return }
    work.wheel.set(place, at: due) { [weak self] in self?.comeDue() }
    // Who retired it in between found nothing on the wheel.
    if state.withLock({ $0.phase == .ended }) { work.wheel.remove(place) }
  }

  private func comeDue() {
    let isQueued = state.withLock { state in
      if state.phase != .resting { return false }
      state.phase = .queued
      return true
    }
    if isQueued { work.run { [weak self] in self?.run() } }
  }

  private func run() {
    let now = RuleSchedule.Reading(work.clock)
    let slot = state.withLock { state -> RuleSchedule.Slot? in
      if state.phase != .queued { return nil }
      let slot = state.schedule?.begin(now)
      state.phase = slot == nil ? .resting : .running
      return slot
    }
    guard let slot else { return setWheel() }
    group.counters.iterations.add(1 + slot.missedCount)
    group.counters.missed.add(slot.missedCount)
    evaluate(group, slot)
    let atEnd = state.withLock { state -> (@Sendable () -> Void)? in
      state.phase = state.isRetired ? .ended : .resting
      return state.atEnd.take()
    }
    state.wakeAll()
    if let atEnd { return atEnd() }
    setWheel()
  }

  /// No round begins after this; `atEnd` is called once the one that runs has ended, or at once.
  func retire(_ atEnd: @escaping @Sendable () -> Void) {
    let isOver = state.withLock { state in
      state.isRetired = true
      if state.phase == .running || state.phase == .waiting {
        state.atEnd = atEnd
        return false
      }
      state.phase = .ended
      return true
    }
    work.wheel.remove(place)
    if isOver { atEnd() }
  }

  /// Waits until no round runs.
  func waitForRound(until deadline: Deadline) {
    let _: Void? = state.wait(until: deadline) { $0.phase == .running ? nil : () }
  }
}

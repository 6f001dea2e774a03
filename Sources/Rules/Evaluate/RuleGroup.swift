import Model
import Platform
import Synchronization

/// A group of rules with their states. Rounds come one after the other, on any thread; any thread may look.
///
/// Rules are evaluated in order, and what one makes is stored before the next begins, or, where they do not need each other,
/// side by side.
package final class RuleGroup: Sendable {
  package let definition: RuleGroupDefinition
  package let intervalMilliseconds: Int64
  package let queryOffsetMilliseconds: Int64
  let rules: [EvaluatedRule]
  let counters: RuleGroupCounters
  private let dependencies: RuleDependencies
  let database: any RuleDatabase
  let surroundings: RuleSurroundings
  private let options: Mutex<RuleOptions>
  private let present = Mutex(RuleGroupFacts())
  /// Series of rules that a reload took out of the group; the next round ends them.
  private let orphans = Mutex<[Labels]>([])
  private let log: RuleLog
  /// A number for the states that were handed in last.
  let savedRevision = Atomic<UInt64>(.max)

  /// A group that is new. Without surroundings it is evaluated on the caller's thread alone, and nobody is told of its alerts.
  package convenience init(
    _ definition: RuleGroupDefinition, options: RuleOptions, database: any RuleDatabase,
    surroundings: RuleSurroundings = RuleSurroundings()
  ) {
    self.init(definition, options: options, database: database, surroundings, RuleGroupCounters())
  }

  init(
    _ definition: RuleGroupDefinition, options: RuleOptions, database: any RuleDatabase,
    _ surroundings: RuleSurroundings, _ counters: RuleGroupCounters
  ) {
    self.definition = definition
    self.surroundings = surroundings
    self.counters = counters
    self.options = Mutex(options)
    self.database = database.asked(byGroup: definition.name, ofFile: definition.file)
    intervalMilliseconds = Self.interval(definition, options)
    queryOffsetMilliseconds = Self.queryOffset(definition, options)
    let database = self.database
    rules = definition.rules.map { EvaluatedRule($0, limit: definition.limit, database) }
    dependencies = RuleDependencies(definition.rules, rules.map(\.query?.expression))
    log = RuleLog(surroundings.log.adding("rule_group", definition.key), count: rules.count)
  }

  private static func interval(_ definition: RuleGroupDefinition, _ options: RuleOptions) -> Int64 {
    let interval = definition.intervalMilliseconds ?? 0
    return max(1, interval > 0 ? interval : options.intervalMilliseconds)
  }

  private static func queryOffset(_ definition: RuleGroupDefinition, _ options: RuleOptions) -> Int64 {
    definition.queryOffsetMilliseconds ?? options.queryOffsetMilliseconds
  }

  /// True if the group stays as it is under another configuration; options that concern no group alone are taken over.
  func staysUnder(_ definition: RuleGroupDefinition, _ options: RuleOptions) -> Bool {
    let isSame =
      self.definition.rules == definition.rules && self.definition.limit == definition.limit
      && intervalMilliseconds == Self.interval(definition, options)
      && queryOffsetMilliseconds == Self.queryOffset(definition, options)
    if isSame { self.options.withLock { $0 = options } }
    return isSame
  }

  // MARK: rounds

  /// Evaluates all rules once, at a time in milliseconds. One round at a time.
  package func evaluate(at time: Int64) { evaluate(at: time, recordingsOnly: false) }

  /// Evaluates the recording rules for the last slots that a stall has passed over, so that their series have no hole. A group
  /// that takes its time is left alone: it would only fall further behind.
  func recover(_ slot: RuleSchedule.Slot) {
    let count = min(slot.missedCount, presentOptions.recoveredSlotsMax)
    guard count > 0, facts.seconds * 1000 * Double(count + 1) <= Double(intervalMilliseconds) else { return }
    for number in stride(from: count, to: 0, by: -1) {
      evaluate(at: slot.milliseconds - Int64(number) * intervalMilliseconds, recordingsOnly: true)
    }
    counters.recovered.add(count)
  }

  private func evaluate(at time: Int64, recordingsOnly: Bool) {
    let clock = surroundings.clock
    let (began, startedAt) = (clock.monotonicNanoseconds(), clock.nowMilliseconds())
    let round = RuleRound(
      time: time, queryOffset: queryOffsetMilliseconds, intervalMilliseconds: intervalMilliseconds,
      options: presentOptions, database: database, isCanceled: surroundings.isCanceled)
    let isShared =
      round.options.concurrentEvaluationsMax > 1 && facts.seconds >= surroundings.sharedSecondsMin
    var next = RuleGroupFacts(startedAt: startedAt, storedAt: round.storedTime)
    for all in dependencies.batches {
      if round.isCanceled() { break }
      let batch = recordingsOnly ? all.filter { definition.rules[$0].alert == nil } : all
      let runs = isShared && batch.count > 1 ? share(batch, round) : batch.map { evaluate($0, round) }
      for run in runs {
        next.samples += run.samples
        next.ruleSecondsSum += run.seconds
      }
    }
    endOrphans(at: round.storedTime)
    next.seconds = Double(clock.monotonicNanoseconds() - began) / 1e9
    surroundings.metrics?.noteGroup(seconds: next.seconds)
    present.withLock { $0 = next }
  }

  private func evaluate(_ number: Int, _ round: RuleRound) -> RuleRun {
    let run = rules[number].evaluate(round, surroundings, counters)
    log.note(number, definition.rules[number].name, run)
    return run
  }

  /// Evaluates rules on this thread and on those that are free; returns when all are done.
  private func share(_ numbers: [Int], _ round: RuleRound) -> [RuleRun] {
    let runs = Monitor<[RuleRun]>([])
    let batch = SharedBatch(numbers.count) { [self] place in
      let run = evaluate(numbers[place], round)
      runs.withLock { $0.append(run) }
    }
    for _ in 1..<min(numbers.count, round.options.concurrentEvaluationsMax) {
      if !surroundings.slots.take(of: round.options.concurrentEvaluationsMax) { break }
      let isTaken = surroundings.runAside { [slots = surroundings.slots] in
        batch.work()
        slots.give()
      }
      if !isTaken {
        surroundings.slots.give()
        break
      }
    }
    batch.work()
    batch.wait()
    return runs.withLock { $0 }
  }

  private func endOrphans(at time: Int64) {
    let ended = orphans.withLock { orphans in
      defer { orphans = [] }
      return orphans
    }
    if !ended.isEmpty { database.end(ended, at: time) }
  }

  // MARK: for those who look

  var presentOptions: RuleOptions { options.withLock { $0 } }
  var facts: RuleGroupFacts { present.withLock { $0 } }

  package var shown: RuleGroupView {
    let facts = facts
    var view = RuleGroupView(
      file: definition.file, name: definition.name, intervalMilliseconds: intervalMilliseconds,
      queryOffsetMilliseconds: queryOffsetMilliseconds, limit: definition.limit, rules: rules.map(\.view))
    view.evaluationSeconds = facts.seconds
    view.lastEvaluation = facts.startedAt
    return view
  }

  // MARK: reloads

  /// Goes on where another group of this identity ended, whose rounds are over: a rule of the same name and labels has the
  /// alerts and series of the one before, the second of such a pair those of the second. Rules that are gone end.
  func adopt(_ old: RuleGroup) {
    var left = old.rules
    for rule in rules {
      guard let place = left.firstIndex(where: rule.isSuccessor(of:)) else { continue }
      rule.adopt(left.remove(at: place))
    }
    let ended = old.orphans.withLock { $0 } + left.flatMap(\.written)
    orphans.withLock { $0 += ended }
    let facts = old.facts
    present.withLock { $0 = facts }
    tellEnd(of: left)
  }

  /// Tells that the alerts of rules that are taken away do not fire any more.
  private func tellEnd(of rules: [EvaluatedRule]) {
    let options = presentOptions
    let time = surroundings.clock.nowMilliseconds()
    let notices = rules.flatMap { $0.resolutions(at: time, options: options) }
    if !notices.isEmpty { surroundings.send(notices) }
  }

  /// The group is taken away: its alerts end now.
  func tellEnd() { tellEnd(of: rules) }

  /// Ends all series of the group, whose rounds are over. A marker is newer than the last sample also where the group went in
  /// the millisecond of its last slot, or a tick before: rounds may begin a little early.
  func endSeries(at time: Int64) {
    let ended = orphans.withLock { $0 } + rules.flatMap(\.written)
    let first = facts.storedAt.map { $0 + 1 } ?? .min
    if !ended.isEmpty { database.end(ended, at: max(time - queryOffsetMilliseconds, first)) }
  }
}

/// The last round of a group, for metrics and the API. A value.
struct RuleGroupFacts: Sendable {
  var startedAt: Int64?
  /// The time of its samples.
  var storedAt: Int64?
  var seconds = 0.0
  /// The sum over the rules, whether side by side or not.
  var ruleSecondsSum = 0.0
  var samples = 0
}

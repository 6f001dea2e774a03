import Model
import Platform
import PromQL
import Synchronization

/// A rule of a group, with the state that it goes on from. One thread at a time evaluates it; any thread may look at it.
final class EvaluatedRule: Sendable {
  private struct State {
    /// One of the two.
    var recording: RecordingRule?
    var alerting: AlertingRule?
    /// The series that the last round stored.
    var written: [Labels] = []
  }

  /// The outcome of the last evaluation, for those who look.
  struct Shown: Sendable {
    var health = RuleHealth.unknown
    var lastError = ""
    /// True if only a template failed.
    var isTemplateError = false
    var seconds = 0.0
    var evaluatedAt: Int64?
    var seriesFound: Int?
    /// A copy of the rule's value: making it costs nothing.
    var alerting: AlertingRule?
  }

  let definition: RuleDefinition
  let query: PreparedQuery?
  /// The reason why there is no query.
  private let queryError: String
  private let state: Exclusive<State>
  private let present = Mutex(Shown())

  init(_ definition: RuleDefinition, limit: Int, _ database: any RuleDatabase) {
    self.definition = definition
    let query: PreparedQuery?
    do throws(QueryError) {
      query = try database.prepare(definition.expression)
      queryError = ""
    } catch {
      query = nil
      queryError = "could not parse expression: \(error)"
    }
    self.query = query
    let isAlert = definition.alert != nil
    state = Exclusive(
      State(
        recording: isAlert ? nil : RecordingRule(definition, limit: limit),
        alerting: isAlert ? AlertingRule(definition, limit: limit, query: query?.expression.description) : nil))
  }

  // MARK: rounds

  /// Evaluates the rule and stores what it makes, before it returns; the number of samples that the expression made.
  func evaluate(_ round: RuleRound, _ surroundings: RuleSurroundings, _ counters: RuleGroupCounters) -> RuleRun {
    let clock = surroundings.clock
    let (began, startedAt) = (clock.monotonicNanoseconds(), clock.nowMilliseconds())
    counters.evaluations.add()
    var run = RuleRun()
    state.use { state in
      do throws(RuleError) {
        let samples = try make(&state, round, surroundings, &run)
        run.samples = samples.count
        store(samples, &state, round, &run)
      } catch {
        run.fail(error.description)
        send(&state, round, surroundings, isFailing: true)
      }
      run.seconds = Double(clock.monotonicNanoseconds() - began) / 1e9
      publish(state, run, startedAt)
    }
    if run.isFailure { counters.failures.add() }
    surroundings.metrics?.noteRule(seconds: run.seconds)
    return run
  }

  private func make(
    _ state: inout State, _ round: RuleRound, _ surroundings: RuleSurroundings, _ run: inout RuleRun
  ) throws(RuleError) -> [VectorSample] {
    let results = try results(round, &run)
    if let samples = try state.recording?.evaluate(results, at: round.storedTime) { return samples }
    let (database, isCanceled, offset) = (round.database, round.isCanceled, round.queryOffset)
    let evaluation = try state.alerting?.evaluate(
      results, at: round.time, offset: offset, options: round.options
    ) { (expression, time) throws(QueryError) in
      let answer = try database.instant(expression, at: time - offset, isCanceled: isCanceled)
      return EvaluatedRule.vector(answer.value) ?? []
    }
    guard let evaluation else { return [] }
    run.templateErrors = evaluation.templateErrors.map(\.description)
    surroundings.metrics?.expansions.add(evaluation.expansions)
    surroundings.metrics?.failedExpansions.add(evaluation.failedExpansions)
    send(&state, round, surroundings, isFailing: false)
    return evaluation.samples
  }

  private func results(_ round: RuleRound, _ run: inout RuleRun) throws(RuleError) -> [VectorSample] {
    guard let query else { throw RuleError(queryError) }
    do throws(QueryError) {
      let answer = try round.database.instant(query, at: round.storedTime, isCanceled: round.isCanceled)
      run.seriesFound = answer.statistics.seriesFound
      if let vector = EvaluatedRule.vector(answer.value) { return vector }
    } catch {
      run.isCanceled = error == .canceled
      throw RuleError(error.description)
    }
    throw RuleError("rule result is not a vector or scalar")
  }

  private static func vector(_ value: QueryValue) -> [VectorSample]? {
    switch value {
    case .vector(let samples): samples
    case .scalar(let time, let value): [VectorSample(labels: .empty, timestamp: time, value: .float(value))]
    case .string, .matrix: nil
    }
  }

  private func send(
    _ state: inout State, _ round: RuleRound, _ surroundings: RuleSurroundings, isFailing: Bool
  ) {
    let notices = state.alerting?.notices(
      at: round.time, intervalMilliseconds: round.intervalMilliseconds, options: round.options, isFailing: isFailing)
    if let notices, !notices.isEmpty { surroundings.send(notices) }
  }

  /// Stores samples, and ends the series that the last round stored and this one does not.
  private func store(_ samples: [VectorSample], _ state: inout State, _ round: RuleRound, _ run: inout RuleRun) {
    if samples.isEmpty && state.written.isEmpty { return }
    let write = samples.isEmpty ? RuleWrite() : round.database.append(samples)
    if write.isUnavailable { return run.fail(write.error) }
    if !write.error.isEmpty { run.error = write.error }
    if write.refusedPlaces.isEmpty && EvaluatedRule.areSame(samples, state.written) { return }
    var written = samples.map(\.labels)
    for place in write.refusedPlaces.sorted(by: >) { written.remove(at: place) }
    let kept = Set(written)
    let ended = state.written.filter { !kept.contains($0) }
    if !ended.isEmpty { round.database.end(ended, at: round.storedTime) }
    state.written = written
  }

  private static func areSame(_ samples: [VectorSample], _ series: [Labels]) -> Bool {
    if samples.count != series.count { return false }
    for place in samples.indices where samples[place].labels != series[place] { return false }
    return true
  }

  // MARK: for those who look

  private func publish(_ state: State, _ run: RuleRun, _ startedAt: Int64) {
    present.withLock { shown in
      shown.lastError = run.error.isEmpty ? run.templateErrors.first ?? "" : run.error
      shown.isTemplateError = run.error.isEmpty && !run.templateErrors.isEmpty
      shown.health = shown.lastError.isEmpty ? .ok : .err
      shown.seconds = run.seconds
      shown.evaluatedAt = startedAt
      shown.seriesFound = run.seriesFound
      shown.alerting = state.alerting
    }
  }

  var shown: Shown { present.withLock { $0 } }

  var view: RuleView {
    let shown = shown
    var view = RuleView(definition: definition, query: query?.expression.description ?? definition.expression)
    view.health = shown.health
    view.lastError = shown.lastError
    view.isTemplateError = shown.isTemplateError
    view.evaluationSeconds = shown.seconds
    view.lastEvaluation = shown.evaluatedAt
    view.seriesFound = shown.seriesFound
    if let alerting = shown.alerting {
      if shown.evaluatedAt != nil { view.state = alerting.table.state }
      view.alerts = alerting.table.shown
    }
    return view
  }

  // MARK: reloads

  /// True if the state of the other one can go on as that of this one.
  func isSuccessor(of old: EvaluatedRule) -> Bool {
    definition.isSuccessor(of: old.definition)
  }

  /// Goes on where the other one ended.
  func adopt(_ old: EvaluatedRule) {
    let before = old.state.use { $0 }
    state.use { state in
      state.written = before.written
      if let alerting = before.alerting { state.alerting?.adopt(alerting) }
      let alerting = state.alerting
      present.withLock { $0.alerting = alerting }
    }
  }

  /// The series that the last round stored.
  var written: [Labels] { state.use { $0.written } }

  /// The last words of a rule that is taken away.
  func resolutions(at time: Int64, options: RuleOptions) -> [AlertNotice] {
    state.use { $0.alerting?.resolutions(at: time, options: options) ?? [] }
  }

  /// Changes the alerts outside of a round: for what a restart left of them.
  func withAlerting<Result>(_ use: (inout AlertingRule) -> Result) -> Result? {
    state.use { state in
      guard var alerting = state.alerting.take() else { return nil }
      let result = use(&alerting)
      state.alerting = alerting
      present.withLock { $0.alerting = alerting }
      return result
    }
  }
}

/// One evaluation of a rule. A value.
struct RuleRun: Sendable {
  var samples = 0
  var seconds = 0.0
  var seriesFound: Int?
  /// Empty where all went well.
  var error = ""
  /// True if the rule failed; false where only samples were refused.
  var isFailure = false
  /// True if the evaluation was ended from outside.
  var isCanceled = false
  var templateErrors: [String] = []

  mutating func fail(_ text: String) {
    error = text
    isFailure = true
  }
}

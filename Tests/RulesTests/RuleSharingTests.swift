import Model
import Platform
import PromQL
import Query
import TestKit
import Testing

@testable import Rules

@Suite("Rules.RuleWork") struct RuleSharingTests {
  /// A database whose queries wait until so many of them run at once.
  private final class Meeting: RuleDatabase {
    private let inner: WorkspaceRuleDatabase
    private let wanted: Int
    private let state = Monitor((present: 0, most: 0))

    init(_ inner: WorkspaceRuleDatabase, of wanted: Int) {
      self.inner = inner
      self.wanted = wanted
    }

    var most: Int { state.withLock { $0.most } }

    func instant(
      _ expression: String, at time: Int64, isCanceled: @escaping @Sendable () -> Bool
    ) throws(QueryError) -> QueryResult {
      state.withLock { state in
        state.present += 1
        state.most = max(state.most, state.present)
      }
      state.wakeAll()
      let _: Void? = state.wait(until: Deadline(milliseconds: 30_000)) { $0.most >= wanted ? () : nil }
      state.withLock { $0.present -= 1 }
      return try inner.instant(expression, at: time, isCanceled: isCanceled)
    }

    func select(_ matchers: [Matcher], from start: Int64, through end: Int64) throws(QueryError) -> [MatrixSeries] {
      try inner.select(matchers, from: start, through: end)
    }

    func append(_ samples: [VectorSample]) -> RuleWrite { inner.append(samples) }
  }

  private static let rules: [RuleDefinition] = [
    .record("a", "time()"), .record("b", "vector(2)"), .record("c", "a + on () b"),
  ]

  private func group(_ database: any RuleDatabase, _ bench: RuleBench, _ work: RuleWork) -> RuleGroup {
    var surroundings = bench.surroundings
    surroundings.sharedSecondsMin = 0
    surroundings.slots = work.slots
    surroundings.runAside = { work.runAside($0) }
    return RuleGroup(
      RuleGroupDefinition(file: "f", name: "g", rules: Self.rules), options: RuleOptions(), database: database,
      surroundings: surroundings)
  }

  @Test("rules that do not need each other are evaluated side by side, the one that needs them behind them")
  func aside() throws {
    let bench = try RuleBench()
    let work = RuleWork(clock: SystemClock(), concurrency: 2)
    try work.start()
    let database = Meeting(bench.rules, of: 2)
    group(database, bench, work).evaluate(at: RuleBench.now)
    #expect(database.most == 2)
    #expect(bench.answer("c") == ["{__name__=\"c\"} \(Double(RuleBench.now / 1000 + 2))"])
    work.stop(within: 1_000)
  }

  @Test("where no thread is free a group goes on alone")
  func alone() throws {
    let bench = try RuleBench()
    let work = RuleWork(clock: SystemClock(), concurrency: 1)
    try work.start()
    let gate = Monitor(false)
    work.run { _ = gate.wait { $0 ? true : nil } }
    let database = Meeting(bench.rules, of: 1)
    group(database, bench, work).evaluate(at: RuleBench.now)
    #expect(database.most == 1 && bench.answer("c").count == 1)
    gate.withLock { $0 = true }
    gate.wakeAll()
    work.stop(within: 1_000)
  }

  @Test("more tasks than the lane has room for all run, each once")
  func tasks() throws {
    let work = RuleWork(clock: SystemClock(), concurrency: 2)
    try work.start()
    let done = Monitor<[Int]>([])
    for number in 0..<500 {
      work.run {
        done.withLock { $0.append(number) }
        done.wakeAll()
      }
    }
    let all: Bool? = done.wait(until: Deadline(milliseconds: 30_000)) { $0.count == 500 ? true : nil }
    #expect(all == true && Set(done.withLock { $0 }) == Set(0..<500))
    work.stop(within: 1_000)
  }

  @Test("a stop cancels what does not end in time")
  func cancel() throws {
    let work = RuleWork(clock: SystemClock(), concurrency: 1)
    try work.start()
    let begun = Monitor(false)
    let isCanceled = work.isCanceled
    work.run {
      begun.withLock { $0 = true }
      begun.wakeAll()
      while !isCanceled() { Deadline(milliseconds: 2).pause() }
    }
    _ = begun.wait { $0 ? true : nil }
    work.stop(within: 10)
    #expect(work.isCanceled())
  }
}

import Glibc
import Model
import Testing

@testable import PromQL

/// Several threads on the series of one query.
struct SweepTests {
  /// Runs tasks on threads of its own, the last ones first, so that nothing comes in the order it was asked for.
  private struct TestWorkers: QueryWorkers {
    let count: Int

    func forEach(_ tasks: Int, _ body: @escaping @Sendable (Int) -> Void) {
      var threads: [pthread_t] = []
      for share in 0..<count {
        let work = Unmanaged.passRetained(
          Work { for task in stride(from: tasks - 1 - share, through: 0, by: -count) { body(task) } })
        var thread = pthread_t()
        let code = pthread_create(
          &thread, nil,
          { argument in
            if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
            return nil
          }, work.toOpaque())
        #expect(code == 0)
        threads.append(thread)
      }
      for thread in threads { pthread_join(thread, nil) }
    }
  }

  private final class Work: Sendable {
    let body: @Sendable () -> Void
    init(_ body: @escaping @Sendable () -> Void) { self.body = body }
  }

  /// Enough series and samples for a sweep to be shared; some of them make annotations.
  private func store() -> ScriptStore {
    var numbers = SeededNumbers(7)
    var store = ScriptStore()
    for index in 0..<100 {
      let name = index % 3 == 0 ? "plain_\(index % 20)" : "requests_total"
      let labels = ScriptStore.labels(name, [("job", "\(index % 7)"), ("series", "\(index)")])
      var value = 0.0
      for sample in 0..<60 {
        value = sample % 37 == 36 ? 0 : value + Double.random(in: 0...3, using: &numbers)
        store.append(labels, RandomSeries.start + Int64(sample) * 15_000, .float(value))
      }
    }
    store.settle()
    return store
  }

  @Test("an answer, its warnings and its statistics have the same bits with any number of threads")
  func anyNumber() throws {
    let store = store()
    let engine = Engine(options: EngineOptions())
    let queries = [
      "sum by (job) (rate({__name__=~\".+\"}[5m]))", "avg by (job) ({__name__=~\".+\"})",
      "stddev(increase({__name__=~\".+\"}[10m]))", "max_over_time(sum(rate({__name__=~\".+\"}[2m]))[30m:5m])",
    ]
    for query in queries {
      var first: String?
      for workers in [nil, 1, 2, 3, 8] {
        var limits = QueryLimits()
        limits.workers = workers.map { TestWorkers(count: $0) }
        limits.samplesWorthSharing = 0
        limits.tellsSamplesPerStep = true
        let result = Result { () throws(QueryError) in
          var result = try engine.range(
            query, start: RandomSeries.start, end: RandomSeries.start + 900_000, step: 30_000, limits: limits,
            over: store)
          // More threads hold more at once.
          result.statistics.bytesPeak = 0
          return result
        }
        let text = "\(result)"
        if let first { #expect(text == first, "\(query) with \(workers ?? 1)") } else { first = text }
      }
    }
  }

  @Test("a refusal is that of the first series that makes one, with any number of threads, and a stop is heeded")
  func refusals() {
    let store = store()
    let engine = Engine(options: EngineOptions())
    for workers in [nil, 3] {
      var limits = QueryLimits()
      limits.workers = workers.map { TestWorkers(count: $0) }
      limits.samplesWorthSharing = 0
      func refusal(_ query: String) -> QueryError? {
        do throws(QueryError) {
          _ = try engine.range(
            query, start: RandomSeries.start, end: RandomSeries.start + 900_000, step: 30_000, limits: limits,
            over: store)
          return nil
        } catch {
          return error
        }
      }
      #expect(refusal("rate({__name__=~\".+\"}[5m])") == nil)
      #expect(refusal("double_exponential_smoothing({__name__=~\".+\"}[5m], 2, 0.5)") != nil)
      limits.samplesMaximum = 40
      #expect(refusal("count(rate({__name__=~\".+\"}[5m]))") == .tooManySamples)
      limits.samplesMaximum = 1_000_000
      limits.stopReason = { .canceled }
      #expect(refusal("count(rate({__name__=~\".+\"}[5m]))") == .canceled)
      limits.stopReason = { .timeout }
      #expect(refusal("count({__name__=~\".+\"})") == .timeout)
    }
  }
}

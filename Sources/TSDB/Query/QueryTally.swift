import Platform
import Synchronization

/// The queries that were asked of a database and the samples they went through, by who asked: for metrics, and for the usage
/// of its workspace. Any thread.
package final class QueryTally: Sendable {
  package enum Asker: String, CaseIterable, Sendable {
    case client, rule
  }

  /// Takes queries that have ended; it neither waits nor fails.
  package typealias Watcher = @Sendable (EndedQuery) -> Void

  private let watcher = Mutex<Watcher?>(nil)
  private let queries = Asker.allCases.map { _ in Counter() }
  private let samples = Asker.allCases.map { _ in Counter() }

  package init(_ registry: MetricsRegistry) {
    for (name, help, counters) in [
      ("apus_queries_total", "Expressions that were evaluated, with an answer or without, by who asked.", queries),
      ("apus_query_samples_total", "Samples that answered queries went through, by who asked.", samples),
    ] {
      registry.collect(name, help, .counter) {
        zip(Asker.allCases, counters).map { (labels: [("asker", $0.rawValue)], value: Double($1.value)) }
      }
    }
  }

  /// - Parameter samples: as the engine counts them; of a query without an answer nobody knows them.
  package func note(_ asker: Asker, samples count: Int = 0) {
    guard let place = Asker.allCases.firstIndex(of: asker) else { return }
    queries[place].add()
    samples[place].add(count)
  }

  /// Has each query told that ends from now on; nil: none.
  package func watch(_ watcher: Watcher?) { self.watcher.withLock { $0 = watcher } }

  /// Tells a query that has ended to whoever watches.
  package func tell(_ query: @autoclosure () -> EndedQuery) {
    if let watcher = watcher.withLock({ $0 }) { watcher(query()) }
  }

  package func queryCount(_ asker: Asker) -> Int { queries[Asker.allCases.firstIndex(of: asker) ?? 0].value }
  package func sampleCount(_ asker: Asker) -> Int { samples[Asker.allCases.firstIndex(of: asker) ?? 0].value }
}

import Platform

/// The queries that were asked of a database and the samples they went through, by who asked: for metrics, and for the usage
/// of its workspace. Any thread.
package final class QueryTally: Sendable {
  package enum Asker: String, CaseIterable, Sendable {
    case client, rule
  }

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

  package func queryCount(_ asker: Asker) -> Int { queries[Asker.allCases.firstIndex(of: asker) ?? 0].value }
  package func sampleCount(_ asker: Asker) -> Int { samples[Asker.allCases.firstIndex(of: asker) ?? 0].value }
}

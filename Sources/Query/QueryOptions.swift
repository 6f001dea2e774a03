import Platform
import PromQL

/// The bounds of queries, from the command line.
package struct QueryOptions: Sendable {
  package var engine = EngineOptions()
  package var timeoutMilliseconds: Int64 = 120_000
  /// Queries that run at once; further ones wait.
  package var concurrencyMax = 20
  /// Queries that wait; further ones are told to come back.
  package var queuedMax = 200
  package var samplesMax = 50_000_000
  package var bytesMax = 1 << 30
  /// True if `stats=all` counts the samples of each step (`promql-per-step-stats`).
  package var tellsSamplesPerStep = false
  /// True if a query that meets damage in a block is answered from the rest, with a warning.
  package var answersPartly = true
  /// Number of processors that one query may use at once.
  package var processors = Processors.count

  package init() {}
}

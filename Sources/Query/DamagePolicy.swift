import PromQL
import TSDB

/// Decides what becomes of a query that meets damage in a block.
package enum DamagePolicy: Sendable {
  /// The query is answered from the rest, with a warning.
  case answers
  /// The query fails as one of Prometheus does (`--query.partial-answers=false`).
  case failsQuery
  /// The query fails as the store's error: whoever copies data would take a part for the whole.
  case failsCopy

  package init(_ options: QueryOptions) { self = options.answersPartly ? .answers : .failsQuery }

  package func check(_ damage: DamageNotes) throws(QueryError) {
    if self == .answers || damage.isEmpty { return }
    let text = damage.error ?? "a block is damaged"
    throw self == .failsQuery ? .execution(text) : .storage(text)
  }
}

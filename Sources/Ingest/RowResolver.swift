import Format
import Model
import TSDB

/// Resolves a row of unknown spelling to its series: reads the labels, takes the replica's out, lets the rules change
/// them, checks them, and makes the series unless it exists. Runs once for each spelling, not for each sample.
struct RowResolver {
  let metrics: ReceiverMetrics

  enum Identity {
    /// The series is in `newSeries`.
    case named
    case dropped
    case refused(SeriesRefusal)
  }

  /// Appends the row's samples to its series; nil also where the rules drop the row (`AppendBatch.isDropped`).
  func resolve(_ row: Int, _ delivery: Delivery, _ maker: borrowing SeriesMaker) -> SeriesRefusal? {
    switch identify(row, delivery, maker) {
    case .refused(let refusal): refusal
    case .dropped: nil
    case .named: maker.append(row, to: &delivery.newSeries)
    }
  }

  /// Says what series the row is of, and takes it out where the rules drop it.
  func identify(_ row: Int, _ delivery: Delivery, _ maker: borrowing SeriesMaker) -> Identity {
    let raw = delivery.labels(of: row)
    let replicaLabel = delivery.replica(of: row) == nil ? nil : delivery.haTerms.options.replicaLabel
    if delivery.rewriting.isEmpty {
      if let refusal = LabelRules.check(raw, &delivery.labels, delivery.limits) { return .refused(refusal) }
      if let replicaLabel { delivery.labels.remove(replicaLabel, in: raw) }
      delivery.newSeries.set(delivery.labels, of: raw)
      return .named
    }
    metrics.relabelled.add()
    switch delivery.rewriting.rewrite(raw, without: replicaLabel, &delivery.labels, into: &delivery.rewritten) {
    case .refused(let refusal): return .refused(refusal)
    case .dropped:
      maker.drop(row)
      return .dropped
    case .kept:
      let labels = delivery.rewritten.lent
      if let refusal = LabelRules.check(labels, &delivery.labels, delivery.limits) { return .refused(refusal) }
      delivery.newSeries.set(delivery.labels, of: labels)
      return .named
    }
  }
}

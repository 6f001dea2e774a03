import Format
import TSDB

// The second half of a body some of whose series are stored under two names.
extension Intake {
  /// Stores the series that keep their old names a second time, after the whole body is stored under the new ones. Adds
  /// the refusals to those of the body. Throws where the log failed: the body must not be acknowledged.
  func storeCopies(_ delivery: Delivery) throws(WALError) {
    guard let copies = delivery.rewriting.copies else { return }
    try withDelivery { second throws(WALError) in
      copies.fill(second, from: delivery)
      if second.batch.rows.rows.count == 0 { return }
      second.rewriting = copies.rewriting
      // Of the rules as a whole: what is resolved now is forgotten together with the rest.
      second.batch.generation = delivery.rewriting.number
      let found = appender.begin(second.batch, now: second.now)
      try resolve(found.settle(), second).commit()
      nameRefusedSamples(second)
      metrics.samples.add(second.batch.tally.stored)
      metrics.ingested[delivery.origin.sampleSource].add(second.batch.tally.added)
      delivery.refusals.merge(second.refusals)
    }
  }
}

import Format
import TSDB

// The second half of a body some of whose series are stored under two names.
extension Receiver {
  /// Stores what keeps its old name, after all of the body has been stored under the new ones, and adds what was refused
  /// to the body's refusals. Throws where it must not be acknowledged.
  func storeCopies(
    _ bytes: UnsafeRawBufferPointer, _ scratch: ReceiveScratch, _ limits: IngestLimits, _ now: Int64
  ) throws(WALError) {
    guard let copies = scratch.rewriting.copies else { return }
    try withScratch { second, _ throws(WALError) in
      copies.fill(second, from: scratch, in: bytes)
      if second.batch.rows.rows.count == 0 { return }
      second.rewriting = copies.rewriting
      // Of the rules as a whole: what is resolved now is forgotten together with the rest.
      second.batch.rules = scratch.rewriting.number
      head.appendKnown(&second.batch, now: now)
      resolveUnknown(bytes, second, limits, now)
      if second.batch.tally.refused > 0 { nameRefusedSamples(bytes, second) }
      try head.commit(&second.batch)
      metrics.samples.add(second.batch.tally.stored)
      scratch.refusals.merge(second.refusals)
    }
  }
}

import Format
import Model
import Platform
import TSDB

/// The side of a target that knows the labels of its rows. The intake asks it in the course of `append`, on the caller's
/// thread, and only for rows whose series the head does not know (any more), or that it refuses.
package protocol ScrapedLabels: AnyObject {
  /// Appends the label fields of a row that has `WriteRow.isOrigin`: final ones, in any order.
  func appendFields(of row: Int, _ scanned: WriteRow, in bytes: LentBytes, to output: inout ByteBuffer)

  /// Takes note of a sample or histogram that is not stored: by its outcome, or because its series is refused (nil). Rows may
  /// come more than once.
  func noteRefused(_ row: Int, _ scanned: WriteRow, _ outcome: SampleOutcome?)

  /// Takes note of an exemplar that is older than the last one of its series.
  func noteLateExemplar(_ row: Int)
}

/// Rows in which the samples of one scrape are gathered, and scratch for their labels. The intake pools them, so that
/// targets need no memory for their rows between two scrapes. One thread's at a time.
package final class ScrapedRows {
  package var rows = WriteRequestRows()
  /// Label fields of a series that is new.
  package var fields = ByteBuffer(capacity: 512)

  private static let keptFieldBytesMax = 64 << 10

  /// Makes ready for the next scrape and gives back what an unusual one made grow.
  func reset() {
    rows.removeAll()
    rows.release(aboveRows: Delivery.keptRowsMax)
    fields.removeAll()
    if fields.capacity > ScrapedRows.keptFieldBytesMax { fields = ByteBuffer(capacity: 512) }
  }
}

extension Intake {
  /// Lends empty rows from the pool.
  package func withRows<Result>(_ use: (ScrapedRows) -> Result) -> Result {
    let lent = idleRows.withLock { $0.popLast() } ?? Exclusive(ScrapedRows())
    defer { idleRows.withLock { $0.append(lent) } }
    return lent.use { rows in
      defer { rows.reset() }
      return use(rows)
    }
  }

  /// Forgets the spelling of a series of a target, under a key that nobody has any more.
  package func forgetSpelling(_ hash: KeyedHash128) {
    head.forgetSpelling(high: hash.high, low: UInt32(truncatingIfNeeded: hash.low))
  }

  /// Counts, logs and remembers samples of a scrape that its target's side does not hand on; the first of them is named.
  package func tell(
    leftOut count: Int, reason: String, _ message: String, series: String, from sender: Sender
  ) {
    metrics.count(reason: reason, count, .samples)
    refusals.note(reason, count: count, .samples, Offender(message, series: series), from: sender, answer: "")
  }
}

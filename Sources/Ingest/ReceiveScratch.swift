import Format
import TSDB

/// What one body needs while it is taken in, reused for the next: the decompressed bytes, the batch, the labels being
/// read. Owned by one thread at a time, from and back to the receiver's pool.
final class ReceiveScratch {
  /// A body larger than this does not keep its memory.
  private static let keptBytesMax = 4 << 20
  private static let keptRowsMax = 16_384
  private static let keptLabelBytesMax = 64 << 10

  var decoded = ByteBuffer(capacity: 64 << 10)
  var zstd = ZstdDecoder()
  var batch = AppendBatch()
  var labels = LabelFields()
  var newSeries = NewSeries()
  /// Packed, of the exemplar being stored.
  var exemplarLabels = ByteBuffer(capacity: 16)
  var refusals = Refusals()
  /// Exemplars and metadata that are not stored: no sample is lost with them.
  var refusedExemplars = Refusals()
  var refusedMetadata = Refusals()
  /// True if the body is of this server's own metrics: neither limits nor rules nor replicas concern it.
  var isOwn = false
  /// The replicas the body is of.
  var pairs = BodyPairs()
  var haTerms = HATerms()
  /// The rules that hold for the whole body, and what they made of the series being read.
  var rewriting = SeriesRewriting.none
  var rewritten = ByteBuffer(capacity: 512)
  /// What of the body is in the log.
  var written = WrittenCounts()

  /// The replica that sent the row; nil where it is of none.
  func replica(of row: Int) -> BodyPairs.Entry? {
    let place = Int(batch.pairs[row])
    return place == 0 || pairs.isEmpty ? nil : pairs[place - 1]
  }

  /// The row as a refusal names it.
  func offender(_ message: String, row: Int, in bytes: UnsafeRawBufferPointer) -> Offender {
    let raw = batch.rows.labels(of: batch.rows.rows[row], in: bytes)
    var offender = Offender(message, series: LabelRules.describe(raw, &labels))
    offender.pair = replica(of: row)?.pair
    return offender
  }

  /// Makes ready for the next body and gives back what an unusual one made grow.
  func reset() {
    if decoded.capacity > ReceiveScratch.keptBytesMax {
      decoded = ByteBuffer(capacity: 64 << 10)
    } else {
      decoded.removeAll()
    }
    batch.release(aboveRows: ReceiveScratch.keptRowsMax)
    labels.release()
    if newSeries.fields.capacity > ReceiveScratch.keptLabelBytesMax { newSeries = NewSeries() }
    if rewritten.capacity > ReceiveScratch.keptLabelBytesMax { rewritten = ByteBuffer(capacity: 512) }
    refusals = Refusals()
    refusedExemplars = Refusals()
    refusedMetadata = Refusals()
    isOwn = false
    batch.isExempt = false
    pairs.removeAll()
    written = WrittenCounts()
  }
}

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
    pairs.removeAll()
    written = WrittenCounts()
  }
}

/// What was refused of one body: counts by reason, and the first few by name.
struct Refusals {
  private static let namedMax = 5

  private(set) var countByReason: [String: Int] = [:]
  private(set) var named: [String] = []

  var isEmpty: Bool { countByReason.isEmpty }
  var total: Int { countByReason.values.reduce(0, +) }

  mutating func add(reason: String, samples: Int, _ describe: () -> String) {
    countByReason[reason, default: 0] += samples
    if named.count < Refusals.namedMax { named.append(describe()) }
  }

  /// Adds what was refused of a second half of the body.
  mutating func merge(_ other: Refusals) {
    for (reason, count) in other.countByReason { countByReason[reason, default: 0] += count }
    named += other.named.prefix(max(0, Refusals.namedMax - named.count))
  }

  /// One line: the first refusals, then how many there were.
  func message(of sampleCount: Int) -> String {
    let reasons = countByReason.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ")
    return named.joined(separator: "; ") + " (refused \(total) of \(sampleCount) samples; \(reasons))"
  }
}

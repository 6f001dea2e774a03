import Format
import Model
import TSDB

/// The source of a delivery's rows; it decides on which terms the intake stores them.
package enum RowOrigin {
  /// A remote-write body as received. `HATracker` keeps it where it is of a replica that does not lead.
  case body(LentBytes, BodyForm)
  /// A push of another protocol, which was admitted to the rate as a whole.
  case push
  /// This server's own metrics: neither limits nor rate, rules or replicas concern them.
  case own
  /// A kept body of a replica that leads now: the intake stores only the rows of this pair.
  case kept(HAPair, WriteMessage)
  /// Samples of a target, and those about its scrape. The rows of known series have no labels: the source has them.
  case scrape(any ScrapedLabels)
  /// Stale markers of series that a target has had. A marker is only stored behind the last sample of its series; where
  /// it is not, nobody hears of it.
  case markers
  /// Samples that rules made; the rows have no labels: the source has them. Stored in order only.
  case rule(any ScrapedLabels)

  /// True if its samples count against the workspace's rate.
  var isLimited: Bool { if case .body = self { true } else { false } }
  /// True if limits of series do not hold: for this server's own metrics, and for what it says of a scrape.
  var isExempt: Bool { isOwn || source?.isExempt ?? false }
  var isOwn: Bool { if case .own = self { true } else { false } }
  var isMarkers: Bool { if case .markers = self { true } else { false } }
  /// True if samples are stored behind the last one of their series only.
  var isInOrderOnly: Bool {
    switch self {
    case .markers, .rule: true
    case .body, .push, .own, .kept, .scrape: false
    }
  }
  var source: (any ScrapedLabels)? {
    switch self {
    case .scrape(let source), .rule(let source): source
    case .body, .push, .own, .kept, .markers: nil
    }
  }

  /// True if the workspace's rules, limits of labels and replicas concern its rows.
  var isSent: Bool {
    switch self {
    case .body, .push, .kept: true
    case .own, .scrape, .markers, .rule: false
    }
  }
  var keptPair: HAPair? { if case .kept(let pair, _) = self { pair } else { nil } }

  /// The protocol whose senders hear of exemplars out of order is 2.0.
  var message: WriteMessage {
    switch self {
    case .body(_, let form): form.message
    case .kept(_, let message): message
    case .push, .own, .scrape, .markers, .rule: .v1
    }
  }
}

/// One body on its way into the database: its rows, the terms that hold for all of them, and the refusals. One thread's
/// at a time; the intake pools deliveries, so that bodies of known series cost no allocation.
final class Delivery {
  /// A body with more rows does not keep its memory.
  static let keptRowsMax = 16_384
  private static let keptLabelBytesMax = 64 << 10

  let batch = AppendBatch()
  /// The bytes that offsets in the rows refer to; lent for as long as the delivery lasts.
  var bytes = LentBytes()
  var origin = RowOrigin.push
  var limits = IngestLimits()
  /// The wall clock's milliseconds at which the samples are judged.
  var now: Int64 = 0
  /// The rules that hold for the whole body, and what they made of the series being read.
  var rewriting = SeriesRewriting.none
  var rewritten = ByteBuffer(capacity: 512)
  /// The replicas the body is of.
  var pairs = BodyPairs()
  var haTerms = HATerms()
  /// The labels being read, and the series they name.
  var labels = LabelFields()
  var newSeries = NewSeries()
  /// Label fields of the scraped row that its source was asked for last.
  private var scrapedFields = ByteBuffer(capacity: 16)
  /// Packed labels of the exemplar being stored.
  var exemplarLabels = ByteBuffer(capacity: 16)
  var refusals = Refusals()
  /// Exemplars and metadata that are not stored: no sample is lost with them.
  var refusedExemplars = Refusals()
  var refusedMetadata = Refusals()
  var droppedHistograms = 0
  /// How much of the body is in the log, and how much was refused.
  var written = WrittenCounts()

  /// The label fields of a row, as they were sent, or as its source says. Valid until the next call.
  func labels(of row: Int) -> LentBytes {
    let scanned = batch.rows.rows[row]
    if scanned.flags & WriteRow.isOrigin == 0 { return LentBytes(batch.rows.labels(of: scanned, in: bytes.raw)) }
    scrapedFields.removeAll()
    origin.source?.appendFields(of: row, scanned, in: bytes, to: &scrapedFields)
    return scrapedFields.lent
  }

  /// Counts a refusal of a row's samples, and tells the source of the rows, where there is one.
  func refuse(
    _ row: Int, reason: String, samples: Int, _ outcome: SampleOutcome? = nil, _ describe: () -> Offender
  ) {
    origin.source?.noteRefused(row, batch.rows.rows[row], outcome)
    refusals.add(reason: reason, samples: samples, describe)
  }

  /// The replica that sent the row; nil where it is of none.
  func replica(of row: Int) -> BodyPairs.Entry? {
    guard !pairs.isEmpty, let place = batch.group(of: row) else { return nil }
    return pairs[place]
  }

  /// The delivery as a body to keep: as it came, or, where its rows were made in memory, as a 1.0 body.
  var keptForm: ([UInt8], BodyForm) {
    if case .body(let body, let form) = origin { return (Array(body.raw), form) }
    return (batch.rows.body(), BodyForm(encoding: .identity, message: .v1))
  }

  /// The row as a refusal names it.
  func offender(_ message: String, row: Int, of refusal: SeriesRefusal? = nil) -> Offender {
    var offender = Offender(message, series: LabelRules.describe(labels(of: row), &labels))
    offender.pair = replica(of: row)?.pair
    (offender.actual, offender.limit) = (refusal?.actual, refusal?.limit)
    return offender
  }

  /// Makes ready for the next body and gives back what an unusual one made grow.
  func reset() {
    bytes = LentBytes()
    origin = .push
    batch.takesLate = true
    batch.acquits = true
    if scrapedFields.capacity > Delivery.keptLabelBytesMax { scrapedFields = ByteBuffer(capacity: 16) }
    batch.release(aboveRows: Delivery.keptRowsMax)
    labels.release()
    if newSeries.fields.capacity > Delivery.keptLabelBytesMax { newSeries = NewSeries() }
    if rewritten.capacity > Delivery.keptLabelBytesMax { rewritten = ByteBuffer(capacity: 512) }
    refusals = Refusals()
    refusedExemplars = Refusals()
    refusedMetadata = Refusals()
    droppedHistograms = 0
    pairs.removeAll()
    written = WrittenCounts()
  }
}

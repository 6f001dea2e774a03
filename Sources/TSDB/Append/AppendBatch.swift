import Format

/// One worker's scratch for one body after another: the rows as scanned, where each series lives, what became of each
/// sample, and the log records made of it. Refilled, never shared.
package struct AppendBatch: ~Copyable, Sendable {
  package var rows = WriteRequestRows()
  /// Per row, a `SeriesLocation`.
  package var locations = Column<UInt32>(capacity: 1024)
  /// Per row, the series' log reference; 0 until it is known.
  var references = Column<UInt64>(capacity: 1024)
  /// Per sample, a `SampleOutcome`, or `unresolved`.
  package var outcomes = Column<UInt8>(capacity: 1024)
  /// Row numbers by shard.
  var order = Column<UInt32>(capacity: 1024)
  /// Rows that no series is known for: their labels have to be read.
  package var unknown: [UInt32] = []
  /// Rows whose name lives in another shard than their series.
  var elsewhere: [UInt32] = []
  /// Rows whose name belongs to a replica: nothing of them is appended before there is a verdict.
  package var replicated: [UInt32] = []
  /// Per row, the number of the pair its name belongs to (0: none); once the verdicts are there, one plus the place of
  /// the pair in `supersededThrough`.
  package var pairs = Column<UInt16>(capacity: 1024)
  /// Per pair of this body, up to which time its samples are superseded.
  package var supersededThrough: [Int64] = []
  /// How often slots had been recycled when the names were looked up.
  var slotsRecycled = 0
  /// Series of this body that the log does not hold yet.
  var unlogged: [UnloggedSeries] = []
  var seriesLog = ByteBuffer(capacity: 256)
  var samplesLog = ByteBuffer(capacity: 64 << 10)
  var lateLog = ByteBuffer(capacity: 256)
  /// Samples to be logged, where not all of the body are.
  var kept = SampleColumns(capacity: 16)
  var histogramLogs = HistogramLogs()
  var exemplars = ExemplarLog()
  var walBody = WALBody()
  package var tally = AppendTally()
  /// The number of the rules that its rows are resolved under; 0: none, a spelling is what it says.
  package var rules: UInt32 = 0
  /// True if the limits of series do not hold for the body: it is the server's own.
  package var isExempt = false

  /// The outcome of samples whose row has not been resolved, or was refused as a whole.
  package static let unresolved = UInt8.max

  package init() {}

  /// Makes room for what the scanned rows need.
  mutating func begin() {
    locations.resize(to: rows.rows.count)
    references.resize(to: rows.rows.count)
    order.resize(to: rows.rows.count)
    pairs.resize(to: rows.rows.count)
    outcomes.resize(to: rows.times.count)
    unknown.removeAll(keepingCapacity: true)
    elsewhere.removeAll(keepingCapacity: true)
    replicated.removeAll(keepingCapacity: true)
    supersededThrough.removeAll(keepingCapacity: true)
    unlogged.removeAll(keepingCapacity: true)
    histogramLogs.removeAll()
    exemplars.removeAll()
    tally = AppendTally()
  }

  /// Lists a row as unknown; until it is resolved its samples count as not stored.
  mutating func setAside(_ row: Int, _ view: BatchView) {
    unknown.append(UInt32(truncatingIfNeeded: row))
    takeOut(row, view)
  }

  /// Lists a row of `replicated` as unknown: its number means nothing any more, or its series is yet to be found.
  package mutating func setAside(_ row: Int) { setAside(row, BatchView(&self)) }

  /// Takes a row out: nothing of it is appended or logged, now or later.
  package mutating func refuse(_ row: Int) {
    rows.rows.base[row].flags |= WriteRow.isRefusedReplica
    takeOut(row, BatchView(&self))
  }

  /// Nothing of the row is stored.
  func takeOut(_ row: Int, _ view: BatchView) {
    view.references[row] = 0
    let start = Int(view.rows[row].sampleStart)
    for sample in start..<(start &+ Int(view.rows[row].sampleCount)) {
      view.outcomes[sample] = AppendBatch.unresolved
    }
  }

  /// Whether the place of its series is known for a row.
  package func isPlaced(_ row: Int) -> Bool { SeriesLocation(raw: locations[row]).isPlaced }

  /// Whether the rules drop the row; it is then neither stored nor refused.
  package func isDropped(_ row: Int) -> Bool { SeriesLocation(raw: locations[row]).isDropped }

  /// Whether the sample was left out since the leader before has brought it.
  package func isSuperseded(_ sample: Int) -> Bool { outcomes[sample] == SampleOutcome.superseded.rawValue }

  /// `bounds` for a row of a pair.
  func bounds(_ bounds: AppendBounds, pair: UInt16) -> AppendBounds {
    if pair == 0 || Int(pair) > supersededThrough.count { return bounds }
    var bounds = bounds
    bounds.supersededThrough = supersededThrough[Int(pair) - 1]
    return bounds
  }

  /// Gives back what an unusually large body made grow.
  package mutating func release(aboveRows limit: Int) {
    rows.release(aboveRows: limit)
    locations.release(above: limit)
    references.release(above: limit)
    outcomes.release(above: limit)
    order.release(above: limit)
    pairs.release(above: limit)
    if replicated.capacity > limit { replicated = [] }
    if unknown.capacity > limit { unknown = [] }
    if elsewhere.capacity > limit { elsewhere = [] }
    if unlogged.capacity > limit { unlogged = [] }
  }
}

/// The columns of a batch as bare memory, for the loops: valid until the batch is begun anew. The batch owns it all.
struct BatchView {
  let rowCount: Int
  let rows: UnsafePointer<WriteRow>
  let times: UnsafePointer<Int64>
  let values: UnsafePointer<UInt64>
  let locations: UnsafeMutablePointer<UInt32>
  let references: UnsafeMutablePointer<UInt64>
  let outcomes: UnsafeMutablePointer<UInt8>
  let order: UnsafeMutablePointer<UInt32>
  let pairs: UnsafeMutablePointer<UInt16>

  /// The values as numbers; their bits are kept, whatever kind of NaN they are.
  var doubles: UnsafePointer<Double> { UnsafeRawPointer(values).assumingMemoryBound(to: Double.self) }

  /// Whether each row has one sample, so that rows and samples have the same numbers.
  var hasOneSampleEach: Bool {
    for row in 0..<rowCount where rows[row].sampleCount != 1 { return false }
    return true
  }

  init(_ batch: inout AppendBatch) {
    rowCount = batch.rows.rows.count
    rows = UnsafePointer(batch.rows.rows.base)
    times = UnsafePointer(batch.rows.times.base)
    values = UnsafePointer(batch.rows.values.base)
    locations = batch.locations.base
    references = batch.references.base
    outcomes = batch.outcomes.base
    order = batch.order.base
    pairs = batch.pairs.base
  }
}

/// A series that the present body created or found not yet in the log.
struct UnloggedSeries: Sendable {
  var location: SeriesLocation
  var reference: UInt64
}

/// Counts over one body.
package struct AppendTally: Sendable, Equatable {
  package var accepted = 0
  /// Those of late samples included.
  package var duplicates = 0
  package var lateDuplicates = 0
  package var late = 0
  package var refused = 0
  /// Refused at first, then found to be there.
  package var present = 0
  /// Of a replica that took over, and brought before by another.
  package var superseded = 0
  /// Of spellings that the rules drop.
  package var dropped = 0
  package var droppedHistograms = 0
  /// Times of stored samples in order, to move the head's bounds.
  package var oldest = Int64.max
  var newest = Int64.min

  package var stored: Int { accepted + duplicates + late + present }
  /// Samples for the log of late ones.
  var loggedLate: Int { late + lateDuplicates + present }

  mutating func count(_ outcome: SampleOutcome, _ time: Int64) {
    switch outcome {
    case .accepted:
      accepted &+= 1
      newest = max(newest, time)
      oldest = min(oldest, time)
    case .duplicate: duplicates &+= 1
    case .lateDuplicate:
      duplicates &+= 1
      lateDuplicates &+= 1
    case .late:
      late &+= 1
      oldest = min(oldest, time)
    case .superseded: superseded &+= 1
    default: refused &+= 1
    }
  }
}

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
  /// Series of this body that the log does not hold yet.
  var unlogged: [UnloggedSeries] = []
  var seriesLog = ByteBuffer(capacity: 256)
  var samplesLog = ByteBuffer(capacity: 64 << 10)
  var lateLog = ByteBuffer(capacity: 256)
  /// Samples to be logged, where not all of the body are.
  var kept = SampleColumns(capacity: 16)
  var walBody = WALBody()
  package var tally = AppendTally()
  /// The number of the rules that its rows are resolved under; 0: none, a spelling is what it says.
  package var rules: UInt32 = 0

  /// The outcome of samples whose row has not been resolved, or was refused as a whole.
  package static let unresolved = UInt8.max

  package init() {}

  /// Makes room for what the scanned rows need.
  mutating func begin() {
    locations.resize(to: rows.rows.count)
    references.resize(to: rows.rows.count)
    order.resize(to: rows.rows.count)
    outcomes.resize(to: rows.times.count)
    unknown.removeAll(keepingCapacity: true)
    elsewhere.removeAll(keepingCapacity: true)
    unlogged.removeAll(keepingCapacity: true)
    tally = AppendTally()
  }

  /// Lists a row as unknown; until it is resolved its samples count as not stored.
  mutating func setAside(_ row: Int, _ view: BatchView) {
    unknown.append(UInt32(truncatingIfNeeded: row))
    view.references[row] = 0
    let start = Int(view.rows[row].sampleStart)
    for sample in start..<(start &+ Int(view.rows[row].sampleCount)) {
      view.outcomes[sample] = AppendBatch.unresolved
    }
  }

  /// Takes back the row set aside last: its spelling is known to be dropped.
  mutating func dropLastUnknown(_ view: BatchView, _ tally: inout AppendTally) {
    guard let row = unknown.popLast() else { return }
    tally.dropped &+= Int(view.rows[Int(row)].sampleCount)
  }

  /// Whether the rules drop the row; it is then neither stored nor refused.
  package func isDropped(_ row: Int) -> Bool { SeriesLocation(raw: locations[row]).isDropped }

  /// Gives back what an unusually large body made grow.
  package mutating func release(aboveRows limit: Int) {
    rows.release(aboveRows: limit)
    locations.release(above: limit)
    references.release(above: limit)
    outcomes.release(above: limit)
    order.release(above: limit)
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
  /// Of spellings that the rules drop.
  package var dropped = 0
  /// Times of stored samples in order, to move the head's bounds.
  var oldest = Int64.max
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
    default: refused &+= 1
    }
  }
}

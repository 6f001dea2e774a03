import Format

/// One worker's scratch for one body after another: the rows as scanned, where each series lives, what became of each
/// sample, and the log records made of it. Refilled, never shared.
package struct AppendBatch: ~Copyable, Sendable {
  package var rows = WriteRequestRows()
  /// Per row, a `SeriesLocation`.
  var locations = Column<UInt32>(capacity: 1024)
  /// Per row, the series' log reference; 0 until it is known.
  var references = Column<UInt64>(capacity: 1024)
  /// Per sample, a `SampleOutcome`.
  package var outcomes = Column<UInt8>(capacity: 1024)
  /// Row numbers by shard.
  var order = Column<UInt32>(capacity: 1024)
  /// Rows that no series is known for: their labels have to be read.
  package var unknown = Column<UInt32>(capacity: 64)
  /// Rows whose name lives in another shard than their series.
  var elsewhere = Column<UInt32>(capacity: 64)
  var unlogged: [UnloggedSeries] = []
  var seriesLog = ByteBuffer(capacity: 256)
  var samplesLog = ByteBuffer(capacity: 64 << 10)
  var lateLog = ByteBuffer(capacity: 256)
  var walBody = WALBody()
  package var tally = AppendTally()

  /// The outcome of samples whose row has not been resolved, or was refused as a whole.
  package static let unresolved = UInt8.max

  package init() {}

  /// Gives back what an unusually large body made grow.
  package mutating func release(aboveRows limit: Int) {
    rows.release(aboveRows: limit)
    locations.release(above: limit)
    references.release(above: limit)
    outcomes.release(above: limit)
    order.release(above: limit)
    unknown.release(above: limit)
    elsewhere.release(above: limit)
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
  package var duplicates = 0
  package var late = 0
  package var refused = 0
  /// Times of stored samples in order, to move the head's bounds.
  var oldest = Int64.max
  var newest = Int64.min

  package var stored: Int { accepted + duplicates + late }

  mutating func count(_ outcome: SampleOutcome, _ time: Int64) {
    switch outcome {
    case .accepted:
      accepted &+= 1
      newest = max(newest, time)
      oldest = min(oldest, time)
    case .duplicate: duplicates &+= 1
    case .late:
      late &+= 1
      oldest = min(oldest, time)
    default: refused &+= 1
    }
  }
}

import Format

/// One worker's scratch for one body after another: the rows as scanned, the location of each row's series, the outcome
/// of each sample, and the log records made of it. One thread's at a time, refilled for each body.
///
/// Its owner fills `rows` and sets `generation` and `isExempt` before `Appender.begin`, reads `tally` and what became of rows
/// and samples afterwards, and leaves it alone while the append is open. A body of known series allocates nothing.
package final class AppendBatch {
  package var rows = WriteRequestRows()
  /// The generation that its spellings are resolved under; 0: a spelling is the series it names.
  package var generation: UInt32 = 0
  /// True if the limits of series do not hold for the body: it is the server's own.
  package var isExempt = false
  /// False if the head is to store samples in order only, whatever its window for late ones.
  package var takesLate = true
  /// False if a refused sample stays refused although exactly this one is stored already. Looking for it costs a read of
  /// the series.
  package var acquits = true
  package internal(set) var tally = AppendTally()
  /// True between `Appender.begin` and the end of the append.
  var isOpen = false
  /// False if the caller wants rows with a tag only.
  var takesUntagged = true
  /// True once an exemplar has been offered: then no histogram may follow.
  var hasExemplars = false
  /// Per row, a `SeriesLocation`.
  var locations = Column<UInt32>(capacity: 1024)
  /// Per row, the series' log reference; 0 until it is known.
  var references = Column<UInt64>(capacity: 1024)
  /// Per sample, a `SampleOutcome`, or `unresolved`.
  var outcomes = Column<UInt8>(capacity: 1024)
  /// Row numbers by shard.
  var order = Column<UInt32>(capacity: 1024)
  /// Rows that no series is known for: their labels have to be read.
  var unknown: [UInt32] = []
  /// Rows whose spelling lives in another shard than their series.
  var elsewhere: [UInt32] = []
  /// Rows whose spelling has a tag: nothing of them is appended before the caller has decided.
  var tagged: [UInt32] = []
  /// Per row, the tag of its spelling (0: none); once the caller has decided, one plus the place of its group in `groups`.
  var tags = Column<UInt16>(capacity: 1024)
  var groups: [AppendGroup] = []
  /// The head's `slotsRecycled` at the time when the spellings were looked up.
  var slotsRecycled = 0
  /// Series of this body that the log does not hold yet.
  var unlogged: [UnloggedSeries] = []
  var seriesLog = ByteBuffer(capacity: 256)
  var samplesLog = ByteBuffer(capacity: 64 << 10)
  var lateLog = ByteBuffer(capacity: 256)
  /// The samples to log, if they are not all of the body's.
  var kept = SampleColumns(capacity: 16)
  var histogramLogs = HistogramLogs()
  var exemplars = ExemplarLog()
  var walBody = WALBody()

  /// The outcome of samples whose row has not been resolved, or was refused as a whole.
  static let unresolved = UInt8.max

  package init() {}

  /// Makes room for what the scanned rows need.
  func begin() {
    locations.resize(to: rows.rows.count)
    references.resize(to: rows.rows.count)
    order.resize(to: rows.rows.count)
    tags.resize(to: rows.rows.count)
    outcomes.resize(to: rows.times.count)
    unknown.removeAll(keepingCapacity: true)
    elsewhere.removeAll(keepingCapacity: true)
    tagged.removeAll(keepingCapacity: true)
    if !groups.isEmpty { groups = [] }
    unlogged.removeAll(keepingCapacity: true)
    histogramLogs.removeAll()
    exemplars.removeAll()
    hasExemplars = false
    tally = AppendTally()
  }

  // MARK: What became of it

  /// The outcome of a sample; nil if its row was not resolved, or was refused as a whole.
  package func outcome(_ sample: Int) -> SampleOutcome? { SampleOutcome(rawValue: outcomes[sample]) }

  /// True if the row's spelling is dropped in this generation; the row is then neither stored nor refused.
  package func isDropped(_ row: Int) -> Bool { SeriesLocation(raw: locations[row]).isDropped }

  /// True if the row was taken out, with its group or as a row without a tag.
  package func isRefused(_ row: Int) -> Bool { SeriesLocation(raw: locations[row]).isRefused }

  /// True if the sample stored nothing because it lies at or before the floor of its group.
  package func isSuperseded(_ sample: Int) -> Bool { outcomes[sample] == SampleOutcome.superseded.rawValue }

  /// The index of the row's group in the groups given to `settle`; nil if it is in none.
  package func group(of row: Int) -> Int? {
    let number = Int(tags[row])
    return number == 0 || number > groups.count ? nil : number - 1
  }

  // MARK: Sorting its rows

  /// Lists a row as unknown; until it is resolved its samples count as not stored.
  func setAside(_ row: Int, _ view: BatchView) {
    unknown.append(UInt32(truncatingIfNeeded: row))
    takeOut(row, view)
  }

  /// Takes a row out: nothing of it is appended or logged, now or later.
  func refuse(_ row: Int, _ view: BatchView) {
    takeOut(row, view)
    view.locations[row] = SeriesLocation.refused.raw
  }

  /// Marks all samples of the row as not stored.
  func takeOut(_ row: Int, _ view: BatchView) {
    view.references[row] = 0
    let start = Int(view.rows[row].sampleStart)
    for sample in start..<(start &+ Int(view.rows[row].sampleCount)) {
      view.outcomes[sample] = AppendBatch.unresolved
    }
  }

  /// Lists the rows of `tagged` whose tag `isMeaningless` as unknown.
  func forgetTags(where isMeaningless: (UInt16) -> Bool) {
    if tagged.isEmpty { return }
    let tags = tags.base
    var tag: UInt16 = 0
    // Nearly always the same tag all the way, and one that means something.
    let isSound = tagged.allSatisfy { row in
      if tags[Int(row)] == tag { return true }
      tag = tags[Int(row)]
      return !isMeaningless(tag)
    }
    if isSound { return }
    let view = BatchView(self)
    var kept: [UInt32] = []
    for row in tagged {
      if isMeaningless(tags[Int(row)]) {
        tags[Int(row)] = 0
        setAside(Int(row), view)
      } else {
        kept.append(row)
      }
    }
    tagged = kept
  }

  /// `bounds` for its rows without a group.
  func bounds(_ bounds: AppendBounds) -> AppendBounds {
    var bounds = bounds
    bounds.takesLate = bounds.takesLate && takesLate
    return bounds
  }

  /// `bounds` for the rows of a group.
  func bounds(_ bounds: AppendBounds, group number: UInt16) -> AppendBounds {
    if number == 0 || Int(number) > groups.count { return self.bounds(bounds) }
    var bounds = self.bounds(bounds)
    bounds.supersededThrough = groups[Int(number) - 1].floor
    return bounds
  }

  /// Gives back what an unusually large body made grow.
  package func release(aboveRows limit: Int) {
    rows.release(aboveRows: limit)
    locations.release(above: limit)
    references.release(above: limit)
    outcomes.release(above: limit)
    order.release(above: limit)
    tags.release(above: limit)
    if tagged.capacity > limit { tagged = [] }
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
  let tags: UnsafeMutablePointer<UInt16>

  /// The values as numbers; their bits are kept, whatever kind of NaN they are.
  var doubles: UnsafePointer<Double> { UnsafeRawPointer(values).assumingMemoryBound(to: Double.self) }

  /// True if each row has exactly one sample, so that rows and samples have the same numbers.
  var hasOneSampleEach: Bool {
    for row in 0..<rowCount where rows[row].sampleCount != 1 { return false }
    return true
  }

  init(_ batch: AppendBatch) {
    rowCount = batch.rows.rows.count
    rows = UnsafePointer(batch.rows.rows.base)
    times = UnsafePointer(batch.rows.times.base)
    values = UnsafePointer(batch.rows.values.base)
    locations = batch.locations.base
    references = batch.references.base
    outcomes = batch.outcomes.base
    order = batch.order.base
    tags = batch.tags.base
  }
}

/// A series that the present body created or found not yet in the log.
struct UnloggedSeries: Sendable {
  var location: SeriesLocation
  var reference: UInt64
}

/// The numbers of one body's samples by their outcome.
package struct AppendTally: Sendable, Equatable {
  package var accepted = 0
  /// Late duplicates included.
  package var duplicates = 0
  package var lateDuplicates = 0
  package var late = 0
  package var refused = 0
  /// Samples refused at first, then found to be stored already.
  package var present = 0
  /// Samples at or before the floor of their group, and not behind their series' last sample.
  package var superseded = 0
  /// Samples of spellings that are not stored in the batch's generation.
  package var dropped = 0
  /// The oldest stored sample, in order or late, and the newest one in order: they move the head's times.
  package var oldest = Int64.max
  var newest = Int64.min

  /// Samples that were not there before.
  package var added: Int { accepted + late }
  package var stored: Int { accepted + duplicates + late + present }
  /// Samples that go to the log of late samples.
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

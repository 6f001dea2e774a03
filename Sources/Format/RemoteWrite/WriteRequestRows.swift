// What a remote-write body holds, as columns: one row per series with its place in the body and the hash of its label
// bytes, one entry per sample. Of a 1.0 body nothing is copied but times and values; the labels, exemplars and metadata
// of a 2.0 body, which are references to a table of symbols there, are written out in their 1.0 form in `gathered`.

/// One series of a body. `labels*` is a run of raw label fields (tag 0x0a) in the body, or in `gathered` where a sender
/// put something between them, or sent references.
@frozen
@usableFromInline
package struct WriteRow: BitwiseCopyable, Sendable {
  /// 96 bits of the keyed hash of the raw label bytes.
  @usableFromInline package var hashHigh: UInt64
  @usableFromInline package var hashLow: UInt32
  @usableFromInline package var labelsOffset: UInt32
  @usableFromInline package var labelsLength: UInt32
  @usableFromInline package var sampleStart: UInt32
  @usableFromInline package var sampleCount: UInt32
  /// `WriteRow.isGathered` and friends.
  @usableFromInline package var flags: UInt32

  @inlinable package init(
    hashHigh: UInt64, hashLow: UInt32, labelsOffset: UInt32, labelsLength: UInt32, sampleStart: UInt32,
    sampleCount: UInt32, flags: UInt32
  ) {
    self.hashHigh = hashHigh
    self.hashLow = hashLow
    self.labelsOffset = labelsOffset
    self.labelsLength = labelsLength
    self.sampleStart = sampleStart
    self.sampleCount = sampleCount
    self.flags = flags
  }

  /// The labels lie in `gathered`, not in the body.
  @inlinable package static var isGathered: UInt32 { 1 }
  @inlinable package static var hasExemplars: UInt32 { 2 }
  @inlinable package static var hasHistograms: UInt32 { 4 }
  /// The labels are not label fields: `labels*` means something to the origin of the rows only, which is asked for them.
  @inlinable package static var isOrigin: UInt32 { 8 }
}

/// A message that is read later, if at all: an exemplar or histogram of a row, or metadata (row -1). Histograms lie in
/// the body, or are `WriteRequestRows.madeHistograms`; the others lie where `WriteRequestRows.messages` says.
@frozen
@usableFromInline
package struct WritePart: BitwiseCopyable, Sendable {
  @usableFromInline package var row: Int32
  @usableFromInline package var offset: UInt32
  @usableFromInline package var length: UInt32
}

/// The reusable result of scanning. One owner (a worker); refilled by each `WriteRequestScanner.scan`.
package struct WriteRequestRows: ~Copyable, Sendable {
  package var rows = Column<WriteRow>(capacity: 1024)
  package var times = Column<Int64>(capacity: 1024)
  /// Bit patterns of the values: a NaN's payload means something here.
  package var values = Column<UInt64>(capacity: 1024)
  package var exemplars = Column<WritePart>(capacity: 8)
  package var histograms = Column<WritePart>(capacity: 8)
  package var metadata = Column<WritePart>(capacity: 8)
  package var gathered = ByteBuffer(capacity: 64)
  /// The exemplars and metadata were written out of a 2.0 body, or made in memory.
  package var areMessagesGathered = false
  /// The histograms of rows made in memory; the offset of their parts is the place here.
  var madeHistograms: [HistogramMessage] = []
  /// The table of a 2.0 body.
  var symbols = Column<WriteSymbol>(capacity: 8)
  /// The parts of a 2.0 body that the scanner left out, since their references lead nowhere.
  package var faults = Column<WriteFault>(capacity: 8)

  package init() {}

  package mutating func removeAll() {
    rows.removeAll()
    times.removeAll()
    values.removeAll()
    exemplars.removeAll()
    histograms.removeAll()
    metadata.removeAll()
    gathered.removeAll()
    areMessagesGathered = false
    if !madeHistograms.isEmpty { madeHistograms.removeAll() }
    symbols.removeAll()
    faults.removeAll()
  }

  /// Parts of a kind, and bytes of gathered labels, for which memory is kept.
  private static let keptPartsMax = 4096
  private static let keptGatheredBytesMax = 2 << 20

  /// Gives back what an unusually large body made grow.
  package mutating func release(aboveRows limit: Int) {
    rows.release(above: limit)
    times.release(above: limit)
    values.release(above: limit)
    exemplars.release(above: WriteRequestRows.keptPartsMax)
    histograms.release(above: WriteRequestRows.keptPartsMax)
    metadata.release(above: WriteRequestRows.keptPartsMax)
    symbols.release(above: WriteRequestRows.keptPartsMax)
    faults.release(above: WriteRequestRows.keptPartsMax)
    if gathered.capacity > WriteRequestRows.keptGatheredBytesMax { gathered = ByteBuffer(capacity: 64) }
  }

  /// The raw label fields of a row.
  @inlinable
  package func labels(of row: WriteRow, in body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    let source = row.flags & WriteRow.isGathered != 0 ? gathered.bytes : body
    let start = Int(row.labelsOffset)
    return UnsafeRawBufferPointer(rebasing: source[start..<(start &+ Int(row.labelsLength))])
  }

  /// The bytes that `exemplars` and `metadata` are places in; each is a message of the 1.0 form. Valid until the rows change.
  package func messages(in body: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
    areMessagesGathered ? gathered.bytes : body
  }

  /// The histogram of a part; nil where its message is not well formed.
  package func histogram(_ part: WritePart, in body: UnsafeRawBufferPointer) -> HistogramMessage? {
    if !madeHistograms.isEmpty { return madeHistograms[Int(part.offset)] }
    let place = Int(part.offset)..<(Int(part.offset) + Int(part.length))
    return HistogramMessage.decode(UnsafeRawBufferPointer(rebasing: body[place]))
  }

  /// Samples and histograms of the body, those of series without a row included.
  package var elementCount: Int {
    faults.elements.reduce(times.count + histograms.count) { $0 + Int($1.sampleCount) + Int($1.histogramCount) }
  }
}

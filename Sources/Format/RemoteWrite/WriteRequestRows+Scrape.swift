import Model

// Rows of a scrape: the spelling of a series is its text as exposed, under a key of the target's own. A row of a known series
// has no labels, and says where its text is; that of a new one has its label fields in `gathered`.
extension WriteRequestRows {
  /// Appends a series with one sample. `place` means something to the origin of the rows, which has the labels.
  @inlinable @inline(__always)
  package mutating func appendRow(_ hash: KeyedHash128, at place: Range<Int>, time: Int64, bits: UInt64) {
    rows.append(
      WriteRow(
        hashHigh: hash.high, hashLow: UInt32(truncatingIfNeeded: hash.low),
        labelsOffset: UInt32(truncatingIfNeeded: place.lowerBound),
        labelsLength: UInt32(truncatingIfNeeded: place.count),
        sampleStart: UInt32(truncatingIfNeeded: times.count), sampleCount: 1, flags: WriteRow.isOrigin))
    times.append(time)
    values.append(bits)
  }

  /// Appends a series, its histogram or sample to follow. `place` as above.
  package mutating func beginRow(_ hash: KeyedHash128, at place: Range<Int>) {
    rows.append(
      WriteRow(
        hashHigh: hash.high, hashLow: UInt32(truncatingIfNeeded: hash.low),
        labelsOffset: UInt32(truncatingIfNeeded: place.lowerBound),
        labelsLength: UInt32(truncatingIfNeeded: place.count),
        sampleStart: UInt32(truncatingIfNeeded: times.count), sampleCount: 0, flags: WriteRow.isOrigin))
  }

  /// Appends a series with its label fields, its histogram or sample to follow.
  package mutating func beginRow(_ hash: KeyedHash128, fields: LentBytes) {
    let start = gathered.count
    gathered.append(fields)
    rows.append(
      WriteRow(
        hashHigh: hash.high, hashLow: UInt32(truncatingIfNeeded: hash.low),
        labelsOffset: UInt32(truncatingIfNeeded: start), labelsLength: UInt32(truncatingIfNeeded: fields.count),
        sampleStart: UInt32(truncatingIfNeeded: times.count), sampleCount: 0, flags: WriteRow.isGathered))
  }

  /// Gives the last row a sample.
  package mutating func addSample(time: Int64, bits: UInt64) {
    rows.base[rows.count - 1].sampleCount += 1
    times.append(time)
    values.append(bits)
  }
}

import Model

// Rows of a scrape: the spelling of a series is its text as exposed, under a key of the target's own. A row of a known series
// has no labels, and says where its text is; that of a new one has its label fields in `gathered`.
extension WriteRequestRows {
  /// Appends a series with one sample. `place` and `mark` mean something to the origin of the rows, which has the labels;
  /// `mark` begins above the flags.
  @inlinable @inline(__always)
  package mutating func appendRow(
    _ hash: KeyedHash128, at place: Range<Int>, mark: UInt8 = 0, time: Int64, bits: UInt64
  ) {
    beginRow(hash, at: place, mark: mark)
    rows[rows.count &- 1].sampleCount = 1
    times.append(time)
    values.append(bits)
  }

  /// Appends a series, its histogram or sample to follow. `place` and `mark` as above.
  @inlinable @inline(__always)
  package mutating func beginRow(_ hash: KeyedHash128, at place: Range<Int>, mark: UInt8 = 0) {
    rows.append(
      WriteRow(
        hashHigh: hash.high, hashLow: UInt32(truncatingIfNeeded: hash.low),
        labelsOffset: UInt32(truncatingIfNeeded: place.lowerBound),
        labelsLength: UInt32(truncatingIfNeeded: place.count),
        sampleStart: UInt32(truncatingIfNeeded: times.count), sampleCount: 0,
        flags: WriteRow.isOrigin | UInt32(mark) << WriteRow.markShift))
  }

  /// Appends a series with its label fields, its histogram or sample to follow.
  package mutating func beginRow(_ hash: KeyedHash128, fields: LentBytes) {
    areMessagesGathered = true
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
    rows[rows.count - 1].sampleCount += 1
    times.append(time)
    values.append(bits)
  }

  /// Gives the last row an exemplar.
  package mutating func addExemplar(_ labels: borrowing ExpositionLabels, time: Int64, value: Double) {
    areMessagesGathered = true
    rows[rows.count - 1].flags |= WriteRow.hasExemplars
    let start = gathered.count
    for index in 0..<labels.count {
      LabelFields.appendField(name: labels.name(index).raw, value: labels.value(index).raw, to: &gathered)
    }
    gathered.append(0x11)
    gathered.appendLittleEndian(value.bitPattern)
    gathered.append(0x18)
    gathered.appendUvarint(UInt64(bitPattern: time))
    exemplars.append(
      WritePart(
        row: Int32(rows.count - 1), offset: UInt32(truncatingIfNeeded: start),
        length: UInt32(truncatingIfNeeded: gathered.count - start)))
  }
}

extension WriteRow {
  /// The origin's mark lies above the flags.
  @inlinable package static var markShift: UInt32 { 8 }
  package var mark: UInt8 { UInt8(truncatingIfNeeded: flags >> WriteRow.markShift) }
  /// The origin's place.
  package var place: Range<Int> { Int(labelsOffset)..<(Int(labelsOffset) + Int(labelsLength)) }
}

import Model

// Rows made in memory: by the server of its own metrics, and of what comes by other protocols. They are the same rows that a
// scanner reads from a body, so that all of them go one way; their label fields lie in `gathered`.
//
//     rows.beginSeries()
//     rows.appendLabel("__name__", "up")      in any order
//     rows.appendSample(time: now, value: 1)  exemplars and histograms too, behind the labels
//     rows.endSeries(key)                     hashed with the key of the head they are for
extension WriteRequestRows {
  /// Bytes that the rows take, more or less: what is made in memory is handed on in slices.
  package var byteCount: Int { gathered.count + 16 * times.count + 64 * madeHistograms.count }

  /// Begins a series; what is appended until `endSeries` belongs to it.
  package mutating func beginSeries() {
    areMessagesGathered = true
    rows.append(
      WriteRow(
        hashHigh: 0, hashLow: 0, labelsOffset: UInt32(truncatingIfNeeded: gathered.count), labelsLength: 0,
        sampleStart: UInt32(truncatingIfNeeded: times.count), sampleCount: 0, flags: WriteRow.isGathered))
  }

  /// Appends a label to the series. All labels of a series come before its exemplars.
  package mutating func appendLabel(_ name: String, _ value: String) {
    name.lend { name in value.lend { appendLabel(name, $0) } }
  }

  package mutating func appendLabel(_ name: LentBytes, _ value: LentBytes) {
    var row = rows[rows.count - 1]
    precondition(Int(row.labelsOffset + row.labelsLength) == gathered.count, "a label behind an exemplar")
    LabelFields.appendField(name: name.raw, value: value.raw, to: &gathered)
    row.labelsLength = UInt32(truncatingIfNeeded: gathered.count) - row.labelsOffset
    rows[rows.count - 1] = row
  }

  package mutating func appendSample(time: Int64, value: Double) {
    times.append(time)
    values.append(value.bitPattern)
  }

  package mutating func appendHistogram(_ message: HistogramMessage) {
    rows.base[rows.count - 1].flags |= WriteRow.hasHistograms
    histograms.append(
      WritePart(row: Int32(rows.count - 1), offset: UInt32(truncatingIfNeeded: madeHistograms.count), length: 0))
    madeHistograms.append(message)
  }

  /// Appends an exemplar to the series, in the form of a 1.0 body.
  package mutating func appendExemplar(_ labels: [(name: String, value: String)], time: Int64, value: Double) {
    rows.base[rows.count - 1].flags |= WriteRow.hasExemplars
    areMessagesGathered = true
    let start = gathered.count
    for label in labels { appendField(label.name, label.value) }
    gathered.append(0x11)
    gathered.appendLittleEndian(value.bitPattern)
    gathered.append(0x18)
    gathered.appendUvarint(UInt64(bitPattern: time))
    exemplars.append(part(of: Int32(rows.count - 1), from: start))
  }

  /// Ends the series.
  package mutating func endSeries(_ key: KeyedHash) {
    var row = rows[rows.count - 1]
    let start = Int(row.labelsOffset)
    let hash = key.hash128(gathered.bytes.part(start..<(start + Int(row.labelsLength))))
    row.hashHigh = hash.high
    row.hashLow = UInt32(truncatingIfNeeded: hash.low)
    row.sampleCount = UInt32(truncatingIfNeeded: times.count) - row.sampleStart
    rows[rows.count - 1] = row
  }

  /// Appends what is said of a metric, in the form of a 1.0 body and between series; `kind` is the protocol's number.
  package mutating func appendMetadata(kind: UInt32, name: String, help: String, unit: String) {
    areMessagesGathered = true
    let start = gathered.count
    gathered.append(0x08)
    gathered.appendUvarint(UInt64(kind))
    for (tag, text) in [(UInt8(0x12), name), (0x22, help), (0x2a, unit)] {
      text.lend { text in
        gathered.append(tag)
        gathered.appendUvarint(UInt64(text.count))
        gathered.append(text)
      }
    }
    metadata.append(part(of: -1, from: start))
  }

  private func part(of row: Int32, from start: Int) -> WritePart {
    WritePart(
      row: row, offset: UInt32(truncatingIfNeeded: start), length: UInt32(truncatingIfNeeded: gathered.count - start))
  }

  private mutating func appendField(_ name: String, _ value: String) {
    name.lend { name in
      value.lend { value in LabelFields.appendField(name: name.raw, value: value.raw, to: &gathered) }
    }
  }
}

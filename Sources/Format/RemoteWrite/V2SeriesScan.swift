import Model

/// Reads the series of one 2.0 body, one after the other. Lives as long as the scan of a body; the bytes are its caller's.
struct V2SeriesScan {
  let base: UnsafeRawPointer
  let key: KeyedHash
  /// The symbol that is `__name__`.
  let nameReference: UInt32

  // Of the series being read.
  private var hasPendingName = false
  private var pendingName: UInt32 = 0
  /// The symbol of the metric's name; `UInt32.max` where there is none.
  private var metric = UInt32.max
  private var metadata: V2Metadata?
  private var fault: WriteFault.Kind?
  private var faultReference: UInt32 = 0

  init(base: UnsafeRawPointer, key: KeyedHash, nameReference: UInt32) {
    self.base = base
    self.key = key
    self.nameReference = nameReference
  }

  /// Adds a row, or a fault where the series refers to what is not there. False where it is no series at all, or more
  /// than the limits allow.
  mutating func series(_ series: WireCursor, into rows: inout WriteRequestRows) -> Bool {
    hasPendingName = false
    metric = UInt32.max
    metadata = nil
    fault = nil
    let begun = V2SeriesStart(rows)
    var cursor = series
    var flags = WriteRow.isGathered
    while !cursor.isAtEnd {
      switch cursor.byteTag() {
      case 0x0a:
        guard var references = cursor.lengthDelimited() else { return false }
        while !references.isAtEnd {
          guard let number = references.varint() else { return false }
          label(UInt32(truncatingIfNeeded: number), into: &rows)
        }
      case 0x08:
        guard let number = cursor.varint() else { return false }
        label(UInt32(truncatingIfNeeded: number), into: &rows)
      case 0x12:
        guard let sample = cursor.lengthDelimited(), V2SeriesScan.sample(sample, into: &rows) else { return false }
      case 0x1a:
        guard let part = cursor.lengthDelimited(), append(part, to: &rows.histograms, rows.rows.count) else {
          return false
        }
        flags |= WriteRow.hasHistograms
      case 0x22:
        guard let part = cursor.lengthDelimited(), append(part, to: &rows.exemplars, rows.rows.count) else {
          return false
        }
        flags |= WriteRow.hasExemplars
      case 0x2a:
        guard let part = cursor.lengthDelimited(), readMetadata(part) else { return false }
      default:
        guard cursor.skipUnknown(known: 0b111110) else { return false }
      }
      if rows.gathered.count > WriteRequestV2Scanner.gatheredBytesMax { return false }
    }
    return end(series, begun, flags, into: &rows)
  }

  /// Makes the row of what was read, or takes it back.
  private mutating func end(
    _ series: WireCursor, _ begun: V2SeriesStart, _ flags: UInt32, into rows: inout WriteRequestRows
  ) -> Bool {
    if hasPendingName { fail(.oddReferences) }
    if rows.times.count == begun.samples, rows.histograms.count == begun.histograms,
      rows.exemplars.count == begun.exemplars
    {
      fail(.nothingInIt)
    }
    if let fault {
      note(
        fault, faultReference, series, samples: rows.times.count - begun.samples,
        histograms: rows.histograms.count - begun.histograms, &rows)
      begun.takeBack(&rows)
      return true
    }
    let labelsLength = rows.gathered.count - begun.gathered
    let start = rows.gathered.bytes.baseAddress.map { $0 + begun.gathered }
    let hash = key.hash128(UnsafeRawBufferPointer(start: start, count: labelsLength))
    rows.rows.append(
      WriteRow(
        hashHigh: hash.high, hashLow: UInt32(truncatingIfNeeded: hash.low),
        labelsOffset: UInt32(truncatingIfNeeded: begun.gathered),
        labelsLength: UInt32(truncatingIfNeeded: labelsLength),
        sampleStart: UInt32(truncatingIfNeeded: begun.samples),
        sampleCount: UInt32(truncatingIfNeeded: rows.times.count - begun.samples), flags: flags))
    if rows.exemplars.count > begun.exemplars {
      guard writeExemplars(of: series, from: begun.exemplars, into: &rows) else { return false }
    }
    return writeMetadata(of: series, into: &rows)
  }

  private func note(
    _ kind: WriteFault.Kind, _ reference: UInt32, _ series: WireCursor, samples: Int = 0, histograms: Int = 0,
    _ rows: inout WriteRequestRows
  ) {
    rows.faults.append(
      WriteFault(
        kind: kind, reference: reference, symbolCount: UInt32(rows.symbols.count), offset: series.offset(from: base),
        sampleCount: UInt32(truncatingIfNeeded: samples), histogramCount: UInt32(truncatingIfNeeded: histograms)))
  }

  private mutating func fail(_ kind: WriteFault.Kind, _ reference: UInt32 = 0) {
    if fault != nil { return }
    fault = kind
    faultReference = reference
  }

  /// One reference: a name, or the value of the name before it, with which it is written out.
  @inline(__always)
  private mutating func label(_ reference: UInt32, into rows: inout WriteRequestRows) {
    guard Int(reference) < rows.symbols.count else { return fail(.labelReference, reference) }
    if !hasPendingName {
      pendingName = reference
      hasPendingName = true
      return
    }
    hasPendingName = false
    if pendingName == nameReference { metric = reference }
    // What would pass the limit is not written any more: the caller sees that it is passed.
    if fault != nil || rows.gathered.count > WriteRequestV2Scanner.gatheredBytesMax { return }
    LabelFields.appendField(
      name: rows.symbols[Int(pendingName)].bytes(from: base), value: rows.symbols[Int(reference)].bytes(from: base),
      to: &rows.gathered)
  }

  @inline(__always)
  private func append(_ part: WireCursor, to parts: inout Column<WritePart>, _ row: Int) -> Bool {
    guard parts.count < WriteRequestScanner.partsMax else { return false }
    parts.append(
      WritePart(row: Int32(truncatingIfNeeded: row), offset: part.offset(from: base), length: UInt32(part.count)))
    return true
  }

  @inline(__always)
  private static func sample(_ sample: WireCursor, into rows: inout WriteRequestRows) -> Bool {
    var cursor = sample
    var value: UInt64 = 0
    var time: UInt64 = 0
    while !cursor.isAtEnd {
      switch cursor.byteTag() {
      case 0x09:
        guard let bits = cursor.fixed64() else { return false }
        value = bits
      case 0x10:
        guard let number = cursor.varint() else { return false }
        time = number
      case 0x18:
        // When the counter began: no reader of the data has a place for it yet.
        guard cursor.varint() != nil else { return false }
      default:
        guard cursor.skipUnknown(known: 0b1110) else { return false }
      }
    }
    if rows.times.count > WriteRequestScanner.samplesMax { return false }
    rows.times.append(Int64(bitPattern: time))
    rows.values.append(value)
    return true
  }

  /// A second message is merged into the first, as protobuf says.
  private mutating func readMetadata(_ part: WireCursor) -> Bool {
    var cursor = part
    var read = metadata ?? V2Metadata()
    while !cursor.isAtEnd {
      switch cursor.byteTag() {
      case 0x08:
        guard let number = cursor.varint() else { return false }
        read.kind = UInt32(truncatingIfNeeded: number)
      case 0x18:
        guard let number = cursor.varint() else { return false }
        read.help = UInt32(truncatingIfNeeded: number)
      case 0x20:
        guard let number = cursor.varint() else { return false }
        read.unit = UInt32(truncatingIfNeeded: number)
      default:
        guard cursor.skipUnknown(known: 0b11010) else { return false }
      }
    }
    metadata = read
    return true
  }

  /// Writes the metadata out unless it says nothing, or what it said for the same metric just before.
  private func writeMetadata(of series: WireCursor, into rows: inout WriteRequestRows) -> Bool {
    guard let metadata, metric != UInt32.max, metadata.kind | metadata.help | metadata.unit != 0 else { return true }
    let symbolCount = UInt32(rows.symbols.count)
    if metadata.help >= symbolCount || metadata.unit >= symbolCount {
      note(.metadataReference, max(metadata.help, metadata.unit), series, &rows)
      return true
    }
    var noted = rows.symbols[Int(metric)]
    let kind = metadata.kind &+ 1
    if noted.notedKind == kind, noted.notedHelp == metadata.help, noted.notedUnit == metadata.unit { return true }
    (noted.notedKind, noted.notedHelp, noted.notedUnit) = (kind, metadata.help, metadata.unit)
    rows.symbols[Int(metric)] = noted
    guard rows.metadata.count < WriteRequestScanner.partsMax else { return false }
    let start = rows.gathered.count
    MetadataMessage.append(
      kind: metadata.kind, metric: noted.bytes(from: base),
      help: rows.symbols[Int(metadata.help)].bytes(from: base),
      unit: rows.symbols[Int(metadata.unit)].bytes(from: base), to: &rows.gathered)
    rows.metadata.append(
      WritePart(row: -1, offset: UInt32(truncatingIfNeeded: start), length: UInt32(rows.gathered.count - start)))
    return rows.gathered.count <= WriteRequestV2Scanner.gatheredBytesMax
  }

  /// Replaces the exemplars of the series by their 1.0 form, without those that refer to what is not there. False where
  /// one is malformed, or they become too large.
  private func writeExemplars(
    of series: WireCursor, from first: Int, into rows: inout WriteRequestRows
  ) -> Bool {
    var kept = first
    for index in first..<rows.exemplars.count {
      let part = rows.exemplars[index]
      let place = base + Int(part.offset)
      let start = rows.gathered.count
      switch V2Exemplar.write(WireCursor(at: place, end: place + Int(part.length)), base, &rows) {
      case .written:
        rows.exemplars[kept] = WritePart(
          row: part.row, offset: UInt32(truncatingIfNeeded: start), length: UInt32(rows.gathered.count - start))
        kept += 1
      case .badReference:
        rows.gathered.truncate(to: start)
        note(.exemplarReference, 0, series, &rows)
      case .malformed: return false
      }
      if rows.gathered.count > WriteRequestV2Scanner.gatheredBytesMax { return false }
    }
    rows.exemplars.resize(to: kept)
    return true
  }
}

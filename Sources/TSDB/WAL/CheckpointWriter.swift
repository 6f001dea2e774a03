import Format
import Model
import Platform

/// Encodes the rows that a checkpoint keeps, record by record, into segments of its own. One owner.
struct CheckpointWriter: ~Copyable {
  /// Records are written out when they have this many stored bytes.
  private static let flushBytes = 1 << 20

  private let choice: Checkpoint.Choice
  private var tail: SegmentTail
  private var body: WALBody
  private var record = ByteBuffer(capacity: 256 * 1024)
  private var metadata = LatestMetadata()

  init(
    _ directory: WALDirectory, _ choice: Checkpoint.Choice, _ compression: WALCompression, _ log: Log
  ) {
    self.choice = choice
    tail = SegmentTail(directory: directory, lastSegment: -1, options: WALOptions(directory: directory.path), log: log)
    body = WALBody(compression: compression)
  }

  /// Appends one record for each record in `columns` of which anything is kept.
  mutating func append(
    _ columns: borrowing RecordColumns, counting statistics: inout Checkpoint.Statistics
  ) throws(DiskError) {
    for section in columns.sections {
      record.removeAll()
      var keptRows = 0
      switch section.kind {
      case .series: keptRows = encodeSeries(columns, section.rows)
      case .samples: keptRows = encodeSamples(columns, section.rows)
      case .tombstones: keptRows = encodeTombstones(columns, section.rows)
      case .exemplars: keptRows = encodeExemplars(columns, section.rows)
      case .mmapMarkers: keptRows = encodeMarkers(columns, section.rows)
      case .metadata: keptRows = remember(columns, section.rows)
      default: keptRows = encodeHistograms(section.kind, columns, section.rows)
      }
      count(section, kept: keptRows, &statistics)
      body.append(record)
      if body.storedBytes >= CheckpointWriter.flushBytes { try flush() }
    }
  }

  /// Writes what is left and makes all of it durable.
  mutating func finish(counting statistics: inout Checkpoint.Statistics) throws(DiskError) {
    statistics.keptOthers += metadata.count
    record.removeAll()
    metadata.encode(into: &record)
    body.append(record)
    try flush()
    try tail.fillPage()
    if let work = tail.takeSyncWork(), let error = work.perform(in: tail.directory).error { throw error }
    for file in tail.takeFiles() { try file.close() }
  }

  private mutating func flush() throws(DiskError) {
    _ = try tail.append(body)
    body.removeAll()
  }

  private func count(
    _ section: RecordColumns.Section, kept: Int, _ statistics: inout Checkpoint.Statistics
  ) {
    let dropped = section.rows.count - kept
    switch section.kind {
    case .series:
      statistics.keptSeries += kept
      statistics.droppedSeries += dropped
    case .tombstones, .exemplars, .mmapMarkers:
      statistics.keptOthers += kept
      statistics.droppedOthers += dropped
    case .metadata:
      // Which rows stay is known at the end.
      statistics.droppedOthers += dropped
    default:
      statistics.keptSamples += kept
      statistics.droppedSamples += dropped
    }
  }

  private mutating func encodeSeries(_ columns: borrowing RecordColumns, _ rows: Range<Int>) -> Int {
    var kept = 0
    for i in rows {
      let row = columns.series[i]
      if !choice.series(row.ref) { continue }
      if kept == 0 { SeriesRecord.begin(&record) }
      SeriesRecord.append(
        ref: row.ref, labelCount: row.labels.labelCount, packedLabels: LentBytes(columns.packedLabels(row.labels)),
        to: &record)
      kept += 1
    }
    return kept
  }

  private mutating func encodeSamples(_ columns: borrowing RecordColumns, _ rows: Range<Int>) -> Int {
    let (refs, timestamps, values) = (columns.samples.refs, columns.samples.timestamps, columns.samples.values)
    var encoder = SamplesRecord()
    for i in rows where timestamps[i] >= choice.minTime {
      encoder.append(ref: refs[i], timestamp: timestamps[i], value: values[i], to: &record)
    }
    return encoder.count
  }

  private mutating func encodeTombstones(_ columns: borrowing RecordColumns, _ rows: Range<Int>) -> Int {
    var kept = 0
    for i in rows where columns.tombstones[i].maxTime >= choice.minTime {
      if kept == 0 { TombstonesRecord.begin(&record) }
      TombstonesRecord.append(columns.tombstones[i], to: &record)
      kept += 1
    }
    return kept
  }

  private mutating func encodeExemplars(_ columns: borrowing RecordColumns, _ rows: Range<Int>) -> Int {
    var encoder = ExemplarsRecord()
    for i in rows where columns.exemplars[i].timestamp >= choice.exemplarMinTime {
      let row = columns.exemplars[i]
      if !choice.series(row.ref) { continue }
      encoder.append(
        ref: row.ref, timestamp: row.timestamp, value: row.value, labelCount: row.labels.labelCount,
        packedLabels: LentBytes(columns.packedLabels(row.labels)), to: &record)
    }
    return encoder.count
  }

  private mutating func encodeMarkers(_ columns: borrowing RecordColumns, _ rows: Range<Int>) -> Int {
    if rows.isEmpty { return 0 }
    MmapMarkersRecord.begin(&record)
    for i in rows { MmapMarkersRecord.append(columns.mmapMarkers[i], to: &record) }
    return rows.count
  }

  private mutating func encodeHistograms(
    _ kind: RecordKind, _ columns: borrowing RecordColumns, _ rows: Range<Int>
  ) -> Int {
    var encoder = HistogramsRecord(kind)
    for i in rows where columns.histograms[i].timestamp >= choice.histogramMinTime {
      let row = columns.histograms[i]
      encoder.append(
        ref: row.ref, timestamp: row.timestamp, payload: LentBytes(columns.bytes(row.payload)), to: &record)
    }
    return encoder.count
  }

  /// Keeps the rows of series that stay, until a later one replaces them. Returns how many were kept for now.
  private mutating func remember(_ columns: borrowing RecordColumns, _ rows: Range<Int>) -> Int {
    var kept = 0
    for i in rows where choice.series(columns.metadata[i].ref) {
      let row = columns.metadata[i]
      let (unit, help) = (LentBytes(columns.bytes(row.unit)), LentBytes(columns.bytes(row.help)))
      if metadata.set(row.ref, row.type, unit: unit, help: help) { kept += 1 }
    }
    return kept
  }
}

/// The last metadata of each series, as encoded rows.
private struct LatestMetadata: ~Copyable {
  private var rows: [UInt64: Range<Int>] = [:]
  private var encoded = ByteBuffer(capacity: 4096)

  var count: Int { rows.count }

  /// Sets the row of a series; false if the series had one. Refreshed metadata is mostly the same: then no bytes are
  /// added.
  mutating func set(_ ref: UInt64, _ type: WALMetricType, unit: LentBytes, help: LentBytes) -> Bool {
    let start = encoded.count
    MetadataRecord.append(ref: ref, type: type, unit: unit, help: help, to: &encoded)
    let range = start..<encoded.count
    guard let old = rows[ref] else {
      rows[ref] = range
      return true
    }
    if encoded.bytes[old].elementsEqual(encoded.bytes[range]) {
      encoded.truncate(to: start)
    } else {
      rows[ref] = range
    }
    return false
  }

  func encode(into record: inout ByteBuffer) {
    if rows.isEmpty { return }
    MetadataRecord.begin(&record)
    for range in rows.values.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      record.append(encoded.bytes.part(range))
    }
  }
}

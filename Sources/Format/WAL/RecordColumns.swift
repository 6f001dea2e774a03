/// Decoded records, kind by kind, in columns that are reused. Labels, texts and histogram payloads stay as bytes in
/// one buffer; rows point into it. One owner.
///
/// Invariant: a record is in the columns wholly or not at all.
package struct RecordColumns: ~Copyable, Sendable {
  package enum Outcome: Equatable, Sendable {
    case decoded
    /// A kind of a later version, or a record that stands for lost ones; nothing was appended.
    case unknown
    /// Not valid; nothing was appended.
    case malformed
  }

  /// Rows of one record, in the order of the log. Rows of a kind are contiguous.
  package struct Section: Sendable, Equatable {
    package var kind: RecordKind
    package var rows: Range<Int>
  }

  package private(set) var sections: [Section] = []
  package private(set) var series: [SeriesRow] = []
  package private(set) var samples = SampleColumns(capacity: 16 * 1024)
  package private(set) var tombstones: [TombstoneRow] = []
  package private(set) var exemplars: [ExemplarRow] = []
  package private(set) var mmapMarkers: [MmapMarkerRow] = []
  package private(set) var metadata: [MetadataRow] = []
  /// Of all four kinds; each row says of which.
  package private(set) var histograms: [HistogramRow] = []
  private var kept = ByteBuffer(capacity: 4096)

  package init() {}

  package var isEmpty: Bool { sections.isEmpty }
  /// Samples, histograms and all other rows.
  package var rowCount: Int { sections.reduce(0) { $0 + $1.rows.count } }
  /// Rows and records, for bounds: the rows alone may be many small records.
  package var rowAndRecordCount: Int {
    sections.count + series.count + samples.count + tombstones.count + exemplars.count + mmapMarkers.count
      + metadata.count + histograms.count
  }
  /// Bytes of labels, texts and payloads.
  package var keptBytes: Int { kept.count }

  package mutating func removeAll() {
    sections.removeAll(keepingCapacity: true)
    series.removeAll(keepingCapacity: true)
    samples.removeAll()
    tombstones.removeAll(keepingCapacity: true)
    exemplars.removeAll(keepingCapacity: true)
    mmapMarkers.removeAll(keepingCapacity: true)
    metadata.removeAll(keepingCapacity: true)
    histograms.removeAll(keepingCapacity: true)
    kept.removeAll()
  }

  /// The packed labels of a row; valid until the next mutation.
  package func packedLabels(_ range: LabelRange) -> UnsafeRawBufferPointer {
    bytes(range.offset..<(range.offset + range.bytes))
  }

  /// A text or payload of a row; valid until the next mutation.
  package func bytes(_ range: Range<Int>) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: kept.bytes[range])
  }

  /// Decodes one record, kind byte first, behind the rows that are there.
  package mutating func append(record: UnsafeRawBufferPointer) -> Outcome {
    guard !record.isEmpty, let kind = RecordKind(rawValue: record[0]) else { return .unknown }
    let body = UnsafeRawBufferPointer(rebasing: record[1..<record.count])
    let before = rows(of: kind)
    let keptBefore = kept.count
    let isValid =
      switch kind {
      case .samples: SamplesRecord.decode(body, into: &samples)
      case .tombstones: TombstonesRecord.decode(ByteReader(body), into: &tombstones)
      case .mmapMarkers: MmapMarkersRecord.decode(ByteReader(body), into: &mmapMarkers)
      default: appendKept(kind, body, bodyOffset: keptBefore)
      }
    if isValid {
      sections.append(Section(kind: kind, rows: before..<rows(of: kind)))
    } else {
      removeRows(of: kind, from: before)
      kept.truncate(to: keptBefore)
    }
    return isValid ? .decoded : .malformed
  }

  /// Kinds whose rows point into the record: its body is kept as it is.
  private mutating func appendKept(_ kind: RecordKind, _ body: UnsafeRawBufferPointer, bodyOffset: Int) -> Bool {
    kept.append(body)
    let body = ByteReader(body)
    return switch kind {
    case .series: SeriesRecord.decode(body, bodyOffset: bodyOffset, into: &series)
    case .exemplars: ExemplarsRecord.decode(body, bodyOffset: bodyOffset, into: &exemplars)
    case .metadata: MetadataRecord.decode(body, bodyOffset: bodyOffset, into: &metadata)
    default: HistogramsRecord.decode(kind, body, bodyOffset: bodyOffset, into: &histograms)
    }
  }

  private func rows(of kind: RecordKind) -> Int {
    switch kind {
    case .series: series.count
    case .samples: samples.count
    case .tombstones: tombstones.count
    case .exemplars: exemplars.count
    case .mmapMarkers: mmapMarkers.count
    case .metadata: metadata.count
    default: histograms.count
    }
  }

  private mutating func removeRows(of kind: RecordKind, from count: Int) {
    switch kind {
    case .series: series.removeSubrange(count...)
    case .samples: samples.truncate(to: count)
    case .tombstones: tombstones.removeSubrange(count...)
    case .exemplars: exemplars.removeSubrange(count...)
    case .mmapMarkers: mmapMarkers.removeSubrange(count...)
    case .metadata: metadata.removeSubrange(count...)
    default: histograms.removeSubrange(count...)
    }
  }
}

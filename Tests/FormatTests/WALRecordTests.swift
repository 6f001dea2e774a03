import Format
import Model
import TestKit
import Testing

@Suite struct WALRecordTests {
  @Test("samples come back bit by bit, in order, whatever the distances between them")
  func samples() {
    let refs: [UInt64] = [7, 8, 1, .max, 0, 7]
    let times: [Int64] = [1000, 1015, -5, .max, .min, 1000]
    let staleBits: UInt64 = 0x7ff0_0000_0000_0002
    let values = [1.5, -0.0, .infinity, Double(bitPattern: staleBits), .nan, 0]
    let record = bytes { output in
      var encoder = SamplesRecord()
      refs.withUnsafeBufferPointer { refs in
        times.withUnsafeBufferPointer { times in
          values.withUnsafeBufferPointer {
            encoder.append(refs: refs, timestamps: times, values: $0, to: &output)
          }
        }
      }
    }
    var columns = RecordColumns()
    #expect(decode(record, &columns) == .decoded)
    #expect(Array(columns.samples.refs) == refs)
    #expect(Array(columns.samples.timestamps) == times)
    #expect(columns.samples.values.map(\.bitPattern) == values.map(\.bitPattern))
    #expect(columns.sections.map(\.kind) == [.samples] && columns.sections.map(\.rows) == [0..<6])
    let oneByOne = bytes { output in
      var encoder = SamplesRecord()
      for i in refs.indices { encoder.append(ref: refs[i], timestamp: times[i], value: values[i], to: &output) }
    }
    #expect(oneByOne == record)
  }

  @Test("a samples record has the bytes Prometheus gives it")
  func samplesBytes() {
    let record = bytes { output in
      var encoder = SamplesRecord()
      encoder.append(ref: 258, timestamp: 1000, value: 1, to: &output)
      encoder.append(ref: 257, timestamp: 1064, value: 0, to: &output)
    }
    #expect(
      record == [
        2, 0, 0, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 0, 0, 3, 0xe8,  //
        0, 0, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0,  //
        1, 0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0,
      ])
  }

  @Test("series come back with their labels as packed bytes")
  func series() {
    let all = [
      Labels([("__name__", "up"), ("job", "node")]), Labels.empty,
      Labels([("a", String(repeating: "ä", count: 200)), ("b", "\n")]),
    ]
    let record = bytes { output in
      SeriesRecord.begin(&output)
      for (i, labels) in all.enumerated() { SeriesRecord.append(ref: UInt64(i * 10), labels: labels, to: &output) }
    }
    var columns = RecordColumns()
    #expect(decode(record, &columns) == .decoded)
    #expect(columns.series.map(\.ref) == [0, 10, 20])
    for (row, labels) in zip(columns.series, all) {
      #expect(Labels(packed: Array(columns.packedLabels(row.labels))) == labels)
      #expect(row.labels.labelCount == labels.count)
    }
  }

  @Test("a length that is longer than it must be makes a series record malformed")
  func longLengths() {
    var record = bytes { output in
      SeriesRecord.begin(&output)
      SeriesRecord.append(ref: 1, labels: Labels([("a", "b")]), to: &output)
    }
    #expect(record.suffix(4) == [1, 0x61, 1, 0x62])
    record.replaceSubrange((record.count - 2)..<(record.count - 1), with: [0x81, 0])
    var columns = RecordColumns()
    #expect(decode(record, &columns) == .malformed)
    #expect(columns.series.isEmpty && columns.keptBytes == 0)
  }

  @Test("the cold kinds come back: tombstones, exemplars, markers, metadata, histograms")
  func coldKinds() {
    var columns = RecordColumns()
    for record in WALRecordSamples.all { #expect(decode(record, &columns) == .decoded) }
    #expect(columns.tombstones == [.init(ref: 3, minTime: -100, maxTime: .max)])
    #expect(columns.mmapMarkers == [.init(ref: 3, chunk: 1 << 32 | 8), .init(ref: 4, chunk: 9)])
    #expect(columns.exemplars.map(\.ref) == [9, 2])
    #expect(columns.exemplars.map(\.timestamp) == [50, 40])
    #expect(columns.exemplars.map(\.value) == [0.5, 2])
    let exemplarLabels = columns.exemplars.map { Labels(packed: Array(columns.packedLabels($0.labels))) }
    #expect(exemplarLabels == [Labels([("trace_id", "abc")]), .empty])
    let metadata = columns.metadata
    #expect(metadata.map(\.ref) == [300, 2])
    #expect(metadata.map(\.type) == [.counter, .unknown])
    #expect(String(decoding: columns.bytes(metadata[0].unit), as: UTF8.self) == "seconds")
    #expect(String(decoding: columns.bytes(metadata[0].help), as: UTF8.self) == "How long.")
    #expect(metadata[1].unit.isEmpty)
    let kinds: [RecordKind] = [.histograms, .floatHistograms, .customBucketHistograms, .customBucketFloatHistograms]
    #expect(columns.histograms.map(\.kind) == kinds.flatMap { [$0, $0] })
    #expect(columns.histograms.map(\.ref) == kinds.flatMap { _ in [5, 6] })
    #expect(columns.histograms.map(\.timestamp) == kinds.flatMap { _ in [1000, 990] })
    for row in columns.histograms {
      #expect(Array(columns.bytes(row.payload)) == WALRecordSamples.payload(row.kind))
    }
  }

  @Test("unknown kinds and empty records are skipped")
  func unknownKinds() {
    var columns = RecordColumns()
    #expect(decode([], &columns) == .unknown)
    for kind in UInt8.min...UInt8.max where RecordKind(rawValue: kind) == nil {
      #expect(decode([kind, 1, 2, 3], &columns) == .unknown)
    }
    #expect(columns.rowCount == 0 && columns.keptBytes == 0)
  }

  @Test("every cut of every record is malformed or a shorter list, and leaves no row behind where it is malformed")
  func everyCut() {
    for record in WALRecordSamples.all {
      for count in 1..<record.count {
        var columns = RecordColumns()
        let outcome = decode(Array(record[..<count]), &columns)
        #expect(outcome != .unknown)
        #expect(outcome == .decoded || (columns.isEmpty && columns.rowCount == 0 && columns.keptBytes == 0))
      }
    }
  }

  @Test("no damaged record does harm")
  func mutations() {
    let seed: UInt64 = 77
    var random = WALRandom(seed: seed)
    var columns = RecordColumns()
    var malformed = 0
    for _ in 0..<400 {
      for record in WALRecordSamples.all {
        columns.removeAll()
        let outcome = decode(mutated(record, &random), &columns)
        if outcome == .malformed { malformed += 1 }
        // Whatever was decoded lies inside the bytes that were kept.
        for row in columns.series { _ = Array(columns.packedLabels(row.labels)) }
        for row in columns.exemplars { _ = Array(columns.packedLabels(row.labels)) }
        for row in columns.metadata { _ = Array(columns.bytes(row.unit)) + Array(columns.bytes(row.help)) }
        for row in columns.histograms { _ = Array(columns.bytes(row.payload)) }
        #expect(outcome == .decoded || columns.rowCount == 0, "seed \(seed)")
      }
    }
    #expect(malformed > 500)
  }

  private func decode(_ record: [UInt8], _ columns: inout RecordColumns) -> RecordColumns.Outcome {
    record.withUnsafeBytes { columns.append(record: $0) }
  }
}

/// One record of each kind.
enum WALRecordSamples {
  static var all: [[UInt8]] { [samples, series, tombstones, exemplars, markers, metadata] + histograms }

  static var samples: [UInt8] {
    bytes { output in
      var encoder = SamplesRecord()
      for i in 0..<5 { encoder.append(ref: UInt64(100 + i), timestamp: 1000, value: 0.1, to: &output) }
    }
  }

  static var series: [UInt8] {
    bytes { output in
      SeriesRecord.begin(&output)
      for ref in 1...3 as ClosedRange<UInt64> {
        SeriesRecord.append(ref: ref, labels: Labels([("__name__", "m\(ref)"), ("job", "x")]), to: &output)
      }
    }
  }

  static var tombstones: [UInt8] {
    bytes { output in
      TombstonesRecord.begin(&output)
      TombstonesRecord.append(TombstoneRow(ref: 3, minTime: -100, maxTime: .max), to: &output)
    }
  }

  static var exemplars: [UInt8] {
    bytes { output in
      var encoder = ExemplarsRecord()
      encoder.append(ref: 9, timestamp: 50, value: 0.5, labels: Labels([("trace_id", "abc")]), to: &output)
      encoder.append(ref: 2, timestamp: 40, value: 2, labels: .empty, to: &output)
    }
  }

  static var markers: [UInt8] {
    bytes { output in
      MmapMarkersRecord.begin(&output)
      MmapMarkersRecord.append(MmapMarkerRow(ref: 3, chunk: 1 << 32 | 8), to: &output)
      MmapMarkersRecord.append(MmapMarkerRow(ref: 4, chunk: 9), to: &output)
    }
  }

  static var metadata: [UInt8] {
    bytes { output in
      MetadataRecord.begin(&output)
      Array("seconds".utf8).withUnsafeBytes { unit in
        Array("How long.".utf8).withUnsafeBytes { help in
          MetadataRecord.append(ref: 300, type: .counter, unit: LentBytes(unit), help: LentBytes(help), to: &output)
        }
      }
      // A type and a field of a later version.
      output.append([2, 99, 1, 3] + Array("NEWabc".utf8).prefix(3) + [2] + Array("xy".utf8))
    }
  }

  static var histograms: [[UInt8]] {
    [RecordKind.histograms, .floatHistograms, .customBucketHistograms, .customBucketFloatHistograms].map { kind in
      bytes { output in
        var encoder = HistogramsRecord(kind)
        payload(kind).withUnsafeBytes {
          encoder.append(ref: 5, timestamp: 1000, payload: LentBytes($0), to: &output)
          encoder.append(ref: 6, timestamp: 990, payload: LentBytes($0), to: &output)
        }
      }
    }
  }

  /// Two spans, three buckets; custom bounds in the custom kinds.
  static func payload(_ kind: RecordKind) -> [UInt8] {
    let isCustom = kind == .customBucketHistograms || kind == .customBucketFloatHistograms
    return bytes { output in
      output.append(UInt8(0))
      output.appendVarint(isCustom ? -53 : 3)
      output.appendBigEndian(0.001.bitPattern)
      if kind.isFloatHistogram {
        output.appendBigEndian(1.5.bitPattern)
        output.appendBigEndian(9.0.bitPattern)
      } else {
        output.appendUvarint(1)
        output.appendUvarint(900)
      }
      output.appendBigEndian(18.4.bitPattern)
      output.append([2, 0, 2, 4, 1, 0, 3])
      for value in [1, 2, -1] as [Int64] {
        if kind.isFloatHistogram {
          output.appendBigEndian(Double(value).bitPattern)
        } else {
          output.appendVarint(value)
        }
      }
      output.append(UInt8(0))
      if isCustom {
        output.append(UInt8(1))
        output.appendBigEndian(5.0.bitPattern)
      }
    }
  }
}

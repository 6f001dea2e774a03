import Format
import Model
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import TSDB

/// Files with right checksums and a content that no head has: only another program makes them, and none may end a start.
@Suite struct CraftedFileTests {
  private static let time = DatabaseSetup.epoch

  /// One series of a snapshot, with an open chunk of one sample, a chunk in memory and a late sample.
  private struct SnapshotSeries {
    var labels: [UInt8] = Labels([("__name__", "a")]).packed
    var reference: UInt64 = 1
    var count: UInt64 = 1
    var lastTime = CraftedFileTests.time
    var start = CraftedFileTests.time
    var leading = XORChunk.noWindow
    var trailing: UInt8 = 0
    var chunkStart = CraftedFileTests.time - 60_000
    var lateTime = CraftedFileTests.time - 90_000

    var bytes: [UInt8] {
      let chunk = encodedChunk([(time: start, value: 5)])
      var series = ByteBuffer()
      series.appendUvarint(UInt64(labels.count))
      series.append(labels)
      series.appendUvarint(reference)
      series.append(UInt8(0))
      series.appendUvarint(count)
      series.appendVarint(lastTime)
      series.appendLittleEndian(UInt64(5))
      series.appendVarint(start)
      series.appendLittleEndian(UInt32(1_000_000))
      series.appendLittleEndian(UInt32(0))
      series.appendLittleEndian(UInt16(chunk.count * 8))
      series.append(leading)
      series.append(trailing)
      series.appendUvarint(UInt64(chunk.count))
      series.append(chunk)
      series.appendUvarint(1)
      series.appendVarint(chunkStart)
      series.appendLittleEndian(UInt32(0))
      series.append(UInt8(0))
      let other = encodedChunk([(time: chunkStart, value: 6)])
      series.appendUvarint(UInt64(other.count))
      series.append(other)
      series.appendUvarint(1)
      series.appendVarint(lateTime)
      series.appendLittleEndian(UInt64(7))
      return Array(series.bytes)
    }
  }

  private func snapshot(_ series: [UInt8]) -> [UInt8] {
    var file = ByteBuffer()
    file.append(HeadSnapshotLayout.magic)
    file.appendLittleEndian(HeadSnapshotLayout.version)
    for _ in 0..<4 { file.appendLittleEndian(UInt64(0)) }
    file.appendLittleEndian(checksum(file.bytes))
    for (kind, payload) in [(UInt8(1), series), (UInt8(0), [1, 0, 0, 0, 0, 0, 0, 0])] {
      let start = file.count
      file.append(kind)
      file.appendLittleEndian(UInt32(payload.count))
      file.append(payload)
      file.appendLittleEndian(checksum(UnsafeRawBufferPointer(rebasing: file.bytes[start...])))
    }
    return Array(file.bytes)
  }

  /// Starts on files, reads all, writes to the series, ends, and starts again; the samples that were found at first.
  private func use(_ files: [(path: String, bytes: [UInt8])]) throws -> [Labels: [Int64]] {
    let setup = DatabaseSetup(now: CraftedFileTests.time + 600_000)
    for file in files {
      try setup.disk.makeDirectories(DiskPath.parent(file.path))
      try AtomicReplace.write(file.bytes, to: file.path, on: setup.disk)
    }
    let database = try setup.open()
    let found = try database.everything()
    for step in 1...3 {
      let series = SentSeries([("__name__", "a")], [(CraftedFileTests.time + Int64(step) * 1000, UInt64(step) << 50)])
      try HeadWriter().write([series], to: database.head, now: setup.now)
    }
    _ = try database.everything()
    try setup.close(database)
    let again = try setup.open()
    let left = try again.everything()[Labels([("__name__", "a")])] ?? [:]
    #expect(!left.isEmpty)
    return found.mapValues { $0.keys.sorted() }
  }

  @Test("a snapshot whose series can be one is read")
  func wholeSnapshot() throws {
    let found = try use([("/data/apus.head", snapshot(SnapshotSeries().bytes))])
    let times = [CraftedFileTests.time - 90_000, CraftedFileTests.time - 60_000, CraftedFileTests.time]
    #expect(found == [Labels([("__name__", "a")]): times])
  }

  @Test("a snapshot with a series that no head has is left out, and the start goes on")
  func impossibleSnapshots() throws {
    var impossible: [SnapshotSeries] = []
    func add(_ change: (inout SnapshotSeries) -> Void) {
      var series = SnapshotSeries()
      change(&series)
      impossible.append(series)
    }
    add { $0.lastTime = $0.start - 1 }
    add { $0.lastTime = $0.start + 1 << 32 }
    add { $0.lastTime = .max }
    add { ($0.lastTime, $0.start) = (.max, .max) }
    add { $0.start = .min }
    add { $0.count = 65_535 }
    add { $0.count = 2 }
    add { ($0.leading, $0.trailing) = (200, 0) }
    add { ($0.leading, $0.trailing) = (31, 63) }
    add { $0.chunkStart = .max }
    add { $0.chunkStart = .min }
    add { $0.lateTime = .min }
    add { $0.reference = .max }
    add { $0.labels = [1, 0x61, 9, 0x62] }
    add { $0.labels = [1, 0x62, 1, 0x62, 1, 0x61, 1, 0x62] }
    add { $0.labels = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] }
    for series in impossible {
      let found = try use([("/data/apus.head", snapshot(series.bytes))])
      let samples = found.values.flatMap { $0 }
      #expect(samples.isEmpty, "\(series)")
    }
  }

  @Test("samples of any time that a head takes are imported, and others refused")
  func importedTimes() throws {
    let disk = SimulatedDisk()
    try disk.makeDirectories("/data")
    var samples = SampleImport(into: "/data", on: disk, clock: SimulatedClock())
    let labels = Labels([("__name__", "a")])
    var refused = 0
    for time in [Int64.min, .min / 2, AppendBounds.timeMin, -1, 0, AppendBounds.timeMax, .max / 2, .max] {
      do { try samples.add(labels, time: time, value: 1) } catch { refused += 1 }
    }
    try samples.flush()
    #expect(refused == 4 && samples.blocks.reduce(0) { $0 + Int($1.stats.samples) } == 4)
    for meta in samples.blocks { #expect(try BlockVerification("/data/\(meta.ulid)", on: disk).findings == []) }
  }

  @Test("a log and chunk files with numbers and times that no head has are passed over")
  func impossibleLog() throws {
    var framer = RecordFramer()
    var segment = ByteBuffer()
    for reference in [UInt64.max, UInt64.max - 1, 1 << 60, 1] {
      var record = ByteBuffer()
      SeriesRecord.begin(&record)
      SeriesRecord.append(ref: reference, labels: Labels([("__name__", "a\(reference)")]), to: &record)
      framer.append(record.bytes, compression: .none, to: &segment)
    }
    var chunks = ByteBuffer()
    HeadChunkLayout.appendFileHeader(to: &chunks)
    let data = encodedChunk([(time: CraftedFileTests.time, value: 5)])
    let places: [(UInt64, Int64, Int64)] = [
      (.max, CraftedFileTests.time, CraftedFileTests.time), (1, .min, .min), (1, .max, .max), (1, .min, .max),
      (1, .max - 1, .max), (1, CraftedFileTests.time, CraftedFileTests.time),
    ]
    for (series, minTime, maxTime) in places {
      data.withUnsafeBytes {
        HeadChunkLayout.appendChunk(
          series: series, minTime: minTime, maxTime: maxTime, encoding: 1, isOutOfOrder: false, data: $0, to: &chunks)
      }
    }
    let found = try use([
      ("/data/wal/00000000", Array(segment.bytes)), ("/data/chunks_head/000001", Array(chunks.bytes)),
    ])
    let notEmpty = found.filter { !$0.value.isEmpty }
    #expect(notEmpty == [Labels([("__name__", "a1")]): [CraftedFileTests.time]])
  }

  @Test("a record of the log with labels that no series has is passed over: an empty value, a name twice, no order")
  func impossibleLabels() throws {
    func packed(_ pairs: [(String, String)]) -> Labels {
      Labels(packed: pairs.flatMap { [UInt8($0.0.utf8.count)] + $0.0.utf8 + [UInt8($0.1.utf8.count)] + $0.1.utf8 })
    }
    var framer = RecordFramer()
    var segment = ByteBuffer()
    let crafted = [
      packed([("__name__", "a"), ("inst", "")]), packed([("__name__", "a"), ("__name__", "b")]),
      packed([("z", "1"), ("__name__", "a")]), packed([("__name__", "good")]),
    ]
    for (place, labels) in crafted.enumerated() {
      var record = ByteBuffer()
      SeriesRecord.begin(&record)
      SeriesRecord.append(ref: UInt64(place + 1), labels: labels, to: &record)
      framer.append(record.bytes, compression: .none, to: &segment)
      record.removeAll()
      var encoder = SamplesRecord()
      encoder.append(ref: UInt64(place + 1), timestamp: CraftedFileTests.time, value: 1, to: &record)
      framer.append(record.bytes, compression: .none, to: &segment)
    }
    let found = try use([("/data/wal/00000000", Array(segment.bytes))]).filter { !$0.value.isEmpty }
    #expect(found == [Labels([("__name__", "good")]): [CraftedFileTests.time]])
  }
}

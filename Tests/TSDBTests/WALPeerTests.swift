import Format
import Glibc
import Model
import Platform
import TSDB
import Testing

/// Against the real Prometheus: its tool reads what we write, we read what it writes.
@Suite(.enabled(if: WALPeers.isExpected, WALPeers.absence), .serialized) struct WALPeerTests {
  private func labels(_ ref: UInt64) -> Labels {
    Labels([("__name__", "metric_\(ref % 40)"), ("instance", "host-\(ref)"), ("job", "ünit \"x\"")])
  }

  /// The line that `promtool tsdb dump` prints for a sample.
  private func line(_ sample: Sample) -> String {
    let value = Double(bitPattern: sample.bits)
    let text = value == value.rounded() ? String(Int64(value)) : "\(value)"
    return "\(labels(sample.ref)) \(text) \(sample.timestamp)"
  }

  private func dump(_ folder: WALFolder) throws -> [String] {
    try WALPeers.run(["promtool", "tsdb", "dump", folder.path], output: folder.path + "/dump.txt").sorted()
  }

  /// 3000 series, 20 commits.
  private func fill(_ setup: WALSetup, _ compression: WALCompression) throws -> (WriteAheadLog, [Sample]) {
    let log = try setup.open()
    var body = WALBody(compression: compression)
    var all: [Sample] = []
    for round in 0..<20 as Range<Int64> {
      body.removeAll()
      if round == 0 { body.addSeries((1...3000).map { ($0, labels($0)) }) }
      let samples = (1...3000).map { Sample($0, 1_700_000_000_000 + round * 15_000, Double(Int64($0) * round) / 4) }
      all += samples
      body.addSamples(samples)
      try log.commit(body)
    }
    return (log, all)
  }

  @Test("promtool prints exactly the samples that were committed", arguments: WALCompression.allCases)
  func dumpsOurs(_ compression: WALCompression) throws {
    let folder = try WALFolder()
    var setup = WALSetup(LinuxDisk(), root: folder.path)
    setup.options.segmentBytes = 8 * WALPage.pageBytes
    let (log, samples) = try fill(setup, compression)
    // Not closed: the last page is partial, as after a kill.
    try log.sync()
    #expect(try dump(folder) == samples.map(line).sorted())
    #expect(try setup.directory.segments().count > 1)
  }

  @Test("promtool reads a log that was mended, and prints all but what was damaged")
  func dumpsMended() throws {
    let folder = try WALFolder()
    let setup = WALSetup(LinuxDisk(), root: folder.path)
    let (log, samples) = try fill(setup, .snappy)
    try log.cutSegment()
    try log.close()
    let path = setup.directory.segmentPath(0)
    let size = try setup.disk.status(path).size
    let file = try setup.disk.open(path, .readWrite)
    for place in [size / 2, size * 3 / 4] {
      try Array(repeating: UInt8(0x55), count: 700).withUnsafeBytes { try file.write($0, at: place) }
    }
    try file.close()
    let replayed = try setup.replay()
    #expect(replayed.numbers.quarantinedSegments == 1)
    #expect(replayed.samples.count < samples.count && replayed.samples.count >= samples.count - 6 * 3000)
    #expect(try dump(folder) == replayed.samples.map(line).sorted())
  }

  @Test("promtool reads a checkpoint and the segments behind it")
  func dumpsCheckpoint() throws {
    let folder = try WALFolder()
    var setup = WALSetup(LinuxDisk(), root: folder.path)
    setup.options.segmentBytes = 4 * WALPage.pageBytes
    let (log, samples) = try fill(setup, .snappy)
    let minTime: Int64 = 1_700_000_000_000 + 5 * 15_000
    let last = log.position.segment - 2
    _ = try log.checkpoint(
      through: last, .init(minTime: minTime) { _ in true }, compression: .zstd, quarantine: setup.quarantine)
    try log.truncate(before: last + 1)
    try log.close()
    let replayed = try setup.replay()
    #expect(replayed.samples.count < samples.count)
    #expect(Set(replayed.samples).isSuperset(of: samples.filter { $0.timestamp >= minTime }))
    #expect(try dump(folder) == replayed.samples.map(line).sorted())
  }

  @Test("promtool reads our head chunks")
  func dumpsHeadChunks() throws {
    let folder = try WALFolder()
    let setup = WALSetup(LinuxDisk(), root: folder.path)
    let log = try setup.open()
    var body = WALBody()
    body.addSeries((1...500).map { ($0, labels($0)) })
    try log.commit(body)
    try log.close()
    let (chunks, _) = try HeadChunks.open(
      LinuxDisk(), path: folder.path + "/chunks_head",
      damaged: damagedFiles(LinuxDisk(), root: folder.path, log: setup.keptLog.log), fileBytesMax: 8192,
      log: setup.keptLog.log
    ) { _ in }
    var batch = HeadChunkBatch()
    var samples: [Sample] = []
    for ref in 1...500 as ClosedRange<UInt64> {
      let sample = Sample(ref, 1_700_000_000_000 + Int64(ref), Double(ref))
      samples.append(sample)
      // An XOR chunk with one sample: count, timestamp, value.
      var data = ByteBuffer()
      data.appendBigEndian(UInt16(1))
      data.appendVarint(sample.timestamp)
      data.appendBigEndian(sample.bits)
      batch.append(
        series: ref, minTime: sample.timestamp, maxTime: sample.timestamp, encoding: 1, data: data.lent)
    }
    try chunks.append(&batch)
    try chunks.close()
    #expect(chunks.fileTimes.count > 1)
    #expect(try dump(folder) == samples.map(line).sorted())
  }

  @Test("every record and every head chunk of Prometheus decodes, and gives the samples its tool prints")
  func readsTheirs() throws {
    let folder = try WALFolder()
    let setup = WALSetup(LinuxDisk(), root: folder.path)
    try runPrometheus(in: folder)
    let replayed = try setup.replay()
    #expect(replayed.numbers.damages == 0 && replayed.numbers.unknownRecords == 0)
    #expect(replayed.numbers.missingSegments == 0 && replayed.numbers.last == 1)
    #expect(replayed.series.count > 200 && replayed.samples.count > 10_000 && replayed.metadata.count > 100)
    #expect(replayed.series.values.allSatisfy { $0["job"] == "self" && $0["__name__"] != nil })

    var found: [HeadChunkInfo] = []
    let (chunks, report) = try HeadChunks.open(
      LinuxDisk(), path: folder.path + "/chunks_head",
      damaged: damagedFiles(LinuxDisk(), root: folder.path, log: setup.keptLog.log), log: setup.keptLog.log
    ) { found.append($0) }
    #expect(report.lost.isEmpty && found.count > 100)
    #expect(found.allSatisfy { replayed.series[$0.series] != nil && $0.sampleCount > 0 && !$0.isOutOfOrder })
    for info in found { #expect(try chunks.read(info.ref).info == info) }

    // Staleness markers print as NaN, like any other; a second brace belongs to a histogram.
    let printed = try dump(folder)
    let printedHistograms = printed.count { line in line.utf8.count { $0 == UInt8(ascii: "{") } > 1 }
    let floats = Set(replayed.samples.map { [$0.ref, UInt64(bitPattern: $0.timestamp)] })
    #expect(printed.count - printedHistograms == floats.count)
    // The tool leaves out some histograms around the restart.
    let histograms = Set(replayed.histograms).count
    #expect(printedHistograms > 100 && printedHistograms <= histograms && printedHistograms >= histograms - 20)
    let sample = try #require(replayed.samples.first { Double(bitPattern: $0.bits) == 1 })
    let labels = try #require(replayed.series[sample.ref])
    #expect(printed.contains("\(labels) 1 \(sample.timestamp)"))
  }

  /// Lets Prometheus scrape itself every 40 ms: first until it has full chunks, which it writes when it ends, then for
  /// a moment until it is killed.
  private func runPrometheus(in folder: WALFolder) throws {
    let port = try WALPeers.freePort()
    let config = folder.path + "/prometheus.yml"
    try WALPeers.write(
      """
      global: {scrape_interval: 40ms}
      scrape_configs:
      - job_name: self
        static_configs: [{targets: ["127.0.0.1:\(port)"]}]

      """, to: config)
    for (run, signal, milliseconds) in [(1, SIGTERM, 12_000), (2, SIGKILL, 3000)] as [(Int, Int32, UInt32)] {
      let process = try WALPeers.start(
        [
          "prometheus", "--config.file=\(config)", "--storage.tsdb.path=\(folder.path)",
          "--web.listen-address=127.0.0.1:\(port)", "--enable-feature=metadata-wal-records,native-histograms",
        ], output: folder.path + "/prometheus-\(run).log")
      usleep(milliseconds * 1000)
      WALPeers.end(process, signal)
    }
  }
}

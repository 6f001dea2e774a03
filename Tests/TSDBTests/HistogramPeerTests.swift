import Format
import Model
import Platform
import TestKit
import Testing

@testable import TSDB

@Suite struct HistogramPeerTests {
  /// Series of histograms: counters with integers and floats, a gauge, custom buckets, resets and stale markers.
  private static func series(_ start: Int64) -> [SentHistograms] {
    (0..<6).map { number in
      var sent = SentHistograms(number, [])
      for step in 0..<400 {
        var histogram = grownHistogram(number == 4 ? step % 90 : step, gauge: number == 2)
        if number >= 4 && step % 50 == 49 {
          histogram = Histogram()
          histogram.sum = StaleMarker.value
        } else if number == 3 || number == 0 {
          histogram.schema = Histogram.customSchema
          histogram.zeroThreshold = 0
          histogram.customBounds = (0..<14).map { Double($0) * 0.5 + 0.001 }
          histogram.positiveSpans = [BucketSpan(offset: 0, length: UInt32(histogram.positiveBuckets.count))]
        }
        sent.histograms.append((start + Int64(step) * 15_000, histogram))
      }
      return sent
    }
  }

  @Test(
    "a block of histograms that Prometheus wrote is read bucket for bucket, and one that was merged here is read by promtool",
    .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
  func blocks() throws {
    let directory = try TemporaryDirectory()
    let configuration = try directory.write("global: {}\n", to: "p.yml")
    let now = nowMilliseconds()
    let series = Self.series(now - 6_600_000)
    let data = directory.path + "/data"
    let peer = try ServerProcess.prometheus(
      data: data, configuration: configuration, ["--enable-feature=native-histograms", "--web.enable-admin-api"])
    for first in stride(from: 0, to: 400, by: 100) {
      var part = series
      for place in part.indices { part[place].histograms = Array(part[place].histograms[first..<(first + 100)]) }
      let body = snappyCompressed(writeRequest(part))
      let answer = try peer.request("POST", "/api/v1/write", headers: RemoteWriteBody.headers, body: body)
      #expect(answer.status == 204, "\(String(decoding: answer.body, as: UTF8.self))")
    }
    #expect(try peer.request("POST", "/api/v1/admin/tsdb/snapshot").status == 200)
    let disk = LinuxDisk()
    let snapshots = data + "/snapshots"
    let snapshot = snapshots + "/" + (try #require(try disk.list(snapshots).first))
    var blocks: [Block] = []
    for name in try disk.list(snapshot) where ULID(name) != nil {
      let verification = try BlockVerification(snapshot + "/" + name, on: disk)
      #expect(verification.isWhole, "\(verification.findings)")
      blocks.append(try Block(snapshot + "/" + name, on: disk))
    }
    #expect(!blocks.isEmpty)
    var wanted: PlainHistograms = [:]
    for one in series {
      for (time, histogram) in one.histograms { wanted[one.identity, default: [:]][time] = histogram }
    }
    #expect(fault(acknowledged: wanted, sent: wanted, found: try Self.read(blocks)) == nil)

    // The same, merged with a deletion that makes some chunks be written anew.
    let target = try directory.makeFolder("merged")
    _ = try directory.makeFolder("merged/wal")
    var merged: [Block] = []
    let gone = (now - 6_000_000)...(now - 5_900_000)
    for block in blocks {
      var tombstones = Tombstones()
      for reference in try block.allSeries() { tombstones.add(gone, to: UInt64(reference)) }
      let merge = BlockMerge([block.with(meta: block.meta, tombstones: tombstones)], now: now)
      guard let meta = try merge.run(in: target, on: disk) else { continue }
      merged.append(try Block(target + "/\(meta.ulid)", on: disk))
    }
    for labels in wanted.keys { wanted[labels] = wanted[labels]?.filter { !gone.contains($0.key) } }
    #expect(fault(acknowledged: wanted, sent: wanted, found: try Self.read(merged)) == nil)
    let lines = try WALPeers.run(["promtool", "tsdb", "dump", target], output: directory.path + "/dump.txt")
    // The tool asks a series for floats, float histograms and histograms in turn, and loses the sample at which it finds that
    // there are none of a kind: the first of a series of float histograms, the first two of others.
    let lost = series.reduce(0) { $0 + ($1.isFloat ? 1 : 2) }
    #expect(lines.filter { $0.contains("host-") }.count == wanted.values.reduce(0) { $0 + $1.count } - lost)
    _ = try WALPeers.run(["promtool", "tsdb", "analyze", "--extended", target], output: directory.path + "/an.txt")
  }

  private static func read(_ blocks: [Block]) throws -> PlainHistograms {
    var found: PlainHistograms = [:]
    var series = DecodedSeries()
    var samples = SeriesSamples()
    for block in blocks {
      for reference in try block.allSeries() {
        #expect(block.index.read(reference, into: &series))
        let labels = try #require(block.labels(series.labels))
        samples.removeAll()
        block.read(series, reference, from: .min, through: .max, into: &samples)
        for (time, histogram) in zip(samples.histograms.times, samples.histograms.values) {
          found[labels, default: [:]][time] = histogram
        }
      }
    }
    return found
  }
}

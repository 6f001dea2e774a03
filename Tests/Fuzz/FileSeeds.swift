import Format
import Ingest
import Model
import Platform
import TSDB
import TestKit

/// Files as the engine itself writes them.
enum FileSeeds {
  static let meta =
    "{\"ulid\":\"01H00000000000000000000000\",\"minTime\":0,\"maxTime\":7200000,\"stats\":{\"numSamples\":9},"
    + "\"compaction\":{\"level\":1,\"sources\":[\"01H00000000000000000000000\"]},\"version\":1}"

  static var xorChunks: [[UInt8]] {
    [[], [0, 0], files.filter { $0.path.contains("/chunks/") }.map { Array($0.bytes.dropFirst(10)) }.first ?? []]
  }

  static var histogramChunks: [[UInt8]] {
    var histogram = Histogram()
    histogram.schema = 2
    histogram.count = 3
    histogram.sum = 5
    histogram.positiveSpans = [BucketSpan(offset: 1, length: 2)]
    histogram.positiveBuckets = [1, 2]
    return [false, true].map { isFloat in
      var writer = HistogramChunkWriter(1000, histogram, isFloat: isFloat, header: .unknown)
      var next = histogram
      next.count = 5
      next.positiveBuckets = [2, 3]
      _ = writer.append(16_000, next)
      return [isFloat ? 1 : 0] + writer.bytes
    }
  }

  /// One small record of each kind of the log: kind, then its bytes.
  static var records: [[UInt8]] { (1...12).map { [UInt8($0), 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0x61, 1, 0x62] } }

  static var tombstones: [[UInt8]] {
    var stones = Tombstones()
    stones.add(10...20, to: 1)
    stones.add(40...50, to: 1)
    stones.add(-5...5, to: 300)
    var output = ByteBuffer()
    stones.encode(into: &output)
    return [Array(output.bytes)]
  }

  static let indexes = files.filter { $0.path.hasSuffix("/index") }.map(\.bytes)

  /// A data directory with a block, a log, head chunks and all small files, by path.
  static let files: [(path: String, bytes: [UInt8])] = {
    let world = FuzzServer()
    for round in 0..<6 {
      for body in [WriteSeeds.v1[1], WriteSeeds.v1[2]] { world.receive(body, at: Int64(round) * 15_000) }
    }
    return world.filesAtTheEnd()
  }()
}

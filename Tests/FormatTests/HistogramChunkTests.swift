import Model
import TestKit
import Testing

@testable import Format

@Suite struct HistogramChunkTests {
  private static func column(_ random: RandomSource, isFloat: Bool, kind: Int, count: Int) -> HistogramColumn {
    var source = HistogramSource(random, isFloat: isFloat, kind: kind)
    var column = HistogramColumn()
    var time: Int64 = 1_700_000_000_000
    for _ in 0..<count {
      column.append(time, source.next(), isFloat: isFloat)
      time += 15_000 + Int64(source.random.below(20)) * Int64(source.random.below(3))
    }
    return column
  }

  @Test("what is written is read back, with new buckets, resets, gauges, custom buckets and stale markers")
  func roundTrip() {
    let random = RandomSource(for: "chunks of histograms")
    for round in 0..<60 {
      let (isFloat, kind) = (round % 2 == 0, round / 2 % 3)
      let wanted = Self.column(
        RandomSource(seed: random.seed &+ UInt64(round)), isFloat: isFloat, kind: kind, count: 300)
      var found = HistogramColumn()
      for chunk in HistogramChunk.encode(wanted) {
        let first = found.count
        let isWhole = chunk.bytes.withUnsafeBytes {
          HistogramChunk.decode($0, encoding: chunk.encoding, into: &found)
        }
        #expect(isWhole && found.times[first] == chunk.minTime && found.times[found.count - 1] == chunk.maxTime)
        #expect(chunk.encoding == (isFloat ? 3 : 2))
      }
      #expect(found.times == wanted.times)
      let differing = zip(found.values, wanted.values).enumerated().first { !isSame($1.0, $1.1) }?.offset
      #expect(differing == nil, "round \(round)")
      // A hint that says «no reset» is right.
      for place in 1..<found.count where found.values[place].hint == .notReset {
        var later = found.values[place]
        later.hint = .unknown
        if later.isStale || found.values[place - 1].isStale { continue }
        #expect(!later.isReset(from: found.values[place - 1]), "round \(round), sample \(place)")
      }
    }
  }

  @Test("damaged chunks are refused or read as something else, never beyond their end")
  func damaged() {
    var random = RandomSource(for: "damaged chunks of histograms")
    for round in 0..<40 {
      let column = Self.column(
        RandomSource(seed: random.next()), isFloat: round % 2 == 0, kind: round / 2 % 3, count: 40)
      for chunk in HistogramChunk.encode(column) {
        for length in stride(from: 0, to: chunk.bytes.count, by: 7) {
          var found = HistogramColumn()
          let isWhole = Array(chunk.bytes[..<length]).withUnsafeBytes {
            HistogramChunk.decode($0, encoding: chunk.encoding, into: &found)
          }
          #expect(!isWhole && found.isEmpty, "cut to \(length)")
        }
        for _ in 0..<100 {
          var bytes = chunk.bytes
          for _ in 0...random.below(3) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
          var found = HistogramColumn()
          for encoding in [UInt8(2), 3] {
            let isWhole = bytes.withUnsafeBytes { HistogramChunk.decode($0, encoding: encoding, into: &found) }
            if !isWhole { continue }
            // What was read can be used.
            for histogram in found.values.prefix(5) { _ = histogram.allBuckets.count }
            found.removeAll()
          }
        }
      }
    }
  }

  @Test("numbers take the bits that Prometheus gives them, at every border")
  func numbers() {
    var values: [Int64] = [0, .min, .max, .min + 1]
    for width in [3, 6, 9, 12, 18, 25, 56] {
      let half = Int64(1) << Int64(width - 1)
      values += [half - 1, half, half + 1, -half + 1, -half, -half - 1]
    }
    for value in values {
      var sink = HistogramBitSink(header: [])
      sink.write(1, 1)
      sink.write(signed: value)
      sink.write(unsigned: UInt64(bitPattern: value))
      let isSame = sink.bytes.withUnsafeBytes { bytes in
        var source = HistogramBitSource(bytes)
        return source.read(1) == 1 && source.signed() == value && source.unsigned() == UInt64(bitPattern: value)
      }
      #expect(isSame, "\(value)")
    }
  }

  @Test("messages and records of histograms are read as they were written")
  func messagesAndRecords() {
    let random = RandomSource(for: "messages of histograms")
    for round in 0..<30 {
      let (isFloat, kind) = (round % 2 == 0, round / 2 % 3)
      var source = HistogramSource(RandomSource(seed: random.seed &+ UInt64(round)), isFloat: isFloat, kind: kind)
      for _ in 0..<40 {
        let histogram = source.next()
        #expect(HistogramValidation.fault(histogram, isFloat: isFloat) == nil)
        var bytes = ByteBuffer(capacity: 64)
        HistogramMessage(-5, histogram, isFloat: isFloat).encode(into: &bytes)
        let message = HistogramMessage.decode(bytes.bytes)
        #expect(message?.timestamp == -5 && message?.isFloat == isFloat)
        #expect(message.map { isSame($0.histogram, histogram) && $0.histogram.hint == histogram.hint } == true)
        var payload = ByteBuffer(capacity: 64)
        HistogramPayload.append(histogram, isFloat: isFloat, to: &payload)
        var reader = ByteReader(payload.bytes)
        let isSkipped = HistogramPayload.skip(&reader, isFloat: isFloat)
        #expect(isSkipped && reader.isAtEnd)
        let stored = HistogramPayload.decode(payload.lent, isFloat: isFloat)
        #expect(stored.map { isSame($0, histogram) && $0.hint == histogram.hint } == true)
      }
    }
  }

  @Test("what Prometheus refuses is refused in its words")
  func validation() {
    var histogram = Histogram()
    histogram.count = 3
    histogram.positiveSpans = [BucketSpan(offset: 0, length: 2)]
    histogram.positiveBuckets = [1]
    func fault() -> String { HistogramValidation.fault(histogram, isFloat: false) ?? "none" }
    #expect(
      fault()
        == "positive side: spans need 2 buckets, have 1 buckets: "
        + "histogram spans specify different number of buckets than provided")
    histogram.positiveBuckets = [1, 1]
    #expect(
      fault().hasPrefix("2 observations found in buckets, but the Count field is 3: histogram's observation count"))
    histogram.positiveBuckets = [1, 2]
    #expect(fault() == "none")
    histogram.schema = 9
    #expect(fault().hasSuffix("or -53 for custom buckets, got schema 9"))
  }
}

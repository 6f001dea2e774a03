import Format
import Model
import TestKit
import Testing

@testable import TSDB

/// Histograms of each series by their times.
typealias PlainHistograms = [Labels: [Int64: Histogram]]

struct SentHistograms {
  var labels: [(name: String, value: String)]
  var histograms: [(time: Int64, histogram: Histogram)]
  var isFloat = false

  init(_ number: Int, _ histograms: [(time: Int64, histogram: Histogram)]) {
    labels = [("__name__", "h"), ("instance", "host-\(number)")]
    self.histograms = histograms
    isFloat = number % 2 == 1
  }

  var identity: Labels { Labels(labels) }
}

func writeRequest(_ series: [SentHistograms]) -> [UInt8] {
  var body: [UInt8] = []
  for one in series {
    var bytes: [UInt8] = []
    for label in one.labels {
      var field: [UInt8] = []
      ProtobufBytes.append(bytes: Array(label.name.utf8), field: 1, to: &field)
      ProtobufBytes.append(bytes: Array(label.value.utf8), field: 2, to: &field)
      ProtobufBytes.append(bytes: field, field: 1, to: &bytes)
    }
    for (time, histogram) in one.histograms {
      var message = ByteBuffer(capacity: 64)
      HistogramMessage(time, histogram, isFloat: one.isFloat).encode(into: &message)
      ProtobufBytes.append(bytes: Array(message.bytes), field: 4, to: &bytes)
    }
    ProtobufBytes.append(bytes: bytes, field: 1, to: &body)
  }
  return body
}

/// Writes bodies of histograms to a head.
final class HistogramWriter {
  private let writer = HeadWriter()

  /// The outcome of each histogram. Throws where the body must not be acknowledged.
  @discardableResult
  func write(_ series: [SentHistograms], to head: Head, now: Int64) throws -> [SampleOutcome?] {
    try writer.write(writeRequest(series), to: head, now: now)
    return writer.histogramOutcomes
  }
}

/// A histogram of a counter that has seen `count` observations, in buckets that become more.
func grownHistogram(_ count: Int, gauge: Bool = false) -> Histogram {
  var histogram = Histogram()
  histogram.schema = 1
  histogram.zeroThreshold = 0x1p-128
  histogram.sum = Double(count) * 1.25
  let buckets = 1 + count / 3 % 12
  histogram.positiveSpans = [BucketSpan(offset: -2, length: UInt32(buckets))]
  histogram.positiveBuckets = (0..<buckets).map { Double(max(0, count - 3 * $0)) }
  histogram.count = histogram.positiveBuckets.reduce(0, +)
  if gauge { histogram.hint = .gauge }
  return histogram
}

func isSame(_ one: Histogram, _ two: Histogram) -> Bool {
  if one.isStale || two.isStale { return one.isStale && two.isStale }
  var (left, right) = (one, two)
  left.compact()
  right.compact()
  return left.isEqual(to: right)
}

extension Database {
  /// All histograms, in the head and in blocks.
  func allHistograms() throws -> PlainHistograms {
    var all: PlainHistograms = [:]
    var scratch = DatabaseReadScratch()
    var samples = SeriesSamples()
    let selection = try select([try CompiledMatcher(Matcher(.equal, "__name__", "h"))], from: .min, through: .max)
    for place in 0..<selection.count {
      selection.read(place, from: .min, through: .max, &scratch, into: &samples)
      let times = samples.histograms.times
      #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
      for (time, histogram) in zip(times, samples.histograms.values) {
        all[selection.labels(place), default: [:]][time] = histogram
      }
    }
    return all
  }
}

/// The first acknowledged histogram that is not there, or the first that was never sent.
func fault(acknowledged: PlainHistograms, sent: PlainHistograms, found: PlainHistograms) -> String? {
  for (labels, histograms) in acknowledged {
    for time in histograms.keys.sorted() {
      guard let there = found[labels]?[time] else { return "\(labels) at \(time - DatabaseSetup.epoch): lost" }
      if !isSame(there, histograms[time] ?? there) { return "\(labels) at \(time - DatabaseSetup.epoch): changed" }
    }
  }
  for (labels, histograms) in found {
    for time in histograms.keys.sorted() where sent[labels]?[time] == nil {
      return "\(labels) at \(time - DatabaseSetup.epoch): never sent"
    }
  }
  return nil
}

import Model
import TestKit

/// Native histograms that follow from one number, so that the number stands for them in the model.
enum SimulatedHistogram {
  /// The number of a scrape: observations so far, and now and then a counter that begins anew.
  static func observations(_ scrapes: Int, _ series: Int) -> UInt64 { UInt64((scrapes * (3 + series)) % 5_000 + 1) }

  static func sent(_ number: UInt64, at time: Int64) -> RemoteWriteHistogram {
    var histogram = RemoteWriteHistogram(at: time)
    histogram.sum = Double(number)
    histogram.zeroThreshold = 0.001
    histogram.zeroCount = Double(number / 7)
    histogram.positiveSpans = [(0, 2)]
    histogram.positive = [Double(number), Double(number / 2)]
    // More buckets as it grows: the chunk's layout changes.
    if number >= 300 {
      histogram.positiveSpans.append((Int64(number / 1_000), 1))
      histogram.positive.append(Double(number / 3))
    }
    histogram.negativeSpans = [(1, 1)]
    histogram.negative = [Double(number / 11)]
    return histogram
  }

  /// The number that a stored histogram stands for; all ones where it is none that was ever sent.
  static func number(of histogram: Histogram) -> UInt64 {
    guard let number = UInt64(exactly: histogram.sum) else { return .max }
    let sent = sent(number, at: 0)
    let isSame =
      Int64(histogram.schema) == sent.schema && histogram.count == sent.count
      && histogram.zeroThreshold == sent.zeroThreshold && histogram.zeroCount == sent.zeroCount
      && filled(histogram.positiveSpans.map { (Int64($0.offset), UInt64($0.length)) }, histogram.positiveBuckets)
        == filled(sent.positiveSpans, sent.positive)
      && filled(histogram.negativeSpans.map { (Int64($0.offset), UInt64($0.length)) }, histogram.negativeBuckets)
        == filled(sent.negativeSpans, sent.negative)
    return isSame ? number : .max
  }

  /// The buckets that hold something, by index: chunks keep empty ones beside them.
  private static func filled(_ spans: RemoteWriteHistogram.Spans, _ counts: [Double]) -> [Int64: Double] {
    var filled: [Int64: Double] = [:]
    var index: Int64 = 0
    var rest = counts[...]
    for span in spans {
      index += span.offset
      for _ in 0..<span.length {
        if let count = rest.popFirst(), count != 0 { filled[index] = count }
        index += 1
      }
    }
    return filled
  }
}

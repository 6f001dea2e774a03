import Model

/// A chunk of histograms that grows. A value; its owner keeps it as long as the chunk is open.
///
/// All histograms of a chunk have the same buckets. One that brings new ones makes the chunk be written anew with all of
/// them; one that lacks some is given them with a count of zero. What cannot go on here (`ResetHeader` says why) begins a
/// new chunk.
package struct HistogramChunkWriter: Sendable {
  package let isFloat: Bool
  package private(set) var firstTime: Int64
  package private(set) var lastTime: Int64
  package private(set) var count = 1
  /// The last histogram, as it came.
  package private(set) var last: Histogram
  private let header: ResetHeader
  private var layout: HistogramLayout
  private var sink: HistogramBitSink
  private var timeDelta: Int64 = 0
  /// Integers: count, zero count, buckets against the bucket before, and the changes of these.
  private var fields: [Int64] = []
  private var changes: [Int64] = []
  /// Floats: count, zero count, sum, buckets. Integers: the sum.
  private var floats: [HistogramFloatField] = []

  /// Begins a chunk with its first histogram, one whose spans name as many buckets as there are.
  package init(_ time: Int64, _ histogram: Histogram, isFloat: Bool, header: ResetHeader) {
    self.init(time, histogram, isFloat: isFloat, header: header, layout: HistogramLayout(histogram))
  }

  private init(_ time: Int64, _ histogram: Histogram, isFloat: Bool, header: ResetHeader, layout: HistogramLayout) {
    self.isFloat = isFloat
    self.header = header
    self.layout = layout
    firstTime = time
    lastTime = time
    last = histogram
    sink = HistogramBitSink(header: [0, 1, header.rawValue])
    layout.write(to: &sink)
    sink.write(signed: time)
    let sum = histogram.sum.bitPattern
    if isFloat {
      floats = HistogramChunkWriter.floats(histogram, layout).map { HistogramFloatField(value: $0) }
      for field in floats { sink.write(field.value, 64) }
    } else {
      fields = HistogramChunkWriter.integers(histogram, layout)
      changes = Array(repeating: 0, count: fields.count)
      sink.write(unsigned: UInt64(bitPattern: fields[0]))
      sink.write(unsigned: UInt64(bitPattern: fields[1]))
      sink.write(sum, 64)
      floats = [HistogramFloatField(value: sum)]
      for field in fields[2...] { sink.write(signed: field) }
    }
  }

  package var encoding: UInt8 { isFloat ? HistogramChunk.floatEncoding : HistogramChunk.integerEncoding }
  package var bytes: [UInt8] { sink.bytes }
  package var byteCount: Int { sink.bytes.count }

  /// How the first histogram of a chunk is known to follow on one that could not take it.
  package static func header(of histogram: Histogram) -> ResetHeader {
    switch histogram.hint {
    case .gauge: .gauge
    case .reset: .reset
    case .notReset: .notReset
    case .unknown: .unknown
    }
  }

  /// Appends a later histogram of the same kind of counts. Not nil, and nothing changed: it has to begin a new chunk, with
  /// this header.
  package mutating func append(_ time: Int64, _ histogram: Histogram) -> ResetHeader? {
    precondition(time > lastTime, "histograms of a chunk rise in time")
    if count >= Int(UInt16.max) { return histogram.hint == .gauge ? .gauge : .unknown }
    if histogram.isStale {
      if histogram.hint == .reset && header != .gauge { return .reset }
      write(time, histogram)
      return nil
    }
    if let cut = cut(before: histogram) { return cut }
    let positive = HistogramLayout.indexes(layout.positiveSpans)
    let negative = HistogramLayout.indexes(layout.negativeSpans)
    let allPositive = HistogramChunkWriter.union(positive, HistogramLayout.indexes(histogram.positiveSpans))
    let allNegative = HistogramChunkWriter.union(negative, HistogramLayout.indexes(histogram.negativeSpans))
    if allPositive != positive || allNegative != negative { widen(allPositive, allNegative) }
    write(time, histogram)
    return nil
  }

  /// Why a histogram cannot go on in this chunk; nil where it can.
  private func cut(before histogram: Histogram) -> ResetHeader? {
    let isGauge = histogram.hint == .gauge
    if isGauge != (header == .gauge) { return HistogramChunkWriter.header(of: histogram) }
    if histogram.hint == .reset { return .reset }
    if last.isStale { return isGauge ? .gauge : .unknown }
    if !isGauge && histogram.count < last.count { return .reset }
    if histogram.schema != layout.schema || histogram.zeroThreshold != layout.zeroThreshold {
      return isGauge ? .gauge : .unknown
    }
    if histogram.isCustom && histogram.customBounds != layout.customBounds { return isGauge ? .gauge : .reset }
    if isGauge { return nil }
    if histogram.zeroCount < last.zeroCount
      || HistogramChunkWriter.isSmaller(
        histogram.positiveSpans, histogram.positiveBuckets, than: last.positiveSpans, last.positiveBuckets)
      || HistogramChunkWriter.isSmaller(
        histogram.negativeSpans, histogram.negativeBuckets, than: last.negativeSpans, last.negativeBuckets)
    {
      return .reset
    }
    return nil
  }

  /// True if a bucket has less than it had, or is gone.
  private static func isSmaller(
    _ spans: [BucketSpan], _ counts: [Double], than oldSpans: [BucketSpan], _ old: [Double]
  ) -> Bool {
    if spans == oldSpans { return zip(counts, old).contains { $0 < $1 } }
    let indexes = HistogramLayout.indexes(spans)
    var place = 0
    for (index, count) in zip(HistogramLayout.indexes(oldSpans), old) {
      while place < indexes.count && indexes[place] < index { place += 1 }
      let now = place < indexes.count && indexes[place] == index ? counts[place] : 0
      if now < count { return true }
    }
    return false
  }

  private static func union(_ one: [Int], _ two: [Int]) -> [Int] {
    if one == two { return one }
    var all: [Int] = []
    var (left, right) = (0, 0)
    while left < one.count || right < two.count {
      let next = min(left < one.count ? one[left] : .max, right < two.count ? two[right] : .max)
      if left < one.count && one[left] == next { left += 1 }
      if right < two.count && two[right] == next { right += 1 }
      all.append(next)
    }
    return all
  }

  /// Writes the chunk anew with more buckets.
  private mutating func widen(_ positive: [Int], _ negative: [Int]) {
    var column = HistogramColumn()
    let isWhole = HistogramChunk.decode(sink.bytes, encoding: encoding, into: &column)
    precondition(isWhole && column.count == count, "a chunk that was just written can be read")
    var wide = layout
    wide.positiveSpans = HistogramLayout.spans(positive)
    wide.negativeSpans = HistogramLayout.spans(negative)
    var writer = HistogramChunkWriter(column.times[0], column.values[0], isFloat: isFloat, header: header, layout: wide)
    for place in 1..<max(column.count, 1) { writer.write(column.times[place], column.values[place]) }
    self = writer
  }

  private mutating func write(_ time: Int64, _ histogram: Histogram) {
    let delta = time &- lastTime
    sink.write(signed: delta &- timeDelta)
    timeDelta = delta
    let isStale = histogram.isStale
    if isFloat {
      let values = isStale ? [0, 0, histogram.sum.bitPattern] : HistogramChunkWriter.floats(histogram, layout)
      for (place, value) in values.enumerated() { sink.write(value, after: &floats[place]) }
    } else if isStale {
      // Counts do not matter, and go on as they went.
      sink.write(0, 2)
      sink.write(histogram.sum.bitPattern, after: &floats[0])
    } else {
      let values = HistogramChunkWriter.integers(histogram, layout)
      for (place, value) in values.enumerated() {
        if place == 2 { sink.write(histogram.sum.bitPattern, after: &floats[0]) }
        let change = value &- fields[place]
        sink.write(signed: change &- changes[place])
        fields[place] = value
        changes[place] = change
      }
      if values.count == 2 { sink.write(histogram.sum.bitPattern, after: &floats[0]) }
    }
    lastTime = time
    last = histogram
    count += 1
    sink.setByte(0, UInt8(count >> 8))
    sink.setByte(1, UInt8(count & 0xff))
  }

  private static func floats(_ histogram: Histogram, _ layout: HistogramLayout) -> [UInt64] {
    var values = [histogram.count.bitPattern, histogram.zeroCount.bitPattern, histogram.sum.bitPattern]
    for buckets in spread(histogram, layout) { values.append(contentsOf: buckets.map(\.bitPattern)) }
    return values
  }

  private static func integers(_ histogram: Histogram, _ layout: HistogramLayout) -> [Int64] {
    var values = [integer(histogram.count), integer(histogram.zeroCount)]
    for buckets in spread(histogram, layout) {
      var before: Int64 = 0
      for bucket in buckets {
        let count = integer(bucket)
        values.append(count &- before)
        before = count
      }
    }
    return values
  }

  private static func integer(_ count: Double) -> Int64 { Int64(exactly: count.rounded()) ?? 0 }

  /// The counts of a layout's buckets, zero where the histogram has none.
  private static func spread(_ histogram: Histogram, _ layout: HistogramLayout) -> [[Double]] {
    [
      spread(histogram.positiveSpans, histogram.positiveBuckets, layout.positiveSpans),
      spread(histogram.negativeSpans, histogram.negativeBuckets, layout.negativeSpans),
    ]
  }

  private static func spread(_ spans: [BucketSpan], _ counts: [Double], _ wanted: [BucketSpan]) -> [Double] {
    if spans == wanted { return counts }
    let indexes = HistogramLayout.indexes(spans)
    var place = 0
    return HistogramLayout.indexes(wanted).map { index in
      while place < indexes.count && indexes[place] < index { place += 1 }
      return place < indexes.count && indexes[place] == index ? counts[place] : 0
    }
  }
}

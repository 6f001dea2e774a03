import Model
import Synchronization

/// The bytes that all parts of one query hold, and their limit. An operator charges what it is about to make first, so
/// that it makes nothing that does not fit. Any thread.
final class QueryBudget: Sendable {
  let bytesMaximum: Int
  private let held = Atomic<Int>(0)
  private let most = Atomic<Int>(0)

  init(bytesMaximum: Int) { self.bytesMaximum = bytesMaximum }

  /// The most bytes that were held at once.
  var bytesPeak: Int { most.load(ordering: .relaxed) }

  /// Takes `bytes` of the budget; they count until `release`. Throws, and takes nothing, where they do not fit.
  func charge(_ bytes: Int) throws(QueryError) {
    if !charged(bytes, upTo: bytesMaximum) { throw .tooManyBytes(maximum: bytesMaximum) }
  }

  /// Takes `bytes` for what a query can do without: false where less than three quarters of the budget would stay free.
  func chargeSpare(_ bytes: Int) -> Bool { charged(bytes, upTo: bytesMaximum / 4) }

  private func charged(_ bytes: Int, upTo maximum: Int) -> Bool {
    if bytes > maximum { return false }
    let now = held.wrappingAdd(bytes, ordering: .relaxed).newValue
    if now > maximum {
      held.wrappingSubtract(bytes, ordering: .relaxed)
      return false
    }
    if now > most.load(ordering: .relaxed) { most.max(now, ordering: .relaxed) }
    return true
  }

  func release(_ bytes: Int) { held.wrappingSubtract(bytes, ordering: .relaxed) }
}

/// The share of a query's samples and bytes that one operator holds: it grows while the operator gathers, and is given back
/// at once.
/// Owned by the operator, which releases it whatever happens.
final class Holding {
  private let context: QueryContext
  private var samples = 0
  private var bytes = 0

  init(_ context: QueryContext) { self.context = context }

  func add(samples: Int = 0, bytes: Int) throws(QueryError) {
    try context.budget.charge(bytes)
    self.bytes += bytes
    if samples == 0 { return }
    self.samples += samples
    try context.hold(samples)
  }

  /// Adds a series that the operator keeps.
  func add(_ series: ResultSeries) throws(QueryError) {
    try add(samples: series.column.present.count, bytes: series.byteCount)
  }

  func release() {
    context.budget.release(bytes)
    if samples > 0 { context.release(samples) }
    samples = 0
    bytes = 0
  }
}

// How much memory things take. Estimates that are rather too high: what an allocation costs beside its content is in them.

extension Int {
  func saturatingAdd(_ other: Int) -> Int {
    let (sum, isTooLarge) = addingReportingOverflow(other)
    return isTooLarge ? .max : sum
  }

  /// The product, or the largest number where it does not fit.
  func saturatingMultiply(_ factor: Int) -> Int {
    let (product, isTooLarge) = multipliedReportingOverflow(by: factor)
    return isTooLarge ? .max : product
  }
}

extension Labels {
  /// Bytes of a label set that an operator keeps, its place in a table included.
  var byteCount: Int { packed.count + 96 }
}

extension Histogram {
  /// Bytes that lie outside of the value itself.
  var outerByteCount: Int {
    let counts = [
      positiveSpans.count, negativeSpans.count, positiveBuckets.count, negativeBuckets.count, customBounds.count,
    ]
    return counts.reduce(0) { $0 + ($1 == 0 ? 0 : 48 + 8 * $1) }
  }

  var byteCount: Int { MemoryLayout<Histogram?>.stride + outerByteCount }
}

extension StepSet {
  static func byteCount(steps: Int) -> Int { steps / 8 + 48 }
}

extension StepColumn {
  /// Bytes of a column of floats.
  static func byteCount(steps: Int) -> Int { steps.saturatingMultiply(9).saturatingAdd(96) }

  /// Histograms and what they hold; neighbours that share it count once.
  var histogramByteCount: Int {
    if histograms.isEmpty { return 0 }
    var bytes = histograms.count * MemoryLayout<Histogram?>.stride + 48
    var last: Int?
    for histogram in histograms {
      guard let histogram else { continue }
      let address = histogram.bucketsAddress
      if address == nil || address != last { bytes += histogram.outerByteCount }
      last = address
    }
    return bytes
  }

  var byteCount: Int { StepColumn.byteCount(steps: count) + histogramByteCount }
}

extension ResultSeries {
  /// Bytes of a series that an operator keeps, its place in a table included.
  var byteCount: Int { labels.byteCount + 48 + column.byteCount }
}

extension SampleColumn {
  /// Bytes of the samples, with room for what functions work out of them.
  var byteCount: Int {
    var bytes = 24 * timestamps.count + 8 * startTimestamps.count
    if histograms.isEmpty { return bytes }
    for histogram in histograms { bytes += 16 + histogram.byteCount }
    return bytes
  }
}

import Format
import Model
import Synchronization

/// Which series a delta belongs to.
struct DeltaStream: Hashable {
  private let name: String
  private let labels: [String]

  /// Roughly what it takes in memory.
  var byteCount: Int { labels.reduce(128 + name.utf8.count) { $0 + 32 + $1.utf8.count } }

  init(_ name: String, _ labels: OTLPLabelSet) {
    self.name = name
    self.labels = labels.labels.sorted { $0.name < $1.name }.flatMap { [$0.name, $0.value] }
  }
}

/// Adds up what senders say was added since their last push, so that it becomes a counter. In memory only: after a
/// restart the counters begin anew, as those of a restarted program do. Any thread.
///
/// A push that is repeated, since its answer was lost, is not added again: its time is that of the sum already.
final class DeltaAccumulator: Sendable {
  /// Series that are added up at once.
  static let streamsMax = 200_000
  /// Memory of their names, labels and buckets, roughly.
  static let bytesMax = 128 << 20
  /// A series nobody has added to for so long begins anew.
  static let lifetimeMilliseconds: Int64 = 300_000

  private struct Sum: Sendable {
    /// Nanoseconds, of the newest point.
    var time: UInt64
    var seenMilliseconds: Int64
    var value = 0.0
    var histogram: OTLPHistogramPoint?

    var byteCount: Int {
      128 + (histogram.map { 8 * ($0.buckets.count + $0.bounds.count) } ?? 0)
    }
  }

  private struct State: Sendable {
    var sums: [DeltaStream: Sum] = [:]
    var byteCount = 0

    var isFull: Bool {
      sums.count >= DeltaAccumulator.streamsMax || byteCount >= DeltaAccumulator.bytesMax
    }

    /// Nothing is forgotten before.
    var nextSweepMilliseconds: Int64 = 0
  }

  private let state = Mutex(State())

  /// The sum with this point; nil where it is older than the newest, or there are too many series.
  func add(_ value: Double, of stream: DeltaStream, _ point: OTLPPoint, now: Int64) -> Double? {
    update(stream, point, now) { $0.value += value }?.value
  }

  func add(_ point: OTLPHistogramPoint, of stream: DeltaStream, now: Int64) -> OTLPHistogramPoint? {
    let sum = update(stream, point.base, now) { sum in
      var total = sum.histogram ?? point
      if sum.histogram != nil, total.bounds == point.bounds, total.buckets.count == point.buckets.count {
        total.count &+= point.count
        total.sum = total.sum.flatMap { one in point.sum.map { one + $0 } }
        for index in point.buckets.indices { total.buckets[index] &+= point.buckets[index] }
      } else {
        // Other buckets: what was there cannot be told in them.
        total = point
      }
      total.base = point.base
      total.base.attributes = []
      total.exemplars = []
      sum.histogram = total
    }
    guard var total = sum?.histogram else { return nil }
    total.exemplars = point.exemplars
    return total
  }

  private func update(
    _ stream: DeltaStream, _ point: OTLPPoint, _ now: Int64, _ add: (inout Sum) -> Void
  ) -> Sum? {
    state.withLock { state in
      if var sum = state.sums[stream], sum.seenMilliseconds > now - DeltaAccumulator.lifetimeMilliseconds {
        if point.time < sum.time { return nil }
        if point.time > sum.time { add(&sum) }
        sum.time = point.time
        sum.seenMilliseconds = now
        if let old = state.sums.updateValue(sum, forKey: stream) { state.byteCount += sum.byteCount - old.byteCount }
        return sum
      }
      if state.isFull { sweep(now, &state) }
      if state.isFull { return nil }
      var sum = Sum(time: point.time, seenMilliseconds: now)
      add(&sum)
      if let old = state.sums.updateValue(sum, forKey: stream) { state.byteCount -= stream.byteCount + old.byteCount }
      state.byteCount += stream.byteCount + sum.byteCount
      return sum
    }
  }

  private func sweep(_ now: Int64, _ state: inout State) {
    guard now >= state.nextSweepMilliseconds else { return }
    state.sums = state.sums.filter { $0.value.seenMilliseconds > now - DeltaAccumulator.lifetimeMilliseconds }
    state.byteCount = state.sums.reduce(0) { $0 + $1.key.byteCount + $1.value.byteCount }
    state.nextSweepMilliseconds = now + DeltaAccumulator.lifetimeMilliseconds / 10
  }
}

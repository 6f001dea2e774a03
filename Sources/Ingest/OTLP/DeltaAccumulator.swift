import Format
import Model
import Synchronization

/// The identity of the series a delta belongs to: its name and labels.
struct DeltaStream: Hashable {
  private let name: String
  private let labels: [String]

  /// Bytes it takes in memory, roughly.
  var byteCount: Int { labels.reduce(128 + name.utf8.count) { $0 + 32 + $1.utf8.count } }

  init(_ name: String, _ labels: OTLPLabelSet) {
    self.name = name
    self.labels = labels.labels.sorted { $0.name < $1.name }.flatMap { [$0.name, $0.value] }
  }
}

/// Adds up what senders say was added since their last push, so that it becomes a counter. In memory only: after a
/// restart the counters begin anew, as those of a restarted program do. Any thread.
///
/// A delta counts once, whatever becomes of the push that brought it: a sum remembers the times it has, and the same time
/// again is a repetition. So a push that was stored by half, or whose answer was lost, may come again. A delta that comes
/// behind a newer one (of another worker of the same program, say) is added too, and is in the next sum.
final class DeltaAccumulator: Sendable {
  /// Series that are added up at once.
  static let streamsMax = 200_000
  /// Memory of their names, labels and buckets, roughly.
  static let bytesMax = 128 << 20
  /// A sum without a delta for this long begins anew: programs send only what has changed, so this is long.
  static let lifetimeMilliseconds: Int64 = 86_400_000
  /// A sweep of a nearly full accumulator forgets the series without a delta for this long.
  static let idleMilliseconds: Int64 = 300_000
  /// Times before the newest that a sum remembers.
  static let timesMax = 16

  enum Outcome<Value> {
    /// The sum at the time of the point.
    case sum(Value)
    /// The point is in the sum, and there is nothing to store for it.
    case counted
    /// The point is too old for this sum to tell whether it is a repetition.
    case tooOld
    /// There are too many series.
    case full
    /// The point cannot be added: its buckets lie too far from those of the sum.
    case unlike
  }

  private struct Sum: Sendable {
    var value: DeltaValue
    /// Nanoseconds, of the newest point.
    var newest: UInt64
    /// Times of older points; when there are more than `timesMax`, the newest of them.
    var times: [UInt64] = []
    /// The sum of points older than `newest`, which the next sum includes.
    var late: DeltaValue?
    var seenMilliseconds: Int64

    var byteCount: Int { 160 + value.byteCount + (late?.byteCount ?? 0) + 8 * times.count }

    mutating func remember(_ time: UInt64) {
      times.insert(time, at: times.firstIndex { $0 > time } ?? times.count)
      if times.count > DeltaAccumulator.timesMax { times.removeFirst() }
    }

    /// True if a point at `time`, which `times` does not have, is certainly no repetition.
    func isNew(_ time: UInt64) -> Bool {
      times.count < DeltaAccumulator.timesMax || times.first.map { time > $0 } ?? true
    }
  }

  private struct State: Sendable {
    var sums: [DeltaStream: Sum] = [:]
    var byteCount = 0
    /// No sweep comes before this time.
    var nextSweepMilliseconds: Int64 = 0

    var isFull: Bool { sums.count >= DeltaAccumulator.streamsMax }
    var isNearlyFull: Bool { isFull || byteCount >= DeltaAccumulator.bytesMax / 10 * 9 }
  }

  private let state = Mutex(State())

  /// Number of series that are being added up.
  var count: Int { state.withLock { $0.sums.count } }

  func add(_ value: Double, of stream: DeltaStream, _ point: OTLPPoint, now: Int64) -> Outcome<Double> {
    switch add(.number(value), of: stream, point.time, now) {
    case .sum(.number(let sum)): .sum(sum)
    case .sum: .unlike
    case .counted: .counted
    case .tooOld: .tooOld
    case .full: .full
    case .unlike: .unlike
    }
  }

  /// Adds a histogram; the sum has the time and the exemplars of the point itself.
  func add(_ point: OTLPHistogramPoint, of stream: DeltaStream, now: Int64) -> Outcome<OTLPHistogramPoint> {
    switch add(.histogram(DeltaValue.stripped(point)), of: stream, point.base.time, now) {
    case .sum(.histogram(var sum)):
      (sum.base, sum.exemplars) = (point.base, point.exemplars)
      return .sum(sum)
    case .sum: return .unlike
    case .counted: return .counted
    case .tooOld: return .tooOld
    case .full: return .full
    case .unlike: return .unlike
    }
  }

  func add(_ point: OTLPExponentialPoint, of stream: DeltaStream, now: Int64) -> Outcome<OTLPExponentialPoint> {
    switch add(.exponential(DeltaValue.stripped(point)), of: stream, point.base.time, now) {
    case .sum(.exponential(var sum)):
      (sum.base, sum.exemplars) = (point.base, point.exemplars)
      return .sum(sum)
    case .sum: return .unlike
    case .counted: return .counted
    case .tooOld: return .tooOld
    case .full: return .full
    case .unlike: return .unlike
    }
  }

  private func add(
    _ value: DeltaValue, of stream: DeltaStream, _ time: UInt64, _ now: Int64
  ) -> Outcome<DeltaValue> {
    state.withLock { state in
      if now >= state.nextSweepMilliseconds {
        let limit = state.isNearlyFull ? DeltaAccumulator.idleMilliseconds : DeltaAccumulator.lifetimeMilliseconds
        DeltaAccumulator.sweep(&state, idleFor: limit, now)
      }
      if let index = state.sums.index(forKey: stream) {
        var sum = state.sums.values[index]
        let outcome = DeltaAccumulator.add(value, to: &sum, time, now)
        let growth = sum.byteCount - state.sums.values[index].byteCount
        if growth > 0 && state.byteCount + growth > DeltaAccumulator.bytesMax { return .full }
        state.sums.values[index] = sum
        state.byteCount += growth
        return outcome
      }
      let sum = Sum(value: value, newest: time, seenMilliseconds: now)
      let growth = stream.byteCount + sum.byteCount
      if state.isFull || state.byteCount + growth > DeltaAccumulator.bytesMax { return .full }
      state.sums[stream] = sum
      state.byteCount += growth
      return .sum(value)
    }
  }

  private static func add(_ value: DeltaValue, to sum: inout Sum, _ time: UInt64, _ now: Int64) -> Outcome<DeltaValue> {
    sum.seenMilliseconds = now
    if time == sum.newest { return .sum(sum.value) }
    if time > sum.newest {
      guard sum.value.add(value) else { return .unlike }
      if let late = sum.late.take(), !sum.value.add(late) { return .unlike }
      sum.remember(sum.newest)
      sum.newest = time
      return .sum(sum.value)
    }
    if sum.times.contains(time) { return .counted }
    guard sum.isNew(time) else { return .tooOld }
    if sum.late == nil {
      sum.late = value
    } else if sum.late?.add(value) == false {
      return .unlike
    }
    sum.remember(time)
    return .counted
  }

  private static let sweepMilliseconds: Int64 = 30_000

  private static func sweep(_ state: inout State, idleFor idle: Int64, _ now: Int64) {
    state.sums = state.sums.filter { $0.value.seenMilliseconds > now - idle }
    state.byteCount = state.sums.reduce(0) { $0 + $1.key.byteCount + $1.value.byteCount }
    state.nextSweepMilliseconds = now + sweepMilliseconds
  }
}

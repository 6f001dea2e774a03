import Synchronization

/// Counts of observations in buckets. Lock-free; any thread may observe: one search in the bounds, two atomic additions.
/// Invariant: a snapshot's counts agree with each other, since the total is the sum of the buckets that were read; its sum
/// may be a few observations ahead of or behind them.
package final class HistogramMetric: @unchecked Sendable {
  /// A longer list of bounds is a mistake: each is a series of its own.
  package static let upperBoundCountMax = 64

  package let upperBounds: [Double]
  /// `upperBounds.count + 1` counters that never move; the last counts what no bound holds.
  private let counts: UnsafeMutablePointer<Atomic<UInt64>>
  private let sumBits = Atomic<UInt64>(0)

  /// The bounds rise strictly, are finite, and leave `+Inf` out: it is always there.
  package init(upperBounds: [Double]) {
    precondition(upperBounds.count <= Self.upperBoundCountMax, "too many buckets")
    precondition(upperBounds.allSatisfy(\.isFinite), "bounds are finite")
    precondition(zip(upperBounds, upperBounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds rise strictly")
    self.upperBounds = upperBounds
    self.counts = .allocate(capacity: upperBounds.count + 1)
    for index in 0...upperBounds.count { (counts + index).initialize(to: Atomic(0)) }
  }

  deinit {
    counts.deinitialize(count: upperBounds.count + 1)
    counts.deallocate()
  }

  package func observe(_ value: Double) {
    (counts + bucket(of: value)).pointee.wrappingAdd(1, ordering: .relaxed)
    sumBits.addDouble(value)
  }

  /// Cumulative counts per bound (the last is the count of all) and the sum.
  package func snapshot() -> (cumulative: [UInt64], sum: Double) {
    var total: UInt64 = 0
    var cumulative: [UInt64] = []
    cumulative.reserveCapacity(upperBounds.count + 1)
    for index in 0...upperBounds.count {
      total &+= counts[index].load(ordering: .relaxed)
      cumulative.append(total)
    }
    return (cumulative, Double(bitPattern: sumBits.load(ordering: .relaxed)))
  }

  /// The first bound that is not below the value; a NaN is below none.
  private func bucket(of value: Double) -> Int {
    upperBounds.withUnsafeBufferPointer { bounds in
      var low = 0
      var high = bounds.count
      while low < high {
        let middle = (low + high) >> 1
        if value <= bounds[middle] { high = middle } else { low = middle + 1 }
      }
      return low
    }
  }
}

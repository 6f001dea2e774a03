import Model

// Loops over the values of columns, one after the other without a look at bounds. What is unsafe about columns in this target
// is in this file and in the functions over windows; nothing that is lent here is kept.

extension StepSet {
  @inline(__always)
  mutating func withRaw<Result>(_ body: (UnsafeMutableBufferPointer<UInt64>) -> Result) -> Result {
    unsafe words.withUnsafeMutableBufferPointer { unsafe body($0) }
  }
}

extension StepColumn {
  /// Lends the floats and the words of what is present, for loops that write many. There must be no histograms.
  @inline(__always)
  mutating func withRaw<Result>(
    _ body: (_ floats: UnsafeMutablePointer<Double>, _ words: UnsafeMutablePointer<UInt64>) -> Result
  ) -> Result? {
    unsafe floats.withUnsafeMutableBufferPointer { floats in
      unsafe present.withRaw { words in
        guard let floats = floats.baseAddress, let words = words.baseAddress else { return nil }
        return unsafe body(floats, words)
      }
    }
  }

  /// Calls `body` with each float that is present, and whether `known` does not have its step. There must be no histograms.
  @inline(__always)
  func forEachFloat(_ known: StepSet, _ body: (_ step: Int, _ value: Double, _ isFirst: Bool) -> Void) {
    unsafe floats.withUnsafeBufferPointer { floats in
      unsafe present.words.withUnsafeBufferPointer { words in
        unsafe known.words.withUnsafeBufferPointer { known in
          for word in 0..<words.count {
            var bits = unsafe words[word]
            let old = unsafe known[word]
            while bits != 0 {
              let bit = bits.trailingZeroBitCount
              bits &= bits &- 1
              let step = word &<< 6 &+ bit
              unsafe body(step, floats[step], old &>> UInt64(truncatingIfNeeded: bit) & 1 == 0)
            }
          }
        }
      }
    }
  }

  /// Calls `body` with the floats that several columns have at one step; the columns lie one behind the other.
  @inline(__always)
  static func forEachFloat(
    at step: Int, inColumns count: Int, _ floats: [Double], _ words: [UInt64], steps: Int, _ body: (Double) -> Void
  ) {
    let wordsPerColumn = (steps + 63) / 64
    unsafe floats.withUnsafeBufferPointer { floats in
      unsafe words.withUnsafeBufferPointer { words in
        for column in 0..<count
        where unsafe words[column &* wordsPerColumn &+ step &>> 6] &>> UInt64(truncatingIfNeeded: step & 63) & 1 != 0 {
          unsafe body(floats[column &* steps &+ step])
        }
      }
    }
  }

  /// Sets each step to the newest float that is no older than the lookback; a stale marker leaves it empty. The column is
  /// empty; the first step is at `start`, each next one `interval` later.
  @inline(__always)
  mutating func fillNewest(_ samples: SampleColumn, at start: Int64, every interval: Int64, lookback: Int64) {
    var time = start
    let count = count
    let marker = StaleMarker.bits
    unsafe samples.timestamps.withUnsafeBufferPointer { times in
      unsafe samples.values.withUnsafeBufferPointer { values in
        _ = unsafe withRaw { floats, words in
          var next = 0
          for step in 0..<count {
            while next < times.count, unsafe times[next] <= time { next &+= 1 }
            if next > 0, unsafe times[next &- 1] > time &- lookback {
              let value = unsafe values[next &- 1]
              unsafe floats[step] = value
              let isThere: UInt64 = value.bitPattern == marker ? 0 : 1
              unsafe words[step &>> 6] |= isThere &<< UInt64(truncatingIfNeeded: step & 63)
            }
            time &+= interval
          }
        }
      }
    }
  }
}

extension SampleColumn {
  /// Appends floats: their times, and the bit patterns of their values.
  package mutating func append(_ times: UnsafeBufferPointer<Int64>, bits: UnsafeBufferPointer<UInt64>) {
    unsafe timestamps.append(contentsOf: times)
    unsafe bits.withMemoryRebound(to: Double.self) { unsafe values.append(contentsOf: $0) }
  }

  var hasStaleFloats: Bool {
    let marker = StaleMarker.bits
    return unsafe values.withUnsafeBufferPointer { values in
      // Without a way out of the loop it takes several values at once.
      var found = 0
      for index in 0..<values.count { unsafe found |= values[index].bitPattern == marker ? 1 : 0 }
      return found != 0
    }
  }
}

extension Histogram {
  /// The address of its positive buckets: equal for histograms that share them. Nil where it has none.
  var bucketsAddress: Int? {
    unsafe positiveBuckets.withUnsafeBufferPointer { unsafe $0.baseAddress.map { Int(bitPattern: $0) } }
  }
}

import Synchronization

package enum MetricKind: String, Sendable { case counter, gauge, histogram, summary, untyped }

/// A label set of a metric, in the order given.
package typealias MetricLabels = [(name: String, value: String)]

/// One exposed value: `name{labels} value`.
package struct MetricSample: Sendable {
  package var name: String
  package var labels: MetricLabels
  package var value: Double

  package init(name: String, labels: MetricLabels, value: Double) {
    self.name = name
    self.labels = labels
    self.value = value
  }
}

package struct MetricFamily: Sendable {
  package var name: String
  package var help: String
  package var kind: MetricKind
  package var samples: [MetricSample]

  package init(name: String, help: String, kind: MetricKind, samples: [MetricSample]) {
    self.name = name
    self.help = help
    self.kind = kind
    self.samples = samples
  }
}

/// A number that only grows. Lock-free; any thread may add.
package final class Counter: Sendable {
  private let bits = Atomic<UInt64>(0)

  package init() {}

  package func add(_ amount: Int = 1) { bits.wrappingAdd(UInt64(bitPattern: Int64(amount)), ordering: .relaxed) }
  package var value: Int { Int(Int64(bitPattern: bits.load(ordering: .relaxed))) }
}

/// A number that goes up and down. Lock-free; any thread may set.
package final class Gauge: Sendable {
  private let bits = Atomic<UInt64>(0)

  package init() {}

  package func set(_ value: Double) { bits.store(value.bitPattern, ordering: .relaxed) }
  package var value: Double { Double(bitPattern: bits.load(ordering: .relaxed)) }
}

/// Counts of observations in buckets. Any thread may observe.
package final class HistogramMetric: Sendable {
  package let upperBounds: [Double]
  private let state: Mutex<(counts: [UInt64], sum: Double)>

  package init(upperBounds: [Double]) {
    self.upperBounds = upperBounds
    self.state = Mutex((Array(repeating: 0, count: upperBounds.count + 1), 0))
  }

  package func observe(_ value: Double) {
    let index = upperBounds.firstIndex { value <= $0 } ?? upperBounds.count
    state.withLock {
      $0.counts[index] += 1
      $0.sum += value
    }
  }

  /// Cumulative counts per bound (the last is the count of all) and the sum.
  package func snapshot() -> (cumulative: [UInt64], sum: Double) {
    state.withLock { state in
      var total: UInt64 = 0
      return (
        state.counts.map {
          total += $0
          return total
        }, state.sum
      )
    }
  }
}

/// Every metric the server exposes about itself. Registration at start, reading whenever `/metrics` or the
/// self-scrape asks. Families keep the order of their first registration by name.
package final class MetricsRegistry: Sendable {
  private struct Entry: Sendable {
    var name: String
    var help: String
    var kind: MetricKind
    var read: @Sendable () -> [MetricSample]
  }

  private let entries = Mutex<[Entry]>([])

  package init() {}

  package func counter(_ name: String, _ help: String, labels: MetricLabels = []) -> Counter {
    let counter = Counter()
    add(name, help, .counter) { [MetricSample(name: name, labels: labels, value: Double(counter.value))] }
    return counter
  }

  package func gauge(_ name: String, _ help: String, labels: MetricLabels = []) -> Gauge {
    let gauge = Gauge()
    add(name, help, .gauge) { [MetricSample(name: name, labels: labels, value: gauge.value)] }
    return gauge
  }

  package func histogram(
    _ name: String, _ help: String, labels: MetricLabels = [], upperBounds: [Double]
  ) -> HistogramMetric {
    let histogram = HistogramMetric(upperBounds: upperBounds)
    add(name, help, .histogram) { [] }
    return histogram
  }

  /// Values read when asked for: `read` gives one row per label set.
  package func collect(
    _ name: String, _ help: String, _ kind: MetricKind,
    _ read: @escaping @Sendable () -> [(labels: MetricLabels, value: Double)]
  ) {
    add(name, help, kind) { read().map { MetricSample(name: name, labels: $0.labels, value: $0.value) } }
  }

  /// All families with their present values.
  package func families() -> [MetricFamily] {
    entries.withLock { $0 }.map { MetricFamily(name: $0.name, help: $0.help, kind: $0.kind, samples: $0.read()) }
  }

  private func add(_ name: String, _ help: String, _ kind: MetricKind, _ read: @escaping @Sendable () -> [MetricSample])
  {
    entries.withLock { $0.append(Entry(name: name, help: help, kind: kind, read: read)) }
  }
}

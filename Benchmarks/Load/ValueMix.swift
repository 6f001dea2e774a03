import TestKit

/// Of which kinds of values the metrics of a load are: shares of twenty metrics. A plain value.
struct ValueMix: Sendable, Equatable {
  /// How the values of a series move.
  enum Kind: String, Sendable, CaseIterable {
    case counter = "counters"
    case byteGauge = "bytes"
    case decimalGauge = "decimals"
    case constant = "constants"
  }

  static let metricsInTurn = 20

  /// The kind of each of twenty metrics.
  let kinds: [Kind]

  /// 30 % counters, 15 % gauges in bytes, 15 % with two decimals, 40 % that do not move.
  static let usual = ValueMix(percent: [.counter: 30, .byteGauge: 15, .decimalGauge: 15, .constant: 40])

  private init(percent: [Kind: Int]) {
    kinds = Kind.allCases.flatMap { [Kind](repeating: $0, count: (percent[$0] ?? 0) / 5) }
  }

  /// As on a command line: `counters=30,bytes=15,decimals=15,constants=40`, in steps of five percent, 100 in all; kinds
  /// that are not named have none. Nil where it is not that.
  init?(_ text: String) {
    var percent: [Kind: Int] = [:]
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let pair = part.split(separator: "=")
      guard pair.count == 2, let kind = Kind(rawValue: String(pair[0])), let share = Int(pair[1]), (0...100) ~= share,
        share % 5 == 0, percent[kind] == nil
      else { return nil }
      percent[kind] = share
    }
    guard percent.values.reduce(0, +) == 100 else { return nil }
    self.init(percent: percent)
  }

  func kind(ofMetric metric: Int) -> Kind { kinds[metric % Self.metricsInTurn] }
}

/// The moving values of some series: each scrape moves each series once, in order. Owned by one thread.
struct SeriesValues {
  private(set) var values: [Double] = []
  private let kinds: [ValueMix.Kind]
  private var random: RandomSource

  init(_ series: Range<Int>, _ workload: Workload) {
    self.init(
      kinds: series.map { workload.kind(of: $0) },
      seed: workload.seed ^ UInt64(series.lowerBound) &* 0x94d0_49bb_1331_11eb)
  }

  /// Of series of these kinds.
  init(kinds: [ValueMix.Kind], seed: UInt64) {
    random = RandomSource(seed: seed)
    self.kinds = kinds
    values.reserveCapacity(kinds.count)
    for kind in kinds {
      let start = random.below(1_000_000)
      switch kind {
      case .counter: values.append(Double(start))
      case .byteGauge: values.append(Double(start * 4096))
      case .decimalGauge: values.append(Double(start % 10_000) / 100)
      case .constant: values.append(Double(start % 3))
      }
    }
  }

  /// Two of three counters and gauges move from one scrape to the next.
  mutating func move() {
    for index in values.indices where kinds[index] != .constant {
      let draw = random.next()
      guard draw % 3 != 0 else { continue }
      let step = Int(draw >> 32 & 0x3ff)
      switch kinds[index] {
      case .counter: values[index] += Double(step)
      case .byteGauge: values[index] = max(0, values[index] + Double((step - 512) * 4096))
      case .decimalGauge: values[index] = (max(0, values[index] * 100 + Double(step - 512) / 4)).rounded() / 100
      case .constant: break
      }
    }
  }
}

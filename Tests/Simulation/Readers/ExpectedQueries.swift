import Model

/// What PromQL must say of given samples, computed plainly. A plain value; the samples are sorted by time.
struct ExpectedQueries {
  typealias Sample = (time: Int64, value: Double)

  static let lookbackMilliseconds: Int64 = 300_000
  let series: [(labels: Labels, samples: [Sample])]

  init(_ found: [Labels: WorldModel.Times]) {
    series = found.map { labels, times in
      (labels, times.map { ($0.key, Double(bitPattern: $0.value)) }.sorted { $0.0 < $1.0 })
    }
  }

  /// The samples in a window, its first moment excluded and its last included.
  static func window(_ samples: [Sample], after first: Int64, through last: Int64) -> ArraySlice<Sample> {
    func place(_ time: Int64) -> Int {
      var (low, high) = (0, samples.count)
      while low < high {
        let middle = (low + high) / 2
        if samples[middle].time <= time { low = middle + 1 } else { high = middle }
      }
      return low
    }
    let (from, to) = (place(first), place(last))
    return from < to ? samples[from..<to] : []
  }

  /// For each series and step what a function makes of the window before it; steps without samples are left out.
  func overTime(
    at steps: [Int64], window: Int64, keepsName: Bool, _ function: (ArraySlice<Sample>, Int64) -> Double?
  ) -> [Labels: [Int64: Double]] {
    var result: [Labels: [Int64: Double]] = [:]
    for (labels, samples) in series {
      var values: [Int64: Double] = [:]
      for step in steps {
        let part = ExpectedQueries.window(samples, after: step - window, through: step)
        if !part.isEmpty, let value = function(part, step) { values[step] = value }
      }
      if values.isEmpty { continue }
      result[keepsName ? labels : Labels(labels.pairs.filter { $0.name != "__name__" }.map { ($0.name, $0.value) })] =
        values
    }
    return result
  }

  /// `sum by (sender)` of what series last said.
  func sumBySender(at steps: [Int64]) -> [Labels: [Int64: Double]] {
    var result: [Labels: [Int64: Double]] = [:]
    let lookback = ExpectedQueries.lookbackMilliseconds
    let latest = overTime(at: steps, window: lookback, keepsName: true) { part, _ in part.last?.value }
    for (labels, values) in latest {
      let group = Labels([("sender", labels["sender"] ?? "")])
      for (step, value) in values { result[group, default: [:]][step, default: 0] += value }
    }
    return result
  }

  /// Prometheus's `rate` of a window of so many milliseconds that ends at `end`.
  static func rate(_ samples: ArraySlice<Sample>, window: Int64, end: Int64) -> Double? {
    guard let first = samples.first, let last = samples.last, samples.count > 1 else { return nil }
    var increase = last.value - first.value
    for (one, next) in zip(samples, samples.dropFirst()) where next.value < one.value { increase += one.value }
    let sampled = Double(last.time - first.time) / 1000
    let average = sampled / Double(samples.count - 1)
    var toStart = Double(first.time - (end - window)) / 1000
    var toEnd = Double(end - last.time) / 1000
    if toStart >= average * 1.1 { toStart = average / 2 }
    if increase > 0, first.value >= 0 { toStart = min(toStart, sampled * (first.value / increase)) }
    if toEnd >= average * 1.1 { toEnd = average / 2 }
    return increase * ((sampled + toStart + toEnd) / sampled) / (Double(window) / 1000)
  }
}

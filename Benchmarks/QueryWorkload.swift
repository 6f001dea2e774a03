import TestKit

/// What the queries are asked over: the metrics of services on a few instances each, one sample every 15 seconds, ending a
/// minute ago. A plain value, all of it follows from the sizes, the seed and the time of the last sample.
struct QueryWorkload: Sendable {
  static let intervalMilliseconds: Int64 = 15_000
  static let jobs = ["api", "checkout", "search", "worker"]
  /// Samples of one series in one body: five minutes.
  static let samplesPerBody = 20
  static let seriesPerBodyMax = 2000

  var instancesPerJob: Int
  /// Instead of the metrics below, so many series of one counter.
  var wideSeries: Int?
  var scrapes: Int
  var seed: UInt64
  var lastTimestamp: Int64

  /// Of about so many series.
  init(series: Int, scrapes: Int, seed: UInt64, lastTimestamp: Int64) {
    let perInstance = Self.metrics.reduce(0) { $0 + $1.variants.count }
    instancesPerJob = max(1, series / (perInstance * Self.jobs.count))
    self.scrapes = scrapes
    self.seed = seed
    self.lastTimestamp = lastTimestamp
  }

  /// How the values of a series move.
  enum Kind: Sendable {
    /// Whole numbers that grow, and begin anew now and then.
    case counter
    /// Seconds with a fraction that grow.
    case seconds
    case bytes
    case constant(Double)
  }

  struct Metric: Sendable {
    var name: String
    var kind: Kind
    /// The labels beside job and instance, for each series of an instance.
    var variants: [[(String, String)]]
  }

  static let bounds = ["0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf"]

  static let metrics: [Metric] = [
    Metric(
      name: "http_requests_total", kind: .counter,
      variants: ["/cart", "/items", "/login", "/search"].flatMap { handler in
        ["200", "500"].map { [("code", $0), ("handler", handler)] }
      }),
    Metric(name: "http_request_duration_seconds_bucket", kind: .counter, variants: bounds.map { [("le", $0)] }),
    Metric(name: "http_request_duration_seconds_count", kind: .counter, variants: [[]]),
    Metric(name: "http_request_duration_seconds_sum", kind: .seconds, variants: [[]]),
    Metric(
      name: "node_cpu_seconds_total", kind: .seconds,
      variants: ["0", "1"].flatMap { cpu in ["idle", "iowait", "system", "user"].map { [("cpu", cpu), ("mode", $0)] } }),
    Metric(name: "node_memory_used_bytes", kind: .bytes, variants: [[]]),
    Metric(name: "node_memory_total_bytes", kind: .constant(17_179_869_184), variants: [[]]),
    Metric(name: "up", kind: .constant(1), variants: [[]]),
  ]

  struct Series: Sendable {
    var labels: [(String, String)]
    var kind: Kind
    /// Buckets of one histogram move together, each by its share.
    var share: Double
  }

  /// All series, instance by instance, as scrapes bring them.
  var series: [Series] {
    if let wideSeries {
      return (0..<wideSeries).map { number in
        let labels = [
          ("__name__", "m_total"), ("instance", "10.1.\(number / 250).\(number % 250):9100"),
          ("job", "job-\(number % 50)"),
        ]
        return Series(labels: labels, kind: .counter, share: 1)
      }
    }
    var all: [Series] = []
    for (number, job) in Self.jobs.enumerated() {
      for instance in 0..<instancesPerJob {
        let address = "10.0.\(number).\(instance):9100"
        for metric in Self.metrics {
          for (index, variant) in metric.variants.enumerated() {
            let labels = ([("__name__", metric.name), ("instance", address), ("job", job)] + variant).sorted {
              $0.0 < $1.0
            }
            let share = Double(index + 1) / Double(metric.variants.count)
            all.append(Series(labels: labels, kind: metric.kind, share: share))
          }
        }
      }
    }
    return all
  }

  func timestamp(scrape: Int) -> Int64 { lastTimestamp - Int64(scrapes - 1 - scrape) * Self.intervalMilliseconds }
}

/// Makes the bodies of the load in the order of time. Owned by one thread.
struct QueryLoad {
  private let workload: QueryWorkload
  private let series: [QueryWorkload.Series]
  private var values: [Double]
  private var random: RandomSource
  private(set) var samplesSent = 0

  init(_ workload: QueryWorkload) {
    self.workload = workload
    series = workload.series
    random = RandomSource(seed: workload.seed)
    values = []
    for one in series {
      switch one.kind {
      case .counter: values.append(Double(random.below(100_000)) * one.share)
      case .seconds: values.append(Double(random.below(100_000)) / 100)
      case .bytes: values.append(Double(2_000_000 + random.below(1_000_000)) * 4096)
      case .constant(let value): values.append(value)
      }
    }
  }

  var seriesCount: Int { series.count }

  /// Hands each body to `deliver`.
  mutating func send(_ deliver: ([UInt8]) throws -> Void) throws {
    var scrape = 0
    while scrape < workload.scrapes {
      let end = min(scrape + QueryWorkload.samplesPerBody, workload.scrapes)
      var first = 0
      while first < series.count {
        let last = min(first + QueryWorkload.seriesPerBodyMax, series.count)
        var body = RemoteWriteBody()
        for index in first..<last {
          let samples = (scrape..<end).map { (timestamp: workload.timestamp(scrape: $0), value: next(index)) }
          body.add(series[index].labels, samples)
          samplesSent += samples.count
        }
        try deliver(body.snappy)
        first = last
      }
      scrape = end
    }
  }

  private mutating func next(_ index: Int) -> Double {
    let draw = random.next()
    switch series[index].kind {
    case .counter:
      // One start of the process a day, about.
      if draw >> 44 < 180 {
        values[index] = 0
      } else if draw & 3 != 0 {
        values[index] += (Double(draw >> 8 & 0xff) * series[index].share).rounded()
      }
    case .seconds: values[index] += Double(draw & 0x3ff) / 100
    case .bytes: values[index] += Double(Int(draw & 0x3ff) - 512) * 4096
    case .constant: break
    }
    return values[index]
  }
}

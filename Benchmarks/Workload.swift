import TestKit

/// What is sent: the same series, samples and bodies for every server. A plain value, all of it follows from the seed.
///
/// Series are metric x pod, as a fleet of equal services exposes them: nine labels each, sent pod by pod.
struct Workload: Sendable {
  static let usualInterval: Int64 = 15_000
  static let scrapesMax = 220
  static let metrics = 500

  var series: Int
  var scrapes: Int
  var seriesPerBody: Int
  var seed: UInt64
  var firstTimestamp: Int64
  var intervalMilliseconds = Workload.usualInterval
  /// What the series carry as `__replica__`, beside their cluster; empty: they are of no HA pair.
  var replica = ""

  var samples: Int { series * scrapes }
  var bodiesPerScrape: Int { (series + seriesPerBody - 1) / seriesPerBody }

  func timestamp(scrape: Int) -> Int64 { firstTimestamp + Int64(scrape) * intervalMilliseconds }

  /// How the values of a series move.
  enum Kind: Sendable {
    case counter, byteGauge, decimalGauge, constant
  }

  /// Of 20 metrics: 6 counters, 3 gauges in bytes, 3 with decimals, 8 that do not move.
  static func kind(of series: Int) -> Kind {
    switch series % metrics % 20 {
    case 0..<6: .counter
    case 6..<9: .byteGauge
    case 9..<12: .decimalGauge
    default: .constant
    }
  }

  /// The labels of a series, sorted by name.
  static func labels(of series: Int) -> [(String, String)] {
    let metric = series % metrics
    let pod = series / metrics
    let service = services[pod % services.count]
    let replicaSet = hexadecimal(UInt64(pod / 7) &* 0x9e37_79b9_7f4a_7c15, digits: 10)
    return [
      ("__name__", name(of: metric)),
      ("cluster", "prod-eu-central-1"),
      ("container", service),
      ("endpoint", "http-metrics"),
      ("instance", "10.\(pod >> 16 & 255).\(pod >> 8 & 255).\(pod & 255):9100"),
      ("job", "monitoring/\(service)"),
      ("namespace", "team-\(pod % 23)"),
      ("pod", "\(service)-\(replicaSet)-\(hexadecimal(UInt64(pod) &* 0xbf58_476d_1ce4_e5b9, digits: 5))"),
      ("service", service),
    ]
  }

  private static let services = [
    "checkout", "inventory-api", "payment-gateway", "search", "user-profile", "recommendation-engine", "cart",
    "notification-dispatcher", "shipping", "pricing-service", "session-store",
  ]
  private static let subjects = [
    "http_requests", "http_request_duration_seconds", "process_resident_memory", "go_gc_duration_seconds",
    "container_cpu_usage_seconds", "container_network_receive", "grpc_server_handled", "db_client_connections",
  ]

  private static func name(of metric: Int) -> String {
    let suffix =
      switch kind(of: metric) {
      case .counter: "total"
      case .byteGauge: "bytes"
      case .decimalGauge: "ratio"
      case .constant: "info"
      }
    return "\(subjects[metric % subjects.count])_\(metric)_\(suffix)"
  }

  private static func hexadecimal(_ number: UInt64, digits: Int) -> String {
    let text = String(number, radix: 16)
    return String((String(repeating: "0", count: 16) + text).suffix(digits))
  }
}

/// The moving values of some series: each scrape asks each series once, in order. Owned by one thread.
struct SeriesValues {
  private let firstSeries: Int
  private var values: [Double] = []
  private var random: RandomSource

  init(_ series: Range<Int>, seed: UInt64) {
    firstSeries = series.lowerBound
    random = RandomSource(seed: seed ^ UInt64(series.lowerBound) &* 0x94d0_49bb_1331_11eb)
    for number in series {
      let start = random.below(1_000_000)
      switch Workload.kind(of: number) {
      case .counter: values.append(Double(start))
      case .byteGauge: values.append(Double(start * 4096))
      case .decimalGauge: values.append(Double(start % 10_000) / 100)
      case .constant: values.append(Double(start % 3))
      }
    }
  }

  /// The next value of the series at `index`. Two of three counters and gauges move from one scrape to the next.
  mutating func next(_ index: Int) -> Double {
    let kind = Workload.kind(of: firstSeries + index)
    guard kind != .constant else { return values[index] }
    let draw = random.next()
    guard draw % 3 != 0 else { return values[index] }
    let step = Int(draw >> 32 & 0x3ff)
    switch kind {
    case .counter: values[index] += Double(step)
    case .byteGauge: values[index] = max(0, values[index] + Double((step - 512) * 4096))
    case .decimalGauge: values[index] = (max(0, values[index] * 100 + Double(step - 512) / 4)).rounded() / 100
    case .constant: break
    }
    return values[index]
  }
}

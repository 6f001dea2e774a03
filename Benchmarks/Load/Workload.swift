import TestKit

/// What is sent: the same series, samples and bodies for every server. A plain value, all of it follows from the seed.
///
/// Series are metric x pod, as a fleet of equal services exposes them: nine labels each, sent pod by pod. All series of a
/// pod have the same time of a scrape, are replaced together when the pod is, and come from the same replicas.
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
  /// What the series carry as `__replica__`, beside their cluster; each body is sent once by each. Empty: of no HA pair.
  var replicas: [String] = []
  var mix = ValueMix.usual
  /// The share of pods, and so of series, that are replaced by new ones from one scrape to the next.
  var churn = 0.0
  /// A scrape of a pod comes up to so much too early or too late.
  var jitterMilliseconds: Int64 = 0

  /// Samples of one replica.
  var samples: Int { series * scrapes }
  var bodiesPerScrape: Int { (series + seriesPerBody - 1) / seriesPerBody }
  var pods: Int { (series + Self.metrics - 1) / Self.metrics }

  /// When a scrape is due.
  func timestamp(scrape: Int) -> Int64 { firstTimestamp + Int64(scrape) * intervalMilliseconds }

  /// When a pod is scraped; replicas follow each other within the interval.
  func timestamp(scrape: Int, pod: Int, replica: Int = 0) -> Int64 {
    let due = timestamp(scrape: scrape) + Int64(replica) * intervalMilliseconds / Int64(max(replicas.count, 1)) / 2
    guard jitterMilliseconds > 0 else { return due }
    let draw = mixed(seed ^ UInt64(pod) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(scrape) << 32 ^ UInt64(replica))
    return due + Int64(draw % UInt64(2 * jitterMilliseconds + 1)) - jitterMilliseconds
  }

  /// How often a pod has been replaced by a scrape: the moments are spread evenly over the pods.
  func generation(ofPod pod: Int, scrape: Int) -> Int {
    guard churn > 0 else { return 0 }
    let moment = Double(mixed(seed ^ UInt64(pod)) >> 11) * 0x1p-53
    return Int(Double(scrape) * churn + moment)
  }

  /// All series there are in the end, those that have ended included.
  var seriesEver: Int {
    (0..<pods).reduce(0) { sum, pod in
      let size = min(Self.metrics, series - pod * Self.metrics)
      return sum + size * (generation(ofPod: pod, scrape: scrapes - 1) + 1)
    }
  }

  /// All pods there are in the end, those that have ended included.
  var podsEver: Int { (0..<pods).reduce(0) { $0 + generation(ofPod: $1, scrape: scrapes - 1) + 1 } }

  /// In what it differs from the usual load.
  var peculiarities: String {
    var text = ""
    if !replicas.isEmpty { text += ", replicas \(replicas.joined(separator: " "))" }
    if churn > 0 { text += ", churn \(churn): \(seriesEver) series in all" }
    if jitterMilliseconds > 0 { text += ", jitter \(jitterMilliseconds) ms" }
    if mix != .usual { text += ", mix of its own" }
    return text
  }

  func kind(of series: Int) -> ValueMix.Kind { mix.kind(ofMetric: series % Self.metrics) }

  /// The labels of a series, sorted by name, without that of a replica.
  func labels(of series: Int, scrape: Int = 0) -> [(String, String)] {
    let pod = series / Self.metrics
    return [("__name__", metricName(series % Self.metrics))]
      + podLabels(pod, generation: generation(ofPod: pod, scrape: scrape))
  }

  /// The labels that all series of a pod have.
  func podLabels(_ pod: Int, generation: Int) -> [(String, String)] {
    let service = Self.services[pod % Self.services.count]
    let replicaSet = hexadecimal(UInt64(pod / 7) &* 0x9e37_79b9_7f4a_7c15, digits: 10)
    let address = pod &+ generation &* 7919
    let suffix = (UInt64(pod) ^ UInt64(generation) << 32) &* 0xbf58_476d_1ce4_e5b9
    return [
      ("cluster", "prod-eu-central-1"),
      ("container", service),
      ("endpoint", "http-metrics"),
      ("instance", "10.\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255):9100"),
      ("job", "monitoring/\(service)"),
      ("namespace", "team-\(pod % 23)"),
      ("pod", "\(service)-\(replicaSet)-\(hexadecimal(generation == 0 ? suffix : mixed(suffix), digits: 5))"),
      ("service", service),
    ]
  }

  func metricName(_ metric: Int) -> String {
    let suffix =
      switch mix.kind(ofMetric: metric) {
      case .counter: "total"
      case .byteGauge: "bytes"
      case .decimalGauge: "ratio"
      case .constant: "info"
      }
    return "\(Self.subjects[metric % Self.subjects.count])_\(metric)_\(suffix)"
  }

  private static let services = [
    "checkout", "inventory-api", "payment-gateway", "search", "user-profile", "recommendation-engine", "cart",
    "notification-dispatcher", "shipping", "pricing-service", "session-store",
  ]
  private static let subjects = [
    "http_requests", "http_request_duration_seconds", "process_resident_memory", "go_gc_duration_seconds",
    "container_cpu_usage_seconds", "container_network_receive", "grpc_server_handled", "db_client_connections",
  ]
}

private func hexadecimal(_ number: UInt64, digits: Int) -> String {
  let text = String(number, radix: 16)
  return String((String(repeating: "0", count: 16) + text).suffix(digits))
}

/// A number that looks like none of its neighbours'.
private func mixed(_ number: UInt64) -> UInt64 {
  var random = RandomSource(seed: number)
  return random.next()
}

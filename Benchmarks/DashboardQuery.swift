/// One query of the mix, and the part of the last day it is asked for. A plain value.
struct DashboardQuery: Sendable {
  var name: String
  var expression: String
  /// Seconds before the last sample; 0 is an instant query.
  var rangeSeconds: Int64
  var stepSeconds: Int64
  /// How far VictoriaMetrics may be from Prometheus's answer: its rates are not extrapolated, its windows begin elsewhere.
  var victoriaTolerance = 0.25
  /// Of series with equal values any may be among the topmost: then only the values have to be the same.
  var hasTies = false

  static let hour: Int64 = 3600

  static let mix: [DashboardQuery] = [
    .init("rate by job, 1 h", "sum by (job) (rate(http_requests_total[5m]))", hour, 15),
    .init("rate by job, 24 h", "sum by (job) (rate(http_requests_total[5m]))", 24 * hour, 60),
    .init(
      "histogram_quantile, 6 h",
      "histogram_quantile(0.99, sum by (job, le) (rate(http_request_duration_seconds_bucket[5m])))", 6 * hour, 30),
    .init("topk of rates, 1 h", "topk(5, rate(http_requests_total[5m]))", hour, 15),
    .init("max_over_time[1h], 24 h", "max_over_time(node_memory_used_bytes[1h])", 24 * hour, 300),
    .init("ratio of two metrics, 6 h", "node_memory_used_bytes / node_memory_total_bytes", 6 * hour, 30),
    .init("count by (__name__), 1 h", "count by (__name__) ({__name__=~\".+\"})", hour, 60),
    .init(
      "count by regex, 6 h", "count({__name__=~\"http_.*\",instance=~\"10.0.[0-2].[0-5]:.*\"})", 6 * hour, 60),
    .init(
      "subquery, 6 h", "max_over_time(sum by (job) (rate(http_requests_total[5m]))[1h:1m])", 6 * hour, 300),
    .init("quantile by job, 6 h", "quantile by (job) (0.9, rate(http_requests_total[5m]))", 6 * hour, 60),
    .init(
      "share of errors, 6 h",
      "sum by (job) (rate(http_requests_total{code=\"500\"}[5m])) / sum by (job) (rate(http_requests_total[5m]))",
      6 * hour, 30),
    .init(
      "busy processors, 24 h",
      "100 - 100 * avg by (instance) (rate(node_cpu_seconds_total{mode=\"idle\"}[5m]))", 24 * hour, 120),
    .init("increase over a day, instant", "sum by (job) (increase(http_requests_total[24h]))", 0, 0),
    .init("all that is up, instant", "count by (job) (up == 1)", 0, 0),
    .init("raw series, 6 h", "node_cpu_seconds_total{mode=\"user\"}", 6 * hour, 30),
  ]

  init(_ name: String, _ expression: String, _ rangeSeconds: Int64, _ stepSeconds: Int64) {
    self.name = name
    self.expression = expression
    self.rangeSeconds = rangeSeconds
    self.stepSeconds = stepSeconds
    hasTies = expression.hasPrefix("topk")
  }
}

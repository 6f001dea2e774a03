/// How much each part of the report sends. A plain value.
struct ReportSize: Sendable {
  var name: String
  var ingest: (series: Int, scrapes: Int)
  /// Series of the two measures of memory.
  var memory: [Int]
  var memoryScrapes: Int
  var day: (series: Int, scrapes: Int, intervalMilliseconds: Int64)
  var queries: (series: Int, scrapes: Int, milliseconds: Int)
  var restart: (series: Int, scrapes: Int)
  var pause: (series: Int, scrapes: Int)
  /// Work counted behind the last body.
  var settleSeconds: Double

  /// The sizes that the bars are set for; hours, most of them Prometheus's.
  static let full = ReportSize(
    name: "full", ingest: (200_000, 40), memory: [100_000, 1_000_000], memoryScrapes: 10,
    day: (2000, 5760, 15_000), queries: (1056, 5760, 200), restart: (1_000_000, 120), pause: (20_000, 720),
    settleSeconds: 15)
  /// Some minutes.
  static let medium = ReportSize(
    name: "medium", ingest: (100_000, 20), memory: [50_000, 200_000], memoryScrapes: 10,
    day: (500, 2880, 30_000), queries: (528, 2880, 50), restart: (200_000, 30), pause: (5000, 720),
    settleSeconds: 5)
  /// About a minute: shows that it works, and little else.
  static let small = ReportSize(
    name: "small", ingest: (10_000, 10), memory: [5000, 20_000], memoryScrapes: 5,
    day: (200, 300, 120_000), queries: (132, 240, 1), restart: (10_000, 10), pause: (500, 250),
    settleSeconds: 0.2)

  /// Seconds: for tests.
  static let tiny = ReportSize(
    name: "tiny", ingest: (1000, 3), memory: [500, 1000], memoryScrapes: 2,
    day: (20, 18, 900_000), queries: (132, 60, 1), restart: (1000, 3), pause: (100, 130),
    settleSeconds: 0.05)

  static func named(_ name: String) -> ReportSize? { [full, medium, small, tiny].first { $0.name == name } }
}

/// A part of the report: what is measured in one go, and the rows it gives.
enum ReportPart: String, CaseIterable {
  case ingest, memory, memoryLarge = "memory-large", day, queries, restart, pause

  /// The names of its rows, for `--only-rows`.
  var rows: [String] {
    switch self {
    case .ingest: ["ingest-cpu", "ingest-wall"]
    case .memory: ["memory"]
    case .memoryLarge: ["memory-large"]
    case .day: ["disk", "disk-blocks", "compaction-cpu", "day-cpu"]
    case .queries: ["query-cpu", "query-cpu-worst", "query-latency", "query-latency-worst"]
    case .restart: ["restart", "restart-cpu"]
    case .pause: ["pause-append", "pause-query"]
    }
  }

  func has(_ name: String) -> Bool { name == rawValue || rows.contains(name) }

  /// The rows that were asked for; all of them if the part was, or nothing at all.
  func chosen(_ names: Set<String>) -> [String] {
    names.isEmpty || names.contains(rawValue) ? rows : rows.filter(names.contains)
  }

  static var allNames: String { allCases.flatMap { [$0.rawValue] + $0.rows }.uniqued.joined(separator: ", ") }
}

extension [String] {
  /// Each once, in the order of their first.
  var uniqued: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}

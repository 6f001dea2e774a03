import TestKit

/// All that a server that scrapes has to show, in a form that can be compared with another's.
struct ScrapeOutcome {
  /// By the labels of each series the samples it has: `n=value` of the n-th scrape of its target, `+ms=value` of a sample
  /// whose time the target gave.
  var series: [String: [String]] = [:]
  /// The series that an instant query finds now, with their values.
  var present: [String: String] = [:]
  /// By pool and label `case`, each field of an active target.
  var targets: [String: [String: String]] = [:]
  var dropped: [String] = []
  var droppedCounts = ""
  var metadata: Set<String> = []

  /// Fields of a target that no two servers have alike.
  private static let ownFields: Set<String> = ["lastScrape", "lastScrapeDuration"]
  /// Labels that only later versions of Prometheus show.
  private static let newerLabels: Set<String> = [
    "__convert_classic_histograms_to_nhcb__", "__always_scrape_classic_histograms__", "__scrape_native_histograms__",
  ]

  /// Reads `server`; of each target only its first scrapes, so many. `start`: what given times are counted from.
  init(_ server: ServerProcess, scrapes: Int, start: Int64) throws {
    let everything = "{case!=\"\"}"
    let all = try Self.result(server, "\(everything)[10m]")
    // The number of the scrape by case and time.
    var numbers: [String: [Double: Int]] = [:]
    for series in all where series["metric"]["__name__"].string == "up" {
      for (number, point) in (series["values"].array ?? []).enumerated() {
        numbers[series["metric"]["case"].string ?? "", default: [:]][point[0].number ?? 0] = number
      }
    }
    for series in all {
      let times = numbers[series["metric"]["case"].string ?? ""] ?? [:]
      let points = (series["values"].array ?? []) + (series["histograms"].array ?? [])
      let name = Self.text(series["metric"])
      let isMeasured = series["metric"]["__name__"].string == "scrape_duration_seconds"
      let texts = points.compactMap { point -> String? in
        let time = point[0].number ?? 0
        let value = isMeasured ? "some" : Self.valueText(point[1])
        guard let number = times[time] else {
          return "+\(Int64((time * 1000).rounded()) - start)=\(value)"
        }
        return number < scrapes ? "\(number)=\(value)" : nil
      }
      if !texts.isEmpty { self.series[name] = texts }
    }
    for series in try Self.result(server, everything) {
      let isMeasured = series["metric"]["__name__"].string == "scrape_duration_seconds"
      let value = series["histogram"].isNull ? series["value"][1] : series["histogram"][1]
      present[Self.text(series["metric"])] = isMeasured ? "some" : Self.valueText(value)
    }
    try readTargets(server)
  }

  private mutating func readTargets(_ server: ServerProcess) throws {
    let data = try JSONValue(parsing: server.get("/api/v1/targets").body)["data"]
    for target in data["activeTargets"].array ?? [] where target["scrapePool"].string != "apus" {
      let name = "\(target["scrapePool"].string ?? "") \(target["labels"]["case"].string ?? "")"
      var fields: [String: String] = [:]
      for member in target.members ?? [] where !Self.ownFields.contains(member.name) {
        fields[member.name] = Self.text(member.value)
      }
      targets[name] = fields
    }
    // Which ones are kept for show is each server's choice where not all are.
    dropped = (data["droppedTargets"].array ?? []).map { $0["scrapePool"].string == "kept" ? "kept" : Self.text($0) }
    let counts = (data["droppedTargetCounts"].members ?? []).filter { $0.name != "apus" }
    droppedCounts = Self.text(.object(counts))
    let metadata = try JSONValue(
      parsing: server.get("/api/v1/targets/metadata?match_target=\(percentEncoded("{case!=\"\"}"))").body)
    self.metadata = Set((metadata["data"].array ?? []).map { Self.text($0) })
  }

  private static func result(_ server: ServerProcess, _ query: String) throws -> [JSONValue] {
    let answer = try server.get("/api/v1/query?query=\(percentEncoded(query))")
    return try JSONValue(parsing: answer.body)["data"]["result"].array ?? []
  }

  /// A sample's value as one line. The bounds of a histogram's buckets are rounded: of those that Prometheus keeps in
  /// tables some are not the nearest numbers there are.
  static func valueText(_ json: JSONValue) -> String {
    guard json["count"].string != nil else { return text(json) }
    var buckets = ""
    for bucket in json["buckets"].array ?? [] {
      let numbers: [String] = (bucket.array ?? []).map { number in
        guard let bound = number.string.flatMap(Double.init) else { return text(number) }
        return "\(Float(bound))"
      }
      buckets += "[" + numbers.joined(separator: ",") + "]"
    }
    return "{count=\(text(json["count"])) sum=\(text(json["sum"])) \(buckets)}"
  }

  /// A value as one line, members sorted.
  static func text(_ json: JSONValue) -> String {
    switch json {
    case .null: "null"
    case .bool(let bool): "\(bool)"
    case .number(let number): "\(number)"
    case .string(let text): text
    case .array(let values): "[" + values.map(text).joined(separator: ",") + "]"
    case .object(let members):
      "{"
        + members.filter { !newerLabels.contains($0.name) }.sorted { $0.name < $1.name }
        .map { "\($0.name)=\(text($0.value))" }.joined(separator: ",") + "}"
    }
  }

  /// Each thing that differs from Prometheus's, a line.
  func differences(from peer: ScrapeOutcome) -> [String] {
    Self.differences(
      "series", peer.series.mapValues { $0.joined(separator: " ") }, series.mapValues { $0.joined(separator: " ") })
      + Self.differences("present", peer.present, present)
      + Set(peer.targets.keys).union(targets.keys).sorted().flatMap { name in
        Self.differences(
          "target \(name)", peer.targets[name] ?? [:], Self.likened(targets[name] ?? [:], to: peer.targets[name] ?? [:])
        )
      }
      + Self.differences("dropped", Self.counted(peer.dropped), Self.counted(dropped))
      + Self.differences("dropped counts", ["": peer.droppedCounts], ["": droppedCounts])
      + Self.differences("metadata", Self.counted(Array(peer.metadata)), Self.counted(Array(metadata)))
  }

  /// The fields of a target without what Apus says more than Prometheus: of a target that is up, what of its answer was not
  /// stored; of an answer that breaks off, or of redirects without end, the address that was asked.
  private static func likened(_ fields: [String: String], to peer: [String: String]) -> [String: String] {
    guard let error = fields["lastError"], let theirs = peer["lastError"], error != theirs else { return fields }
    let warnings = ["too old sample", "out of bounds", "out of order", "duplicate sample"]
    let isWarning = fields["health"] == "up" && theirs.isEmpty && warnings.contains(where: error.hasPrefix)
    let problems = ["unexpected EOF", "context deadline exceeded", "stopped after 10 redirects"]
    let isSame = problems.contains {
      theirs.hasSuffix($0) && error == "Get \"\(fields["scrapeUrl"] ?? "")\": \($0)"
        || theirs.hasSuffix($0) && error.hasSuffix("/round\": \($0)")
    }
    return isWarning || isSame ? fields.merging(["lastError": theirs]) { $1 } : fields
  }

  private static func counted(_ lines: [String]) -> [String: String] {
    Dictionary(lines.map { ($0, 1) }, uniquingKeysWith: +).mapValues { "\($0)" }
  }

  static func differences(_ kind: String, _ peer: [String: String], _ own: [String: String]) -> [String] {
    Set(peer.keys).union(own.keys).sorted().compactMap { name in
      peer[name] == own[name]
        ? nil : "\(kind) \(name)\n    Prometheus: \(peer[name] ?? "-")\n    Apus:       \(own[name] ?? "-")"
    }
  }
}

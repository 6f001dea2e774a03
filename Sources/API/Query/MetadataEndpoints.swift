import Format
import HTTP
import Ingest
import Platform
import PromQL
import Workspaces

/// `/api/v1/metadata`: what senders, and this server of itself, say of their metrics.
struct MetadataEndpoints: Sendable {
  let registry: MetricsRegistry
  let clock: any Clock

  func metrics(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    let limit = try Parameters.number(request, "limit")
    let perMetric = try Parameters.number(request, "limit_per_metric")
    let metric = request.parameter("metric").flatMap { $0.isEmpty ? nil : $0 }
    var found = workspace.receiver.intake.metadata.metadata(of: metric, now: clock.nowMilliseconds())
    // The server's own metrics are stored in the default workspace.
    let own = workspace.id == WorkspaceSettings.defaultID ? registry.families() : []
    for family in own where metric == nil || metric == family.name {
      let own = family.metadata
      if found[family.name]?.contains(own) != true { found[family.name, default: []].append(own) }
    }
    let names = found.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    let kept = limit.map { names.prefix(max($0, 0)) } ?? names[...]
    return JSONAnswer.success { json in
      json.raw("{")
      for (index, name) in kept.enumerated() {
        if index > 0 { json.raw(",") }
        json.pageString(name)
        json.raw(":[")
        let entries = found[name] ?? []
        let count = perMetric.map { $0 > 0 ? min($0, entries.count) : entries.count } ?? entries.count
        for (place, entry) in entries[..<count].enumerated() {
          if place > 0 { json.raw(",") }
          // Of a target's metadata, help stands before unit: each endpoint has its own order.
          json.raw("{\"type\":\"\(entry.kind.text)\",\"unit\":")
          json.pageString(entry.unit)
          json.raw(",\"help\":")
          json.pageString(entry.help)
          json.raw("}")
        }
        json.raw("]")
      }
      json.raw("}")
    }
  }
}

extension MetricFamily {
  var metadata: MetricMetadata {
    let kind: MetricMetadataKind =
      switch self.kind {
      case .counter: .counter
      case .gauge: .gauge
      case .histogram: .histogram
      case .summary: .summary
      case .untyped: .unknown
      }
    return MetricMetadata(kind: kind, help: help, unit: "")
  }
}

extension Parameters {
  /// A whole number that may be negative; nil where it is not given.
  static func number(_ request: Request, _ name: String) throws(APIError) -> Int? {
    guard let text = request.parameter(name), !text.isEmpty else { return nil }
    guard let number = Int(text) else { throw APIError(.badData, "\(name) must be a number") }
    return number
  }
}

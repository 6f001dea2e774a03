import Format
import HTTP
import Model
import PromQL
import TSDB
import Workspaces

/// `/api/v1/query_exemplars`: the exemplars of all series that any selector of a query asks for, whatever the query does
/// with them. Runs on the lane of clients' queries; the answer is written as the client takes it.
struct ExemplarEndpoint: Sendable {
  let options: ParserOptions

  func exemplars(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    let parameters = Parameters(request: request)
    let start = try parameters.bound("start", .min)
    let end = try parameters.bound("end", .max)
    if end < start { throw APIError(.badData, "end timestamp must not be before start timestamp") }
    let selectors = try selectors(parameters.text("query"))
    // Prometheus answers a query that asks for no series with no data at all.
    if selectors.isEmpty { return .noContent }
    let found = workspace.database.head.exemplars(matching: selectors, from: start, through: end)
    let heldBytes = found.reduce(0) { $0 + $1.labels.packed.count + 256 * $1.exemplars.count }
    return JSONAnswer.list(found.count, isTruncated: false, heldBytes: heldBytes) { index, json in
      ExemplarEndpoint.write(found[index], &json)
    }
  }

  private func selectors(_ query: String) throws(APIError) -> [[CompiledMatcher]] {
    var selectors: [[CompiledMatcher]] = []
    do {
      for selector in try Parser.parse(query, options: options).selectors {
        selectors.append(try selector.matchers.map { try CompiledMatcher($0) })
      }
    } catch {
      throw APIError(.badData, "\(error)")
    }
    return selectors
  }

  private static func write(_ series: SeriesExemplars, _ json: inout JSONBuffer) {
    json.raw("{\"seriesLabels\":")
    json.labels(series.labels)
    json.raw(",\"exemplars\":[")
    for (place, exemplar) in series.exemplars.enumerated() {
      if place > 0 { json.raw(",") }
      json.raw("{\"labels\":")
      json.labels(exemplar.labels)
      json.raw(",\"value\":")
      json.value(Double(bitPattern: exemplar.value))
      json.raw(",\"timestamp\":")
      json.timestamp(exemplar.time)
      json.raw("}")
    }
    json.raw("]}")
  }
}

extension Expression {
  /// Every selector of the query.
  var selectors: [VectorSelector] {
    if case .selector(let node) = self { return [node] }
    return children.flatMap(\.selectors)
  }
}

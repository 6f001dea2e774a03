import Format
import HTTP
import PromQL
import Query
import TSDB
import Workspaces

/// `/api/v1/status/tsdb`: where the series of the head are. `match[]` and `focusLabel` narrow it down as VictoriaMetrics
/// offers it; without them the answer is Prometheus's. Runs on the lane of clients' queries.
struct TSDBStatusEndpoint: Sendable {
  private static let limitMax = 10_000

  func status(
    _ request: Request, _ workspace: Workspace, _ stop: @escaping StopCheck
  ) throws(APIError) -> Response {
    var cardinality = CardinalityRequest()
    let limit = Parameters(request: request).text("limit")
    if !limit.isEmpty {
      guard let number = Int(limit), number >= 1 else { throw APIError(.badData, "limit must be a positive number") }
      if number > TSDBStatusEndpoint.limitMax {
        throw APIError(.badData, "limit must not exceed \(TSDBStatusEndpoint.limitMax)")
      }
      cardinality.limit = number
    }
    cardinality.selectors = try LabelSelection.matchers(request)
    cardinality.focusLabel = request.parameter("focusLabel").flatMap { $0.isEmpty ? nil : $0 }
    do throws(QueryStopped) {
      let database = workspace.database
      let found = try database.cardinality(cardinality, shouldStop: { stop() != nil })
      return JSONAnswer.success { write(found, cardinality, database.head, &$0) }
    } catch {
      throw APIError(error, stop())
    }
  }

  private func write(
    _ found: CardinalityStatistics, _ request: CardinalityRequest, _ head: Head, _ json: inout JSONBuffer
  ) {
    let range = head.timeRange
    json.raw("{\"headStats\":{\"numSeries\":\(found.seriesCount),\"numLabelPairs\":\(found.labelPairCount)")
    json.raw(",\"chunkCount\":\(head.chunkCount),\"minTime\":\(range?.lowerBound ?? .max)")
    json.raw(",\"maxTime\":\(range?.upperBound ?? .min)}")
    list("seriesCountByMetricName", found.seriesCountByMetricName, &json)
    list("labelValueCountByLabelName", found.valueCountByLabelName, &json)
    list("memoryInBytesByLabelName", found.memoryBytesByLabelName, &json)
    list("seriesCountByLabelValuePair", found.seriesCountByLabelPair, &json)
    if !request.selectors.isEmpty || request.focusLabel != nil {
      list("seriesCountByLabelName", found.seriesCountByLabelName, &json)
    }
    if let values = found.seriesCountByFocusValue { list("seriesCountByFocusLabelValue", values, &json) }
    write(head.samplesAhead(), &json)
    json.raw("}")
  }

  /// Writes the samples that a wrong clock has let in.
  private func write(_ ahead: SamplesAhead, _ json: inout JSONBuffer) {
    json.raw(",\"apus\":{\"now\":\(ahead.now),\"newestTime\":\(ahead.newestTime ?? .min)")
    json.raw(",\"aheadMilliseconds\":\(max(0, ahead.newestTime.map { $0 - ahead.now } ?? 0))")
    json.raw(",\"seriesAhead\":\(ahead.seriesCount)")
    if let example = ahead.example {
      json.raw(",\"seriesAheadExample\":")
      json.pageString("\(example)")
    }
    json.raw("}")
  }

  private func list(_ name: StaticString, _ entries: [CardinalityStatistics.Entry], _ json: inout JSONBuffer) {
    json.raw(",\"\(name)\":[")
    for (index, entry) in entries.enumerated() {
      if index > 0 { json.raw(",") }
      json.raw("{\"name\":")
      json.pageString(entry.name)
      json.raw(",\"value\":\(entry.count)}")
    }
    json.raw("]")
  }
}

import Format
import HTTP
import Ingest
import Platform
import TSDB
import Workspaces

/// `GET /api/v1/status/limits`: the limits of a workspace, its usage, and its refusals by reason. A limit of 0 means
/// that there is none.
struct LimitsEndpoint: Sendable {
  func limits(_ request: Request, _ workspace: Workspace) -> Response {
    let head = workspace.database.head
    let series = head.seriesLimits
    let ingest = workspace.receiver.intake.presentLimits
    let rules = workspace.receiver.intake.presentRules
    let metrics = workspace.receiver.intake.metrics
    return JSONAnswer.success { json in
      // The server's own are there too, but no limit holds for them.
      let own = head.exemptSeriesCount
      json.raw("{\"activeSeries\":{\"limit\":\(series.activeSeriesMax),\"present\":\(max(0, head.seriesCount - own))")
      json.raw(",\"ownMetrics\":\(own)}")
      json.raw(",\"seriesPerMetric\":{\"limit\":\(series.seriesPerMetricMax)}")
      labelSets(head.labelSetCounts, &json)
      json.raw(",\"labelsPerSeries\":{\"limit\":\(ingest.labelsPerSeriesMax)}")
      json.raw(",\"labelNameBytes\":{\"limit\":\(ingest.labelNameBytesMax)}")
      json.raw(",\"labelValueBytes\":{\"limit\":\(ingest.labelValueBytesMax)}")
      json.raw(",\"decodedBodyBytes\":{\"limit\":\(ingest.decodedBytesMax)}")
      json.raw(",\"samplesPerSecond\":{\"limit\":\(ingest.samplesPerSecondMax),\"burst\":\(ingest.samplesBurstMax)}")
      json.raw(",\"samplesStored\":\(metrics.samples.value)")
      json.raw(",\"relabelling\":{\"rules\":\(rules.relabel.count),\"renames\":\(rules.renames.count)")
      json.raw(",\"droppedSamples\":\(metrics.relabelDropped.value)}")
      json.raw(",\"discardedSamples\":{")
      for (index, entry) in metrics.discarded.sorted(by: { $0.key < $1.key }).enumerated() {
        if index > 0 { json.raw(",") }
        json.pageString(entry.key)
        json.raw(":\(entry.value)")
      }
      json.raw("},\"lastRefused\":{")
      for (index, last) in workspace.receiver.intake.refusals.last.enumerated() {
        if index > 0 { json.raw(",") }
        json.pageString(last.reason)
        json.raw(":")
        lastRefused(last, &json)
      }
      json.raw("}}")
    }
  }

  /// The last refusal for a reason: what, of whom, and how many there have been.
  private func lastRefused(_ last: RefusalLog.Last, _ json: inout JSONBuffer) {
    func text(_ name: String, _ value: String?) {
      guard let value, !value.isEmpty else { return }
      json.raw(",\"\(name)\":")
      json.pageString(value)
    }
    json.raw("{\"time\":\"\(TimeText.text(milliseconds: last.milliseconds))\"")
    json.raw(",\"unit\":\"\(last.unit.text)\",\"count\":\(last.count)")
    text("message", last.message)
    text("series", last.series)
    if let timestamp = last.timestamp { json.raw(",\"timestamp\":\(timestamp)") }
    if let value = last.value {
      // As values of samples are told.
      json.raw(",\"value\":")
      json.value(value)
    }
    if let actual = last.actual { json.raw(",\"actual\":\(actual)") }
    if let limit = last.limit { json.raw(",\"limit\":\(limit)") }
    text("answer", last.answer)
    json.raw(",\"sender\":{\"protocol\":")
    json.pageString(last.sender.protocolName)
    text("address", last.sender.address)
    text("userAgent", last.sender.userAgent)
    text("workspace", last.sender.workspace)
    text("cluster", last.cluster)
    text("replica", last.replica)
    json.raw("}}")
  }

  private func labelSets(_ sets: [(limit: LabelSetLimit, count: Int)], _ json: inout JSONBuffer) {
    json.raw(",\"labelSets\":[")
    for (index, set) in sets.enumerated() {
      json.raw(index == 0 ? "{\"labels\":{" : ",{\"labels\":{")
      for (place, pair) in set.limit.labels.pairs.enumerated() {
        if place > 0 { json.raw(",") }
        json.pageString(pair.name)
        json.raw(":")
        json.pageString(pair.value)
      }
      json.raw("},\"limit\":\(set.limit.seriesMax),\"present\":\(set.count)}")
    }
    json.raw("]")
  }
}

import Format
import HTTP
import Ingest
import Model
import Platform
import PromQL
import Workspaces

/// `/api/v1/targets`, `/api/v1/targets/metadata`, `/api/v1/scrape_pools`: the scraped targets, which is this server
/// alone.
struct TargetEndpoints: Sendable {
  let target: OwnTarget
  let registry: MetricsRegistry
  let links: WebLinks

  func pools(_ request: Request, _ workspace: Workspace) -> Response {
    JSONAnswer.success(
      "{\"scrapePools\":[\(facts(workspace) == nil ? "" : JSONBuffer.quoted(OwnTarget.pool))]}")
  }

  func targets(_ request: Request, _ workspace: Workspace) -> Response {
    let state = (request.parameter("state") ?? "").lowercased()
    let pool = request.parameter("scrapePool") ?? ""
    let showsActive = ["", "any", "active"].contains(state)
    let showsDropped = ["", "any", "dropped"].contains(state)
    let facts = showsActive && (pool.isEmpty || pool == OwnTarget.pool) ? facts(workspace) : nil
    return JSONAnswer.success { json in
      json.raw("{\"activeTargets\":[")
      if let facts { write(facts, &json) }
      json.raw("],\"droppedTargets\":[],\"droppedTargetCounts\":")
      if !showsDropped {
        json.raw("null")
      } else {
        json.raw(self.facts(workspace) == nil ? "{}" : "{\"\(OwnTarget.pool)\":0}")
      }
      json.raw("}")
    }
  }

  func metadata(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    let limit = try Parameters.number(request, "limit")
    let selector = request.parameter("match_target") ?? ""
    let metric = request.parameter("metric") ?? ""
    var facts = facts(workspace)
    if !selector.isEmpty {
      let matchers: [CompiledMatcher]
      do throws(APIError) {
        matchers = try LabelSelection.compiled([selector])[0]
      } catch {
        throw .invalidParameter("match_target", error.message)
      }
      if let own = facts, !matchers.allSatisfy({ $0.matches(Labels(own.labels)) }) { facts = nil }
    }
    guard let facts, limit != 0 else { return JSONAnswer.success("[]") }
    let families = registry.families().filter { metric.isEmpty || $0.name == metric }
    return JSONAnswer.success { json in
      json.raw("[")
      // The limit is asked once for each target, as in Prometheus: a target's list is never cut.
      for (index, family) in families.enumerated() {
        if index > 0 { json.raw(",") }
        json.raw("{\"target\":")
        json.labels(Labels(facts.labels))
        if metric.isEmpty {
          json.raw(",\"metric\":")
          json.pageString(family.name)
        }
        let metadata = family.metadata
        json.raw(",\"type\":\"\(metadata.kind.text)\",\"help\":")
        json.pageString(metadata.help)
        json.raw(",\"unit\":")
        json.pageString(metadata.unit)
        json.raw("}")
      }
      json.raw("]")
    }
  }

  /// The server's own metrics are stored in the default workspace.
  private func facts(_ workspace: Workspace) -> OwnTarget.Facts? {
    workspace.id == WorkspaceSettings.defaultID ? target.current : nil
  }

  private func write(_ facts: OwnTarget.Facts, _ json: inout JSONBuffer) {
    let interval = DurationText.format(facts.intervalMilliseconds)
    json.raw("{\"discoveredLabels\":")
    json.labels(
      Labels([
        ("__address__", facts.instance), ("__metrics_path__", links.routePrefix + "metrics"), ("__scheme__", "http"),
        ("__scrape_interval__", interval), ("__scrape_timeout__", interval), ("job", OwnTarget.pool),
      ]))
    json.raw(",\"labels\":")
    json.labels(Labels(facts.labels))
    json.raw(",\"scrapePool\":\"\(OwnTarget.pool)\",\"scrapeUrl\":")
    json.pageString("http://\(facts.instance)\(links.routePrefix)metrics")
    json.raw(",\"globalUrl\":")
    json.pageString(links.globalMetricsURL(ownPort: facts.instance))
    json.raw(",\"lastError\":")
    json.pageString(facts.lastError)
    json.raw(",\"lastScrape\":\"\(TimeText.text(milliseconds: facts.lastMilliseconds))\",\"lastScrapeDuration\":")
    json.raw("\(facts.lastSeconds)")
    json.raw(",\"health\":\"\(facts.lastError.isEmpty ? "up" : "down")\"")
    json.raw(",\"scrapeInterval\":\"\(interval)\",\"scrapeTimeout\":\"\(interval)\"}")
  }
}

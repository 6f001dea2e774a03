import Format
import HTTP
import Ingest
import Model
import Platform
import PromQL
import Scrape
import Workspaces

/// `/api/v1/targets`, `/api/v1/targets/metadata`, `/api/v1/scrape_pools` and `/api/v1/scrape_pools/config`: what is scraped,
/// and how it went.
struct TargetEndpoints: Sendable {
  /// Prometheus's zero time.
  private static let never = "0001-01-01T00:00:00Z"

  let scraped: ScrapedTargets
  let links: WebLinks

  func pools(_ request: Request, _ workspace: Workspace) -> Response {
    JSONAnswer.success { json in
      json.raw("{\"scrapePools\":[")
      for (index, pool) in scraped.pools(workspace).enumerated() {
        if index > 0 { json.raw(",") }
        json.pageString(pool)
      }
      json.raw("]}")
    }
  }

  func poolConfiguration(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    let options = try Self.options(request, workspace, scraped)
    return JSONAnswer.success { json in
      json.raw("{\"yaml\":")
      json.pageString(options.text)
      json.raw("}")
    }
  }

  /// The options of the pool that the request names.
  static func options(
    _ request: Request, _ workspace: Workspace, _ scraped: ScrapedTargets
  ) throws(APIError) -> ScrapeOptions {
    let pool = try pool(request)
    if let options = scraped.options(workspace, of: pool) { return options }
    throw APIError(.badData, "error retrieving scrape config: scrape pool \(QuotedText.double(pool)) not found")
  }

  static func pool(_ request: Request) throws(APIError) -> String {
    let pool = request.parameter("scrapePool") ?? ""
    if pool.isEmpty { throw APIError(.badData, "no scrapePool parameter provided") }
    return pool
  }

  func targets(_ request: Request, _ workspace: Workspace) -> Response {
    let state = (request.parameter("state") ?? "").lowercased()
    let pool = request.parameter("scrapePool").flatMap { $0.isEmpty ? nil : $0 }
    let showsActive = ["", "any", "active"].contains(state)
    let showsDropped = ["", "any", "dropped"].contains(state)
    return JSONAnswer.success { json in
      json.raw("{\"activeTargets\":[")
      if showsActive { list(scraped.active(workspace, pool: pool), &json) { write($0, &$1) } }
      json.raw("],\"droppedTargets\":[")
      if showsDropped {
        list(scraped.dropped(workspace, pool: pool), &json) { target, json in
          json.raw("{\"discoveredLabels\":")
          json.labels(target.discoveredLabels)
          json.raw(",\"scrapePool\":")
          json.pageString(target.pool)
          json.raw("}")
        }
      }
      json.raw("],\"droppedTargetCounts\":")
      if showsDropped {
        json.raw("{")
        list(scraped.droppedCounts(workspace), &json) { entry, json in
          json.pageString(entry.pool)
          json.raw(":\(entry.count)")
        }
        json.raw("}")
      } else {
        json.raw("null")
      }
      json.raw("}")
    }
  }

  private func list<Element>(
    _ elements: [Element], _ json: inout JSONBuffer, _ write: (Element, inout JSONBuffer) -> Void
  ) {
    for (index, element) in elements.enumerated() {
      if index > 0 { json.raw(",") }
      write(element, &json)
    }
  }

  private func write(_ target: TargetState, _ json: inout JSONBuffer) {
    json.raw("{\"discoveredLabels\":")
    json.labels(target.discoveredLabels)
    json.raw(",\"labels\":")
    json.labels(target.labels)
    json.raw(",\"scrapePool\":")
    json.pageString(target.pool)
    json.raw(",\"scrapeUrl\":")
    json.pageString(target.url)
    json.raw(",\"globalUrl\":")
    json.pageString(links.globalURL(of: target.url))
    json.raw(",\"lastError\":")
    json.pageString(target.lastError)
    json.raw(",\"lastScrape\":\"")
    json.raw(target.lastMilliseconds.map { TimeText.text(milliseconds: $0) } ?? Self.never)
    json.raw("\",\"lastScrapeDuration\":")
    json.number(target.lastSeconds.isFinite ? target.lastSeconds : 0)
    json.raw(",\"health\":\"\(target.health.rawValue)\"")
    json.raw(",\"scrapeInterval\":\"\(DurationText.format(target.intervalMilliseconds))\"")
    json.raw(",\"scrapeTimeout\":\"\(DurationText.format(target.timeoutMilliseconds))\"}")
  }

  // MARK: Metadata

  func metadata(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    let limit = try Parameters.number(request, "limit") ?? -1
    let selector = request.parameter("match_target") ?? ""
    let metric = request.parameter("metric") ?? ""
    var matchers: [CompiledMatcher] = []
    if !selector.isEmpty {
      do throws(APIError) {
        matchers = try LabelSelection.compiled([selector])[0]
      } catch {
        throw .invalidParameter("match_target", error.message)
      }
    }
    var found: [(labels: Labels, entry: TargetMetadata)] = []
    for (target, metadata) in scraped.metadata(workspace) {
      // The limit is asked once for each target, as in Prometheus: a target's list is never cut.
      if limit >= 0, found.count >= limit { break }
      let labels = target.labels
      if !matchers.allSatisfy({ $0.matches(labels) }) { continue }
      for entry in metadata where metric.isEmpty || entry.metric == metric { found.append((labels, entry)) }
    }
    let entries = found
    return JSONAnswer.list(entries.count, isTruncated: false, heldBytes: entries.count * Self.metadataBytes) {
      index, json in
      json.raw("{\"target\":")
      json.labels(entries[index].labels)
      let entry = entries[index].entry
      if metric.isEmpty {
        json.raw(",\"metric\":")
        json.pageString(entry.metric)
      }
      json.raw(",\"type\":\"\(entry.metadata.kind.text)\",\"help\":")
      json.pageString(entry.metadata.help)
      json.raw(",\"unit\":")
      json.pageString(entry.metadata.unit)
      json.raw("}")
    }
  }

  /// Memory that an entry of the list holds, about; its labels and texts are shared with the target.
  private static let metadataBytes = 96
}

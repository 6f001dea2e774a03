import HTTP
import Platform
import Scrape
import Workspaces

/// The page for browsers: it says what runs here and where its answers are. There is no console of our own yet;
/// Prometheus's paths lead here so that bookmarks and links from dashboards do not break.
struct StatusPage: Sendable {
  static let paths = [
    "/query", "/alerts", "/rules", "/targets", "/service-discovery", "/alertmanager-discovery", "/status",
    "/tsdb-status", "/flags", "/config", "/runtime", "/agent",
  ]

  let links: WebLinks
  let workspaces: WorkspaceSet
  let version: BuildVersion
  let scraped: ScrapedTargets

  /// Targets on the page; the API has all.
  private static let targetsMax = 500

  func home(_ request: Request) -> Response { .redirect(to: links.externalPath + "query") }

  /// Links of older versions, their question with them.
  func graph(_ request: Request) -> Response {
    .redirect(to: links.externalPath + "query?" + request.rawQueryText)
  }

  func page(_ request: Request) -> Response {
    let database = workspaces.standard.database
    let rows = [
      ("Version", version.version), ("State", database.isReady ? "ready" : "reading the write-ahead log"),
      ("Series in the head", "\(database.head.seriesCount)"),
    ]
    let lists = [
      ("api/v1/status/tsdb", "Cardinality"), ("api/v1/status/active_queries", "Running queries"),
      ("api/v1/status/ha", "Replicas"), ("api/v1/status/flags", "Flags"), ("api/v1/status/config", "Configuration"),
      ("api/v1/status/runtimeinfo", "Runtime"), ("api/v1/targets", "Targets"), ("api/v1/rules", "Rules"),
      ("metrics", "Metrics"),
    ]
    var html = """
      <!DOCTYPE html>
      <html lang="en"><head><meta charset="utf-8"><title>Apus</title>
      <style>body{font:16px/1.5 sans-serif;margin:3em auto;max-width:60em;padding:0 1em}th{text-align:left}td,th{padding-right:2em;vertical-align:top}</style>
      </head><body><h1>Apus</h1><table>
      """
    for (name, value) in rows { html += "<tr><td>\(name)</td><td>\(StatusPage.escaped(value))</td></tr>" }
    html += "</table><p>Point Grafana's Prometheus data source at this address. What can be looked at here:</p><ul>"
    for (path, name) in lists {
      html += "<li><a href=\"\(StatusPage.escaped(links.externalPath + path))\">\(name)</a></li>"
    }
    html += "</ul>"
    addTargets(to: &html)
    html += "</body></html>\n"
    return Response(contentType: .html, body: .bytes(Array(html.utf8)))
  }

  /// Appends a table of the targets and of how their last scrapes went.
  private func addTargets(to html: inout String) {
    let targets = scraped.active(workspaces.standard, pool: nil)
    html += "<h2>Targets</h2>"
    if targets.isEmpty {
      html += "<p>None: the configuration has no scrape_configs, or their discoveries have found nothing yet.</p>"
      return
    }
    let down = targets.count { $0.health == .down }
    html += "<p>\(targets.count) targets, \(down) of them down."
    if targets.count > Self.targetsMax { html += " The first \(Self.targetsMax) are shown; api/v1/targets has all." }
    html += "</p><table><tr><th>Pool</th><th>Address</th><th>Health</th><th>Last scrape</th><th>Last error</th></tr>"
    for target in targets.prefix(Self.targetsMax) {
      let time = target.lastMilliseconds.map { TimeText.text(milliseconds: $0) } ?? "never"
      let cells = [target.pool, target.url, target.health.rawValue, time, target.lastError]
      html += "<tr>" + cells.map { "<td>\(StatusPage.escaped($0))</td>" }.joined() + "</tr>"
    }
    html += "</table>"
  }

  private static func escaped(_ text: String) -> String {
    var result = ""
    for character in text {
      switch character {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\"": result += "&quot;"
      default: result.append(character)
      }
    }
    return result
  }
}

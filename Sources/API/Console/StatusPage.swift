import HTTP
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
      <style>body{font:16px/1.5 sans-serif;margin:3em auto;max-width:40em;padding:0 1em}td{padding-right:2em}</style>
      </head><body><h1>Apus</h1><table>
      """
    for (name, value) in rows { html += "<tr><td>\(name)</td><td>\(StatusPage.escaped(value))</td></tr>" }
    html += "</table><p>Point Grafana's Prometheus data source at this address. What can be looked at here:</p><ul>"
    for (path, name) in lists {
      html += "<li><a href=\"\(StatusPage.escaped(links.externalPath + path))\">\(name)</a></li>"
    }
    html += "</ul></body></html>\n"
    return Response(contentType: .html, body: .bytes(Array(html.utf8)))
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

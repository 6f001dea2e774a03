import Format
import HTTP
import Platform
import Rules
import Workspaces

/// `/api/v1/rules`, `/api/v1/alerts`, `/api/v1/alertmanagers`: the rules of a workspace, and who is told of its alerts.
struct RuleEndpoints: Sendable {
  /// Memory that a rule or an alert holds until its client has taken it, about; texts are shared with the rules.
  private static let heldBytes = 256

  let facts: RuleFacts

  func rules(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    let selection = try RuleSelection(request)
    let (groups, next) = try selection.page(of: facts.groups(workspace))
    var count = 1
    for group in groups { for rule in group.rules { count += 1 + (selection.excludesAlerts ? 0 : rule.alerts.count) } }
    let pieces = Exclusive(
      RulePieces(
        groups, nextToken: next, excludesAlerts: selection.excludesAlerts, tellsDetails: selection.tellsDetails))
    return Response(
      contentType: .json,
      body: .pieces(heldBytes: count * Self.heldBytes) { (writer) throws(StreamError) in
        try pieces.use { (pieces) throws(StreamError) in try pieces.next(writer) }
      })
  }

  func alerts(_ request: Request, _ workspace: Workspace) -> Response {
    let groups = facts.groups(workspace).sorted { ($0.file, $0.name) < ($1.file, $1.name) }
    let alerts = groups.flatMap { $0.rules.flatMap(\.alerts) }
    return JSONAnswer.list(
      alerts.count, opening: "{\"alerts\":[", closing: "]}", heldBytes: alerts.count * Self.heldBytes
    ) { index, json in RuleJSON.alert(alerts[index], &json) }
  }

  /// The members beyond the URL are there while something cannot be delivered.
  func alertmanagers(_ request: Request, _ workspace: Workspace) -> Response {
    let view = facts.alertmanagers(workspace)
    return JSONAnswer.success { json in
      json.raw("{\"activeAlertmanagers\":[")
      for (index, active) in view.active.enumerated() {
        json.raw(index == 0 ? "{\"url\":" : ",{\"url\":")
        json.pageString(active.url)
        if let since = active.failingSince {
          json.raw(",\"failingSince\":")
          RuleJSON.time(since, &json)
          json.raw(",\"lastError\":")
          json.pageString(active.lastError)
          json.raw(",\"queued\":\(active.queued)")
        }
        json.raw("}")
      }
      json.raw("],\"droppedAlertmanagers\":[")
      for (index, url) in view.droppedURLs.enumerated() {
        json.raw(index == 0 ? "{\"url\":" : ",{\"url\":")
        json.pageString(url)
        json.raw("}")
      }
      json.raw("]}")
    }
  }
}

import Format
import HTTP
import Rules

/// `/api/v1/rules` on its way to a client: groups, rules and alerts are written as the client takes them. Used by one thread
/// at a time.
final class RulePieces {
  private let groups: [RuleGroupView]
  private let nextToken: String?
  private let excludesAlerts: Bool
  private let tellsDetails: Bool
  private var group = 0
  private var rule = 0
  /// The next alert of the rule; nil: the rule has not been begun.
  private var alert: Int?
  private var isDone = false
  private var json = JSONBuffer()

  init(_ groups: [RuleGroupView], nextToken: String?, excludesAlerts: Bool, tellsDetails: Bool) {
    self.groups = groups
    self.nextToken = nextToken
    self.excludesAlerts = excludesAlerts
    self.tellsDetails = tellsDetails
    json.raw("{\"status\":\"success\",\"data\":{\"groups\":[")
  }

  func next(_ writer: ResponseWriter) throws(StreamError) -> PieceOutcome {
    while !isDone && json.bytes.count < JSONAnswer.pieceBytes { step() }
    try writer.write(json.bytes)
    json.removeAll()
    return isDone ? .last : .more
  }

  /// Writes one alert, or begins or ends a rule.
  private func step() {
    guard group < groups.count else { return finish() }
    let view = groups[group]
    guard rule < view.rules.count else { return endGroup(view) }
    if let next = alert {
      writeAlert(view.rules[rule], next)
    } else {
      if rule == 0 {
        if group > 0 { json.raw(",") }
        RuleJSON.open(view, &json)
      } else {
        json.raw(",")
      }
      RuleJSON.open(view.rules[rule], &json)
      begin(view.rules[rule])
    }
  }

  private func begin(_ view: RuleView) {
    if view.definition.alert == nil { return endRule(view) }
    if excludesAlerts {
      json.raw("null")
      return endRule(view)
    }
    json.raw("[")
    alert = 0
  }

  private func writeAlert(_ view: RuleView, _ index: Int) {
    if index == view.alerts.count {
      json.raw("]")
      return endRule(view)
    }
    if index > 0 { json.raw(",") }
    RuleJSON.alert(view.alerts[index], &json)
    alert = index + 1
  }

  private func endRule(_ view: RuleView) {
    RuleJSON.close(view, tellsDetails: tellsDetails, &json)
    alert = nil
    rule += 1
  }

  private func endGroup(_ view: RuleGroupView) {
    RuleJSON.close(view, tellsDetails: tellsDetails, &json)
    rule = 0
    group += 1
  }

  private func finish() {
    json.raw("]")
    if let nextToken { json.raw(",\"groupNextToken\":\"\(nextToken)\"") }
    json.raw("}}")
    isDone = true
  }
}

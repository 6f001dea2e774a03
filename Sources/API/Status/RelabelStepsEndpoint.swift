import Format
import HTTP
import Model
import Scrape
import Workspaces

/// `/api/v1/targets/relabel_steps`: what each relabelling rule of a job makes of the labels of a target.
struct RelabelStepsEndpoint: Sendable {
  let scraped: ScrapedTargets

  func steps(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    // In Prometheus's order: of several mistakes its first is told.
    _ = try TargetEndpoints.pool(request)
    let text = request.parameter("labels") ?? ""
    if text.isEmpty { throw APIError(.badData, "no labels parameter provided") }
    let labels = try Self.labels(text)
    let options = try TargetEndpoints.options(request, workspace, scraped)
    let steps: [RelabelStep]
    do throws(RegexError) { steps = try TargetLabels.steps(labels, through: options.relabelling) } catch {
      throw APIError(.internalError, "error compiling relabel rule: \(error)")
    }
    var json = JSONBuffer()
    json.raw("{\"status\":\"success\",\"data\":{\"steps\":[")
    for (index, step) in steps.enumerated() {
      if index > 0 { json.raw(",") }
      json.raw("{\"rule\":")
      Self.write(step.rule, &json)
      json.raw(",\"output\":")
      json.labels(step.output)
      json.raw(step.isKept ? ",\"keep\":true}" : ",\"keep\":false}")
    }
    json.raw("]}}")
    return .json(200, json.bytes)
  }

  /// The labels of a JSON object; null is no value, as in Prometheus.
  private static func labels(_ text: String) throws(APIError) -> Labels {
    let refusal = APIError(
      .badData, "error parsing labels: expected a JSON object whose values are strings, such as {\"job\":\"node\"}")
    guard let document = JSONDocument(text: text) else { throw refusal }
    if document == .null { return .empty }
    guard case .object(let members) = document else { throw refusal }
    var pairs: [(name: String, value: String)] = []
    for member in members {
      switch member.value {
      case .string(let value): pairs.append((member.name, value))
      case .null: pairs.append((member.name, ""))
      default: throw refusal
      }
    }
    return Labels(pairs)
  }

  private static func write(_ rule: RelabelRule, _ json: inout JSONBuffer) {
    json.raw("{")
    if !rule.sourceLabels.isEmpty {
      json.raw("\"source_labels\":[")
      for (index, name) in rule.sourceLabels.enumerated() {
        if index > 0 { json.raw(",") }
        json.pageString(name)
      }
      json.raw("],")
    }
    json.raw("\"separator\":")
    json.pageString(rule.separator)
    json.raw(",\"regex\":")
    json.pageString(rule.regex)
    if rule.modulus != 0 { json.raw(",\"modulus\":\(rule.modulus)") }
    if !rule.targetLabel.isEmpty {
      json.raw(",\"target_label\":")
      json.pageString(rule.targetLabel)
    }
    json.raw(",\"replacement\":")
    json.pageString(rule.replacement)
    json.raw(",\"action\":\"\(rule.action.rawValue)\"}")
  }
}

import Model
import HTTP
import PromQL
import Workspaces

/// `/api/v1/rules`, `/api/v1/alerts`, `/api/v1/alertmanagers`: this version evaluates no rules, so the lists are empty;
/// a wrong request gets Prometheus's error.
struct RuleEndpoints: Sendable {
  func rules(_ request: Request, _ workspace: Workspace) throws(APIError) -> Response {
    _ = try LabelSelection.matchers(request)
    let kind = request.queryParameter("type").lowercased()
    guard ["", "alert", "record"].contains(kind) else {
      throw .invalidParameter("type", "not supported value \(QuotedText.double(kind))")
    }
    let exclude = request.queryParameter("exclude_alerts").lowercased()
    if !exclude.isEmpty, !RuleEndpoints.booleans.contains(exclude) {
      throw .invalidParameter(
        "exclude_alerts",
        "error converting exclude_alerts: strconv.ParseBool: parsing \(QuotedText.double(exclude)): invalid syntax")
    }
    let limit = request.queryParameter("group_limit")
    let token = request.queryParameter("group_next_token")
    if limit.isEmpty {
      if token.isEmpty { return JSONAnswer.success("{\"groups\":[]}") }
      throw .invalidParameter(
        "group_next_token", "group_limit needs to be present in order to paginate over the groups")
    }
    try checkLimit(limit)
    if !token.isEmpty {
      throw .invalidParameter(
        "group_next_token", "invalid group_next_token '\(token)'. were rule groups changed?")
    }
    return JSONAnswer.success("{\"groups\":[]}")
  }

  func alerts(_ request: Request, _ workspace: Workspace) -> Response { JSONAnswer.success("{\"alerts\":[]}") }

  func alertmanagers(_ request: Request, _ workspace: Workspace) -> Response {
    JSONAnswer.success("{\"activeAlertmanagers\":[],\"droppedAlertmanagers\":[]}")
  }

  /// The words that Go takes for a truth value, in small letters.
  private static let booleans = ["1", "t", "true", "0", "f", "false"]

  private func checkLimit(_ text: String) throws(APIError) {
    let reason: String
    if let number = Int32(text) {
      if number > 0 { return }
      reason = "group_limit needs to be greater than 0"
    } else {
      reason =
        "group_limit needs to be a valid number: strconv.ParseInt: parsing \(QuotedText.double(text)): "
        + Parameters.whyNoNumber(text)
    }
    throw .invalidParameter("group_limit", reason)
  }
}

extension Request {
  /// The first value of a name; empty where there is none.
  func queryParameter(_ name: String) -> String { parameter(name) ?? "" }
}

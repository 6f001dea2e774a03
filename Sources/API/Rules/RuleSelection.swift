import Format
import HTTP
import Model
import PromQL
import Rules

/// The rules that a request of `/api/v1/rules` asks for, and the page of them. A value.
struct RuleSelection {
  /// Nil: both kinds.
  let wantsAlerting: Bool?
  let excludesAlerts: Bool
  /// True if members that Prometheus does not have are told, too (`details`).
  let tellsDetails: Bool
  private let matchers: [[CompiledMatcher]]
  private let ruleNames: Set<String>
  private let groupNames: Set<String>
  private let files: Set<String>
  private let state: String
  private let health: String
  /// The most groups of a page; nil: all groups.
  private let groupsMax: Int?
  private let token: String

  init(_ request: Request) throws(APIError) {
    matchers = try LabelSelection.matchers(request)
    let kind = request.queryParameter("type").lowercased()
    guard ["", "alert", "record"].contains(kind) else {
      throw .invalidParameter("type", "not supported value \(QuotedText.double(kind))")
    }
    wantsAlerting = kind.isEmpty ? nil : kind == "alert"
    excludesAlerts = try Self.boolean(request, "exclude_alerts")
    tellsDetails = try Self.boolean(request, "details")
    // Mimir and Grafana write the names of lists without brackets.
    func names(_ name: String) -> Set<String> {
      Set(request.parameterValues(name + "[]") + request.parameterValues(name).filter { !$0.isEmpty })
    }
    ruleNames = names("rule_name")
    groupNames = names("rule_group")
    files = names("file")
    state = try Self.word(request, "state", ["firing", "pending", "inactive", "unknown"])
    health = try Self.word(request, "health", ["unknown", "ok", "err"])
    (groupsMax, token) = try Self.page(request)
  }

  /// A truth value as Go reads it, in any case.
  private static func boolean(_ request: Request, _ name: String) throws(APIError) -> Bool {
    let text = request.queryParameter(name).lowercased()
    switch text {
    case "1", "t", "true": return true
    case "", "0", "f", "false": return false
    default:
      throw .invalidParameter(
        name, "error converting \(name): strconv.ParseBool: parsing \(QuotedText.double(text)): invalid syntax")
    }
  }

  /// One of some words, in any case; empty where the parameter is not given. Cortex's filters.
  private static func word(_ request: Request, _ name: String, _ words: [String]) throws(APIError) -> String {
    let text = request.queryParameter(name).lowercased()
    if text.isEmpty || words.contains(text) { return text }
    throw .invalidParameter(name, "not supported value \(QuotedText.double(text))")
  }

  private static func page(_ request: Request) throws(APIError) -> (groupsMax: Int?, token: String) {
    let limit = request.queryParameter("group_limit")
    let token = request.queryParameter("group_next_token")
    if limit.isEmpty {
      if token.isEmpty { return (nil, "") }
      throw .invalidParameter(
        "group_next_token", "group_limit needs to be present in order to paginate over the groups")
    }
    guard let number = Int32(limit) else {
      throw .invalidParameter(
        "group_limit",
        "group_limit needs to be a valid number: strconv.ParseInt: parsing \(QuotedText.double(limit)): "
          + Parameters.whyNoNumber(limit))
    }
    if number <= 0 { throw .invalidParameter("group_limit", "group_limit needs to be greater than 0") }
    return (Int(number), token)
  }

  /// The groups of the page, each with the rules that are asked for, sorted by file and name; a group without any is
  /// left out. `next`: the token of the page behind it, nil where there is none.
  func page(of all: [RuleGroupView]) throws(APIError) -> (groups: [RuleGroupView], next: String?) {
    var isPast = groupsMax == nil || token.isEmpty
    var page: [RuleGroupView] = []
    for group in all.sorted(by: { ($0.file, $0.name) < ($1.file, $1.name) }) {
      if !isPast, Self.token(of: group) != token { continue }
      isPast = true
      if !groupNames.isEmpty, !groupNames.contains(group.name) { continue }
      if !files.isEmpty, !files.contains(group.file) { continue }
      var kept = group
      kept.rules = group.rules.filter(isWanted)
      if kept.rules.isEmpty { continue }
      if page.count == groupsMax { return (page, Self.token(of: group)) }
      page.append(kept)
    }
    if isPast { return (page, nil) }
    throw .invalidParameter("group_next_token", "invalid group_next_token '\(token)'. were rule groups changed?")
  }

  private func isWanted(_ rule: RuleView) -> Bool {
    let definition = rule.definition
    let isAlerting = definition.alert != nil
    if let wantsAlerting, wantsAlerting != isAlerting { return false }
    if !ruleNames.isEmpty, !ruleNames.contains(definition.name) { return false }
    // A recording rule has no state.
    if !state.isEmpty, !isAlerting || rule.stateWord != state { return false }
    if !health.isEmpty, rule.health.rawValue != health { return false }
    return matchers.isEmpty || matchers.contains { set in set.allSatisfy { matches($0, definition.labels) } }
  }

  /// True if the label as written matches: templates are not expanded.
  private func matches(_ matcher: CompiledMatcher, _ labels: [TemplateField]) -> Bool {
    matcher.matches(labels.first { $0.name == matcher.matcher.name }?.text ?? "")
  }

  /// Names a group to the request for the page that begins with it.
  static func token(of group: RuleGroupView) -> String {
    SHA256.hexDigest(of: Array("\(group.file);\(group.name)".utf8))
  }
}

extension RuleView {
  /// The state of an alerting rule in the API's words.
  var stateWord: String { state?.word ?? "unknown" }
}

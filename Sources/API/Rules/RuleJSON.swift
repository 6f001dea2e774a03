import Format
import Model
import Platform
import PromQL
import Rules

/// Rules, groups and alerts as Prometheus's API has them, each in parts that can be written one after the other. Pure.
enum RuleJSON {
  /// Prometheus's zero time.
  static let never = "0001-01-01T00:00:00Z"

  /// A group up to its first rule.
  static func open(_ group: RuleGroupView, _ json: inout JSONBuffer) {
    json.raw("{\"name\":")
    json.pageString(group.name)
    json.raw(",\"file\":")
    json.pageString(group.file)
    json.raw(",\"rules\":[")
  }

  /// The rest of a group behind its last rule.
  static func close(_ group: RuleGroupView, tellsDetails: Bool, _ json: inout JSONBuffer) {
    json.raw("],\"interval\":")
    json.number(Double(group.intervalMilliseconds) / 1000)
    json.raw(",\"limit\":\(group.limit)")
    if tellsDetails {
      json.raw(",\"queryOffset\":")
      json.number(Double(group.queryOffsetMilliseconds) / 1000)
    }
    evaluation(group.evaluationSeconds, group.lastEvaluation, &json)
    json.raw("}")
  }

  /// A rule: of an alerting one the part before its alerts.
  static func open(_ rule: RuleView, _ json: inout JSONBuffer) {
    json.raw("{")
    if rule.definition.alert != nil { json.raw("\"state\":\"\(rule.stateWord)\",") }
    json.raw("\"name\":")
    json.pageString(rule.definition.name)
    json.raw(",\"query\":")
    json.pageString(rule.query)
    if let terms = rule.definition.alert {
      json.raw(",\"duration\":")
      json.number(Double(terms.holdMilliseconds) / 1000)
      json.raw(",\"keepFiringFor\":")
      json.number(Double(terms.keepFiringMilliseconds) / 1000)
    }
    json.raw(",\"labels\":")
    fields(rule.definition.labels, &json)
    if let terms = rule.definition.alert {
      json.raw(",\"annotations\":")
      fields(terms.annotations, &json)
      json.raw(",\"alerts\":")
    }
  }

  /// The rest of a rule.
  static func close(_ rule: RuleView, tellsDetails: Bool, _ json: inout JSONBuffer) {
    json.raw(",\"health\":\"\(rule.health.rawValue)\"")
    if !rule.lastError.isEmpty {
      json.raw(",\"lastError\":")
      json.pageString(rule.lastError)
    }
    if tellsDetails, let found = rule.seriesFound { json.raw(",\"seriesFound\":\(found)") }
    evaluation(rule.evaluationSeconds, rule.lastEvaluation, &json)
    json.raw(",\"type\":\"\(rule.definition.alert == nil ? "recording" : "alerting")\"}")
  }

  static func alert(_ alert: AlertInstance, _ json: inout JSONBuffer) {
    json.raw("{\"labels\":")
    json.labels(alert.labels)
    json.raw(",\"annotations\":")
    json.labels(alert.annotations)
    json.raw(",\"state\":\"\(alert.state.word)\",\"activeAt\":")
    time(alert.activeAt, &json)
    if let since = alert.keepFiringSince {
      json.raw(",\"keepFiringSince\":")
      time(since, &json)
    }
    json.raw(",\"value\":")
    // A native histogram has no number of its own.
    if case .float(let value) = alert.value { json.scientificValue(value) } else { json.scientificValue(0) }
    json.raw("}")
  }

  /// A time as Go writes it, without zeros at the end of its fraction.
  static func time(_ milliseconds: Int64?, _ json: inout JSONBuffer) {
    json.raw("\"")
    json.raw(milliseconds.map(TimeText.shortText(milliseconds:)) ?? never)
    json.raw("\"")
  }

  private static func evaluation(_ seconds: Double, _ time: Int64?, _ json: inout JSONBuffer) {
    json.raw(",\"evaluationTime\":")
    json.number(seconds.isFinite ? seconds : 0)
    json.raw(",\"lastEvaluation\":")
    self.time(time, &json)
  }

  /// Labels or annotations as they are written, templates among them.
  private static func fields(_ fields: [TemplateField], _ json: inout JSONBuffer) {
    json.raw("{")
    for (index, field) in fields.enumerated() {
      if index > 0 { json.raw(",") }
      json.string(field.name)
      json.raw(":")
      json.string(field.text)
    }
    json.raw("}")
  }
}

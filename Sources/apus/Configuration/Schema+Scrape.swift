import Model

extension Schema {
  static let relabel = RelabelRule.section.schema

  static let alerting = Schema(
    "alerting",
    [
      SchemaKey("alert_relabel_configs", .list(.section(relabel))),
      SchemaKey("alertmanagers", .list(.section(alertmanager))),
    ])

  static let alertmanager = Schema(
    "alertmanager",
    [
      SchemaKey("sigv4", .section(sigv4)),
      SchemaKey("scheme", .text, "http"),
      SchemaKey("path_prefix", .text),
      SchemaKey("timeout", .duration, "10s"),
      SchemaKey("api_version", .choice(["v2"]), "v2"),
    ] + httpClientKeys + [
      SchemaKey("relabel_configs", .list(.section(relabel))),
      SchemaKey("alert_relabel_configs", .list(.section(relabel))),
    ] + discoveryKeys,
    rules: httpClientRules + [
      .atMostOne(["basic_auth", "authorization", "oauth2", "sigv4"]), .check(SchemaRules.staticTargetsAreHosts),
    ])
}

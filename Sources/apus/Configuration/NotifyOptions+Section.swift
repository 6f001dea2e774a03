import Discovery
import Model
import Notify
import Outbound

extension NotifyOptions {
  /// The section `alerting`.
  static let section = Section(
    "alerting", NotifyOptions(),
    [
      .sections("alert_relabel_configs", \.relabelling, RelabelRule.section),
      .sections("alertmanagers", \.alertmanagers, AlertmanagerSetOptions.section),
    ])

  /// The same with the paths of its files as they are opened.
  func resolved(in directory: String) -> NotifyOptions {
    var options = self
    options.receivers = receivers.map { $0.resolved(in: directory) }
    for place in alertmanagers.indices {
      options.alertmanagers[place].client.setDirectory(directory)
      options.alertmanagers[place].discoveries = alertmanagers[place].discoveries.map { $0.resolved(in: directory) }
    }
    return options
  }
}

extension AlertmanagerSetOptions {
  /// An entry of `alerting.alertmanagers`.
  static let section = Section(
    "alertmanager", AlertmanagerSetOptions(),
    [
      RequestSigning.setting(at: \.signing),
      .text("scheme", \.scheme),
      .text("path_prefix", \.pathPrefix, isShown: false),
      .duration("timeout", \.timeoutMilliseconds),
      // There is only one.
      .custom(SchemaKey("api_version", .choice(["v2"]), "v2")) { _, _ in },
    ] + ClientSettings.settings(at: \.client) + [
      .sections("relabel_configs", \.relabelling, RelabelRule.section),
      .sections("alert_relabel_configs", \.alertRelabelling, RelabelRule.section),
    ] + DiscoveryOptions.settings.map { $0.at(\.discoveries) },
    rules: ClientSettings.rules + [
      .check(SchemaRules.credentialsAreNotSigned), .check(SchemaRules.staticTargetsAreHosts),
    ])
}

extension RequestSigning {
  /// The key `sigv4` of a section whose requests may be signed; it has the rule `credentialsAreNotSigned` too.
  static func setting<Whole: Sendable>(
    at path: WritableKeyPath<Whole, RequestSigning?> & Sendable
  ) -> Setting<Whole> {
    Setting("sigv4", key: { _ in SchemaKey("sigv4", .section(section.schema)) }) { value, whole, faults in
      guard let part = value.section("sigv4") else { return }
      var signing = RequestSigning()
      section.fill(&signing, from: part, &faults)
      whole[keyPath: path] = signing
    }
  }

  /// `sigv4`.
  static let section = Section(
    "sigv4", RequestSigning(),
    AWSSettings.settings.map { $0.at(\.access) } + [
      .boolean("use_fips_sts_endpoint", \.usesFIPS, isShown: false),
      .custom(SchemaKey("service_name", .text)) { section, signing in
        if let name = section.text("service_name"), !name.isEmpty { signing.service = name }
      },
    ],
    rules: [
      .check(SchemaRules.keysBelongTogether)
    ])
}

extension SchemaRules {
  @Sendable static func keysBelongTogether(_ section: SectionValue) -> RuleViolation? {
    let isKeyGiven = !(section.text("access_key") ?? "").isEmpty
    if isKeyGiven == !(section.text("secret_key") ?? "").isEmpty { return nil }
    return RuleViolation(
      "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config",
      at: isKeyGiven ? "access_key" : "secret_key")
  }

  @Sendable static func credentialsAreNotSigned(_ section: SectionValue) -> RuleViolation? {
    let isAuthorized = ["basic_auth", "authorization", "oauth2", "bearer_token", "bearer_token_file"].contains {
      section.isGiven($0)
    }
    return isAuthorized && section.isGiven("sigv4")
      ? RuleViolation("at most one of basic_auth, authorization, oauth2, & sigv4 must be configured", at: "sigv4") : nil
  }
}

import Model

/// Conditions between keys, as in Prometheus. The name of each says what must hold.
enum SchemaRules {
  @Sendable static func timeoutFitsInterval(_ section: SectionValue) -> RuleViolation? {
    guard let timeout = section.milliseconds("scrape_timeout"), section.isGiven("scrape_timeout"),
      let interval = section.milliseconds("scrape_interval"), interval > 0, timeout > interval
    else { return nil }
    return RuleViolation("scrape_timeout is greater than scrape_interval", at: "scrape_timeout")
  }

  @Sendable static func protocolsAreUnique(_ section: SectionValue) -> RuleViolation? {
    guard section.isGiven("scrape_protocols") else { return nil }
    let protocols = section.texts("scrape_protocols")
    if protocols.isEmpty { return RuleViolation("scrape_protocols is empty", at: "scrape_protocols") }
    if Set(protocols.map { $0.lowercased() }).count < protocols.count {
      return RuleViolation("scrape_protocols names one twice", at: "scrape_protocols")
    }
    return nil
  }

  @Sendable static func jobNamesAreUnique(_ root: SectionValue) -> RuleViolation? {
    firstTwice(root.sections("scrape_configs").compactMap { $0.text("job_name") }).map {
      RuleViolation("two scrape configs have the job_name \($0)", at: "scrape_configs")
    }
  }

  @Sendable static func remoteNamesAreUnique(_ root: SectionValue) -> RuleViolation? {
    for key in ["remote_write", "remote_read"] {
      let names = root.sections(key).compactMap { $0.text("name") }.filter { !$0.isEmpty }
      if let name = firstTwice(names) { return RuleViolation("two of \(key) have the name \(name)", at: key) }
    }
    return nil
  }

  /// A target is a host with a port, not a URL; relabelling may still make one of what is written.
  @Sendable static func staticTargetsAreHosts(_ section: SectionValue) -> RuleViolation? {
    guard section.sections("relabel_configs").isEmpty else { return nil }
    let targets = section.sections("static_configs").flatMap { $0.texts("targets") }
    return targets.first { $0.contains("/") }.map {
      RuleViolation("\(quoted($0)) is not a valid hostname", at: "static_configs")
    }
  }

  private static let reservedHeaders: Set<String> = [
    "authorization", "host", "content-encoding", "content-length", "content-type", "user-agent", "connection",
    "keep-alive", "proxy-authenticate", "proxy-authorization", "www-authenticate", "accept-encoding",
    "x-prometheus-remote-write-version", "x-prometheus-remote-read-version", "x-amz-date", "x-amz-security-token",
    "x-amz-content-sha256",
  ]

  /// Headers that the client sets itself cannot be set by hand.
  @Sendable static func headersAreFree(_ section: SectionValue) -> RuleViolation? {
    guard section.schema["headers"] != nil else { return nil }
    return section.pairs("headers").first { reservedHeaders.contains($0.name.lowercased()) }.map {
      RuleViolation("the header \($0.name) cannot be set here", at: "headers")
    }
  }

  @Sendable static func queueBoundsAreOrdered(_ queue: SectionValue) -> RuleViolation? {
    if let low = queue.integer("min_shards"), let high = queue.integer("max_shards"), low > high {
      return RuleViolation("min_shards is greater than max_shards", at: "min_shards")
    }
    if let low = queue.milliseconds("min_backoff"), let high = queue.milliseconds("max_backoff"), low > high {
      return RuleViolation("min_backoff is greater than max_backoff", at: "min_backoff")
    }
    return nil
  }

  @Sendable static func attributesAreClear(_ otlp: SectionValue) -> RuleViolation? {
    let all = otlp.boolean("promote_all_resource_attributes") ?? false
    if all && !otlp.texts("promote_resource_attributes").isEmpty {
      return RuleViolation(
        "promote_all_resource_attributes and promote_resource_attributes exclude each other",
        at: "promote_resource_attributes")
    }
    if !all && !otlp.texts("ignore_resource_attributes").isEmpty {
      return RuleViolation(
        "ignore_resource_attributes needs promote_all_resource_attributes: true", at: "ignore_resource_attributes")
    }
    for key in ["promote_resource_attributes", "ignore_resource_attributes"] {
      let names = otlp.texts(key)
      if names.contains("") { return RuleViolation("an empty name", at: key) }
      if let name = firstTwice(names) { return RuleViolation("\(name) is named twice", at: key) }
    }
    return nil
  }

  /// Names that only UTF-8 allows cannot come out of a translation where UTF-8 is turned off.
  @Sendable static func translationFitsNames(_ root: SectionValue) -> RuleViolation? {
    guard root.section("global")?.text("metric_name_validation_scheme") == "legacy" else { return nil }
    let workspaces = root.section("apus")?.sections("workspaces") ?? []
    for section in ([root] + workspaces).compactMap({ $0.section("otlp") }) {
      let strategy = section.text("translation_strategy") ?? ""
      if strategy != "NoTranslation" && strategy != "NoUTF8EscapingWithSuffixes" { continue }
      return RuleViolation(
        "the translation_strategy \(strategy) needs metric_name_validation_scheme: utf8", position: section.position)
    }
    return nil
  }

  @Sendable static func escapingFitsNames(_ scrape: SectionValue) -> RuleViolation? {
    guard scrape.text("metric_name_validation_scheme") == "legacy",
      scrape.text("metric_name_escaping_scheme") == "allow-utf-8"
    else { return nil }
    return RuleViolation(
      "allow-utf-8 needs metric_name_validation_scheme: utf8", at: "metric_name_escaping_scheme")
  }

  @Sendable static func retentionIsAboveZero(_ rule: SectionValue) -> RuleViolation? {
    (rule.milliseconds("retention") ?? 0) <= 0
      ? RuleViolation("a retention rule needs a retention above 0s", at: "retention") : nil
  }

  static func firstTwice(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
  }
}

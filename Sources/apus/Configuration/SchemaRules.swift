/// Conditions between keys, as in Prometheus. Each is named for what must hold.
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
      RuleViolation("\($0) is not a host name", at: "static_configs")
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

  @Sendable static func proxyIsClear(_ section: SectionValue) -> RuleViolation? {
    let url = !(section.text("proxy_url") ?? "").isEmpty
    let exceptions = !(section.text("no_proxy") ?? "").isEmpty
    let environment = section.boolean("proxy_from_environment") ?? false
    if environment && url { return RuleViolation("proxy_url and proxy_from_environment exclude each other") }
    if environment && exceptions { return RuleViolation("no_proxy and proxy_from_environment exclude each other") }
    if exceptions && !url { return RuleViolation("no_proxy needs a proxy_url", at: "no_proxy") }
    if case .map(let headers) = section["proxy_connect_header"], !headers.isEmpty, !url, !environment {
      return RuleViolation(
        "proxy_connect_header needs a proxy_url or proxy_from_environment", at: "proxy_connect_header")
    }
    return nil
  }

  @Sendable static func certificateHasKey(_ tls: SectionValue) -> RuleViolation? {
    let certificate = ["cert", "cert_file", "cert_ref"].contains { !(tls.text($0) ?? "").isEmpty }
    let key = ["key", "key_file", "key_ref"].contains { !(tls.text($0) ?? "").isEmpty }
    return certificate == key ? nil : RuleViolation("a certificate and its key belong together")
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

  @Sendable static func dnsHasPort(_ dns: SectionValue) -> RuleViolation? {
    let type = dns.text("type")?.lowercased() ?? "srv"
    return type != "srv" && dns.integer("port") ?? 0 == 0
      ? RuleViolation("a port is needed for all types but SRV") : nil
  }

  @Sendable static func discoveryFilesAreReadable(_ discovery: SectionValue) -> RuleViolation? {
    discovery.texts("files").first { file in
      let star = file.firstIndex(of: "*") ?? file.endIndex
      return file[star...].contains("/")
        || ![".json", ".yml", ".yaml", ".JSON", ".YML", ".YAML"].contains { file.hasSuffix($0) }
    }.map { RuleViolation("\($0) cannot be read for targets (expected a .json, .yml or .yaml file)", at: "files") }
  }

  @Sendable static func urlIsHTTP(_ section: SectionValue) -> RuleViolation? {
    guard let url = section.text("url") else { return nil }
    let isHTTP = ["http://", "https://"].contains { url.hasPrefix($0) && url.count > $0.count }
    return isHTTP ? nil : RuleViolation("the url needs http:// or https:// and a host", at: "url")
  }

  @Sendable static func kubernetesIsClear(_ discovery: SectionValue) -> RuleViolation? {
    let server = discovery.isGiven("api_server")
    let file = !(discovery.text("kubeconfig_file") ?? "").isEmpty
    if server && file { return RuleViolation("api_server and kubeconfig_file exclude each other", at: "api_server") }
    let own = discovery.section("namespaces")?.boolean("own_namespace") ?? false
    if own && (server || file) {
      return RuleViolation("own_namespace needs the cluster's own API server", at: "namespaces")
    }
    return nil
  }

  @Sendable static func haLabelsDiffer(_ ha: SectionValue) -> RuleViolation? {
    ha.text("cluster_label") == ha.text("replica_label")
      ? RuleViolation("cluster_label and replica_label are the same", at: "replica_label") : nil
  }

  private static func firstTwice(_ names: [String]) -> String? {
    var seen: Set<String> = []
    return names.first { !seen.insert($0).inserted }
  }
}

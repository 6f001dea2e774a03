import Discovery

extension Schema {
  /// `static_configs` and every `..._sd_configs`, for scrape configs and alertmanagers.
  static let discoveryKeys: [SchemaKey] = DiscoveryOptions.settings.map { $0.key([]) }

  /// The mechanisms that this version does not serve.
  static let otherDiscoveries: [Schema] = cloudDiscoveries + localDiscoveries

  private static let refresh = SchemaKey("refresh_interval", .duration)
  private static let port = SchemaKey("port", .integer(.min...(.max)))

  private static func texts(_ names: String...) -> [SchemaKey] { names.map { SchemaKey($0, .text) } }

  private static func withHTTP(_ name: String, _ keys: [SchemaKey], rules: [SchemaRule] = []) -> Schema {
    let own = Set(keys.map(\.name))
    return Schema(name, keys + httpClientKeys.filter { !own.contains($0.name) }, rules: httpClientRules + rules)
  }

  private static let filter = Schema(
    "filter", [SchemaKey("name", .text), SchemaKey("values", .list(.text), isRequired: true)])

  private static func amazon(_ name: String, _ more: [SchemaKey] = []) -> Schema {
    withHTTP(
      name,
      texts("region", "endpoint", "access_key", "profile", "role_arn", "external_id")
        + [SchemaKey("secret_key", .secret), refresh, port] + more)
  }

  private static let clusters: [SchemaKey] = [
    SchemaKey("clusters", .list(.text)), SchemaKey("request_concurrency", .integer(.min...(.max))),
  ]
  private static let filters = SchemaKey("filters", .list(.section(filter)))

  private static let cloudDiscoveries: [Schema] = [
    amazon("elasticache", clusters),
    amazon("lightsail"),
    amazon("msk", clusters),
    amazon("rds", clusters + [filters]),
    withHTTP(
      "azure",
      texts("environment", "tenant_id", "client_id", "authentication_method", "resource_group") + [
        SchemaKey("subscription_id", .text, isRequired: true), SchemaKey("client_secret", .secret), refresh, port,
      ], rules: [.check(SchemaRules.azureIsComplete)]),
    withHTTP("digitalocean", [refresh, port, SchemaKey("role", .text)]),
    Schema(
      "gce",
      texts("filter", "tag_separator") + [
        SchemaKey("project", .text, isRequired: true), SchemaKey("zone", .text, isRequired: true), refresh, port,
      ]),
    withHTTP("hetzner", texts("label_selector") + [SchemaKey("role", .text, isRequired: true), refresh, port]),
    withHTTP("ionos", [SchemaKey("datacenter_id", .text, isRequired: true), refresh, port]),
    withHTTP("linode", texts("tag_separator", "region") + [refresh, port]),
    withHTTP(
      "oci",
      texts("auth", "tenancy", "user", "fingerprint", "key_file", "key_passphrase_file", "region") + [
        SchemaKey("key_passphrase", .secret), SchemaKey("compartments", .list(.text)), refresh, port,
      ]),
    Schema(
      "openstack",
      texts(
        "identity_endpoint", "username", "userid", "project_name", "project_id", "domain_name", "domain_id",
        "application_credential_name", "application_credential_id")
        + [
          SchemaKey("password", .secret), SchemaKey("application_credential_secret", .secret),
          SchemaKey("role", .choice(["hypervisor", "instance", "loadbalancer"]), isRequired: true),
          SchemaKey("region", .text, isRequired: true), SchemaKey("all_tenants", .boolean),
          SchemaKey("tls_config", .section(tls)),
          SchemaKey("availability", .choice(["public", "admin", "internal"])), refresh, port,
        ]),
    withHTTP(
      "outscale",
      texts("endpoint", "access_key", "secret_key_file") + [
        SchemaKey("region", .text, isRequired: true), SchemaKey("secret_key", .secret), refresh, port,
      ], rules: [.atMostOne(["secret_key", "secret_key_file"])]),
    Schema(
      "ovhcloud",
      texts("endpoint", "application_key") + [
        SchemaKey("application_secret", .secret), SchemaKey("consumer_key", .secret), refresh,
        SchemaKey("service", .choice(["vps", "dedicated_server"]), isRequired: true),
      ]),
    withHTTP(
      "scaleway",
      texts("api_url", "zone", "access_key", "secret_key_file", "name_filter") + [
        SchemaKey("project_id", .text, isRequired: true), SchemaKey("secret_key", .secret),
        SchemaKey("tags_filter", .list(.text)),
        SchemaKey("role", .choice(["instance", "baremetal"]), isRequired: true), refresh, port,
      ]),
    withHTTP(
      "stackit",
      texts("project", "region", "endpoint", "service_account_key_path", "private_key_path", "credentials_file_path")
        + [SchemaKey("service_account_key", .secret), SchemaKey("private_key", .secret), refresh, port]),
    Schema(
      "triton",
      texts("role") + [
        SchemaKey("account", .text, isRequired: true), SchemaKey("dns_suffix", .text, isRequired: true),
        SchemaKey("endpoint", .text, isRequired: true), SchemaKey("groups", .list(.text)), refresh, port,
        SchemaKey("tls_config", .section(tls)), SchemaKey("version", .integer(.min...(.max))),
      ]),
    withHTTP("vultr", [refresh, port]),
  ]

  private static let localDiscoveries: [Schema] = [
    withHTTP(
      "docker",
      texts("host_networking_host") + [
        SchemaKey("host", .text, isRequired: true), port, filters, refresh, SchemaKey("match_first_network", .boolean),
      ]),
    withHTTP(
      "dockerswarm",
      [
        SchemaKey("host", .text, isRequired: true),
        SchemaKey("role", .choice(["services", "nodes", "tasks"]), isRequired: true), port, filters, refresh,
      ]),
    withHTTP("eureka", [SchemaKey("server", .url, isRequired: true), refresh]),
    withHTTP(
      "kuma",
      [
        SchemaKey("server", .url, isRequired: true), refresh, SchemaKey("fetch_timeout", .duration),
        SchemaKey("client_id", .text),
      ]),
    withHTTP(
      "marathon",
      [
        SchemaKey("servers", .list(.text), isRequired: true), refresh, SchemaKey("auth_token", .secret),
        SchemaKey("auth_token_file", .text),
      ],
      rules: [
        .atMostOne(["auth_token", "auth_token_file", "basic_auth", "authorization", "bearer_token"]),
        .atMostOne(["auth_token", "auth_token_file", "bearer_token_file"]),
      ]),
    zookeeper("nerve"),
    zookeeper("serverset"),
    withHTTP(
      "nomad",
      texts("namespace", "region", "tag_separator") + [
        SchemaKey("server", .text, isRequired: true), SchemaKey("allow_stale", .boolean), refresh,
      ]),
    withHTTP(
      "puppetdb",
      [
        SchemaKey("url", .url, isRequired: true), SchemaKey("query", .text, isRequired: true),
        SchemaKey("include_parameters", .boolean), refresh, port,
      ], rules: [.check(SchemaRules.urlIsHTTP)]),
    withHTTP(
      "uyuni",
      texts("entitlement", "separator") + [
        SchemaKey("server", .url, isRequired: true), SchemaKey("username", .text, isRequired: true),
        SchemaKey("password", .secret, isRequired: true), refresh,
      ]),
  ]

  private static func zookeeper(_ name: String) -> Schema {
    Schema(
      name,
      [
        SchemaKey("servers", .list(.text), isRequired: true), SchemaKey("paths", .list(.text), isRequired: true),
        SchemaKey("timeout", .duration),
      ])
  }
}

extension Schema {
  static let remoteWrite = Schema(
    "remote_write",
    [
      SchemaKey("url", .url, isRequired: true),
      SchemaKey("remote_timeout", .duration, "30s"),
      SchemaKey("headers", .map(.text)),
      SchemaKey("write_relabel_configs", .list(.section(relabel))),
      SchemaKey("name", .text),
      SchemaKey("send_exemplars", .boolean),
      SchemaKey("send_native_histograms", .boolean),
      SchemaKey("round_robin_dns", .boolean),
      SchemaKey(
        "protobuf_message", .choice(["prometheus.WriteRequest", "io.prometheus.write.v2.Request"]),
        "prometheus.WriteRequest"),
      SchemaKey("failed_request_logging", .boolean),
    ]
      + httpClientKeys.map { $0.name == "enable_http2" ? SchemaKey("enable_http2", .boolean, "false") : $0 } + [
        SchemaKey("queue_config", .section(queue), "{}"),
        SchemaKey("metadata_config", .section(metadata), "{}"),
        SchemaKey("sigv4", .section(sigv4)),
        SchemaKey("azuread", .section(azureAD)),
        SchemaKey(
          "google_iam", .section(Schema("google_iam", [SchemaKey("credentials_file", .text, isRequired: true)]))),
      ],
    rules: httpClientRules + [
      .atMostOne(["basic_auth", "authorization", "oauth2", "sigv4", "azuread", "google_iam"])
    ])

  static let queue = Schema(
    "queue_config",
    [
      SchemaKey("capacity", .integer(1...(.max)), "10000"),
      SchemaKey("max_shards", .integer(1...(.max)), "50"),
      SchemaKey("min_shards", .integer(1...(.max)), "1"),
      SchemaKey("max_samples_per_send", .integer(1...(.max)), "2000"),
      SchemaKey("batch_send_deadline", .duration, "5s"),
      SchemaKey("min_backoff", .duration, "30ms"),
      SchemaKey("max_backoff", .duration, "5s"),
      SchemaKey("retry_on_http_429", .boolean),
      SchemaKey("sample_age_limit", .duration),
    ], rules: [.check(SchemaRules.queueBoundsAreOrdered)])

  static let metadata = Schema(
    "metadata_config",
    [
      SchemaKey("send", .boolean, "true"), SchemaKey("send_interval", .duration, "1m"),
      SchemaKey("max_samples_per_send", .integer(.min...(.max)), "2000"),
    ])

  static let remoteRead = Schema(
    "remote_read",
    [
      SchemaKey("url", .url, isRequired: true),
      SchemaKey("remote_timeout", .duration, "1m"),
      SchemaKey("chunked_read_limit", .count, "50000000"),
      SchemaKey("headers", .map(.text)),
      SchemaKey("read_recent", .boolean),
      SchemaKey("name", .text),
    ] + httpClientKeys + [
      SchemaKey("required_matchers", .labels),
      SchemaKey("filter_external_labels", .boolean, "true"),
    ], rules: httpClientRules)

  static let azureAD = Schema(
    "azuread",
    [
      SchemaKey("cloud", .text, "AzurePublic"),
      SchemaKey("managed_identity", .section(Schema("managed_identity", [SchemaKey("client_id", .text)]))),
      SchemaKey(
        "workload_identity",
        .section(
          Schema(
            "workload_identity",
            [SchemaKey("client_id", .text), SchemaKey("tenant_id", .text), SchemaKey("token_file_path", .text)]))),
      SchemaKey(
        "oauth",
        .section(
          Schema(
            "oauth",
            [SchemaKey("client_id", .text), SchemaKey("client_secret", .secret), SchemaKey("tenant_id", .text)]))),
      SchemaKey("sdk", .section(Schema("sdk", [SchemaKey("tenant_id", .text)]))),
      SchemaKey(
        "certificate",
        .section(
          Schema(
            "certificate",
            [
              SchemaKey("client_id", .text), SchemaKey("tenant_id", .text), SchemaKey("certificate_path", .text),
              SchemaKey("certificate_key_path", .text), SchemaKey("certificate_password", .secret),
              SchemaKey("send_certificate_chain", .boolean),
            ]))),
      SchemaKey("scope", .text),
    ], rules: [.atMostOne(["managed_identity", "workload_identity", "oauth", "sdk", "certificate"])])
}

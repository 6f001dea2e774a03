extension FlagTable {
  static let web: [Flag] = [
    Flag(
      "web.listen-address", .listenAddress, "0.0.0.0:9090", isRepeatable: true,
      "Address to listen on. Can be given several times."),
    Flag(
      "web.config.file", .text, "",
      "File with certificates, users, headers and a rate limit, as Prometheus has it: see security.md. Read again when it changes."
    ),
    Flag(
      "web.credentials-file", .text, "",
      "File with those who may use the server, and what for: see security.md. Read again when it changes."),
    Flag(
      "web.health-without-credentials", .boolean, "false",
      "Answer /-/healthy and /-/ready to everybody, also where credentials are asked for."),
    Flag(
      "web.read-timeout", .duration, "5m",
      "The longest the reading of a request may take; idle connections are closed after it."),
    Flag(
      "web.max-connections", .integer(1...1_000_000), "512",
      "The most connections at the same time. A few more are answered on /-/healthy, /metrics and the like alone."),
    Flag(
      "web.max-connections-per-address", .integer(0...1_000_000), "0",
      "The most connections of one client address; 0 means three quarters of --web.max-connections."),
    Flag(
      "web.shutdown-grace", .duration, "5s",
      "How long requests may go on once the server is told to stop."),
    Flag(
      "web.http-threads", .integer(0...1024), "0", "Threads that serve connections; 0 means one per processor."),
    Flag("web.max-header-bytes", .size, "64KB", "The most bytes of a request's line and headers."),
    Flag("web.max-body-bytes", .size, "32MB", "The most bytes of a request's body as it arrives."),
    Flag("web.max-decoded-body-bytes", .size, "32MB", "The most bytes of a request's body once decompressed."),
    Flag(
      "web.max-bodies-in-flight-bytes", .size, "256MB",
      "The most bytes of all bodies being received; past it a request is answered with 503."),
    Flag(
      "web.external-url", .text, "",
      "The URL under which the server is reached from outside. Its path becomes the prefix of every route."),
    Flag(
      "web.route-prefix", .text, "", "Prefix of the server's own routes. Defaults to the path of --web.external-url."),
    Flag("web.cors.origin", .text, ".*", "Regular expression of the origins that browsers may call from."),
    Flag(
      "web.page-title", .text, "Prometheus Time Series Collection and Processing Server", use: .accepted,
      "Title of the pages."),
    Flag("web.enable-lifecycle", .boolean, "false", "Allow shutdown and reload by HTTP request."),
    Flag("web.enable-admin-api", .boolean, "false", "Allow the endpoints that delete and snapshot data."),
    Flag(
      "web.enable-rules-api", .boolean, "false",
      "Allow the endpoints that change rule groups, and tell Grafana that they are there."),
    Flag(
      "web.enable-management-api", .boolean, "false",
      "Allow the management API of Amazon Managed Prometheus, which makes and deletes workspaces."),
    Flag(
      "web.management-region", .text, "us-east-1",
      "Region in the ARNs of workspaces that no signed request has made."),
    Flag(
      "web.enable-remote-write-receiver", .boolean, "true",
      "Receive remote write. Always on; the flag is there for command lines that have it."),
    Flag(
      "web.remote-write-receiver.accepted-protobuf-messages", .names,
      "prometheus.WriteRequest,io.prometheus.write.v2.Request", use: .accepted, isRepeatable: true,
      "Remote-write messages to take; here all that are known."),
    Flag(
      "web.enable-otlp-receiver", .boolean, "true",
      "Receive OpenTelemetry metrics. Always on; the flag is there for command lines that have it."),
    Flag(
      "web.max-notifications-subscribers", .integer(0...(.max)), "16", use: .accepted,
      "The most subscribers to live notifications."),
    Flag(
      "web.search.max-limit", .integer(0...(.max)), "10000", use: .accepted,
      "Bound of the search API's limit parameter."),
    Flag("web.console.templates", .text, "consoles", use: .accepted, "Directory of console templates."),
    Flag("web.console.libraries", .text, "console_libraries", use: .accepted, "Directory of console libraries."),
    Flag("web.user-assets", .text, "", use: .accepted, "Directory of static files."),
    Flag(
      "web.local-assets", .text, "", use: .accepted, isHidden: true, "Directory of static files, in Debian's build."),
  ]
}

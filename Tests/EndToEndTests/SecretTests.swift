import Glibc
import TestKit
import Testing

extension EndToEnd {
  /// A server whose every secret is a marker: it is shown nowhere.
  @Suite struct Secrets {
    private static let marker = "ZZmarkerZZ"

    private static let configuration = """
      global: {external_labels: {a: b}, scrape_interval: 1s}
      alerting:
        alertmanagers:
        - {basic_auth: {username: u, password: ZZmarkerZZ1}, static_configs: [{targets: ['127.0.0.1:1']}]}
        - {sigv4: {region: r, access_key: a, secret_key: ZZmarkerZZ2}, static_configs: [{targets: ['127.0.0.1:1']}]}
      remote_write: [{url: 'http://u:ZZmarkerZZ3@127.0.0.1:1/', authorization: {credentials: ZZmarkerZZ4}}]
      rule_files: [rules.yml]
      scrape_configs:
      - {job_name: a, bearer_token: ZZmarkerZZ5, static_configs: [{targets: ['127.0.0.1:1']}]}
      - job_name: b
        http_headers: {X-Key: {secrets: [ZZmarkerZZ6]}}
        proxy_url: 'http://u:ZZmarkerZZ7@127.0.0.1:1'
        static_configs: [{targets: ['127.0.0.1:2']}]
      - job_name: c
        oauth2: {client_id: c, client_secret: ZZmarkerZZ8, token_url: 'http://u:ZZmarkerZZ9@127.0.0.1:1/'}
        static_configs: [{targets: ['127.0.0.1:3']}]
      - {job_name: d, http_sd_configs: [{url: 'http://u:ZZmarkerZZ10@127.0.0.1:1/'}]}
      - {job_name: e, ec2_sd_configs: [{region: r, endpoint: 'http://127.0.0.1:1', access_key: k, secret_key: ZZmarkerZZ11}]}
      - {job_name: f, consul_sd_configs: [{server: '127.0.0.1:1', token: ZZmarkerZZ12}]}
      apus:
        managed_alertmanagers: [{url: 'http://127.0.0.1:1', basic_auth: {username: u, password: ZZmarkerZZ13}}]
        notify:
        - {name: w, webhook: {url: 'http://127.0.0.1:1/ZZmarkerZZ14'}, group_wait: 0s}
        - {name: s, slack: {api_url: 'http://127.0.0.1:1/ZZmarkerZZ15'}, group_wait: 0s}
        - {name: t, sns: {topic_arn: 'arn:aws:sns:r:1:t', api_url: 'http://127.0.0.1:1', sigv4: {access_key: a, secret_key: ZZmarkerZZ16}}}

      """

    /// SHA-256 of `ZZmarkerZZ`.
    private static func credentials(_ digest: String) -> String {
      """
      principals:
        - name: admin
          access_keys: [{id: AKID, secret: ZZmarkerZZ17}]
          bearer_sha256: [\(digest)]
          statements: [{effect: Allow, actions: ["*"], workspaces: ["*"]}]

      """
    }

    private static func paths() throws -> [String] {
      let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
      let page = String(decoding: try #require(readFile(root + "/docs/security.md")), as: UTF8.self)
      return page.split(separator: "\n").compactMap { line in
        guard line.hasPrefix("| `/"), line.contains("| GET") else { return nil }
        let path = line.dropFirst(3).prefix { $0 != "`" }
        return "/"
          + path.split(separator: "/").map { part in
            part == "{workspaceId}" ? "default" : part.hasPrefix("{") ? "x" : String(part)
          }.joined(separator: "/")
      }
    }

    @Test("no answer, no metric and no line of the log shows a secret")
    func everywhere() throws {
      let site = try Site()
      let file = try site.directory.write(Self.configuration, to: "apus.yml")
      try site.directory.write(
        "groups: [{name: g, interval: 1s, rules: [{alert: A, expr: vector(1)}, {record: r, expr: up * on() up}]}]\n",
        to: "rules.yml")
      let own = try #require(try Self.sha256(Self.marker))
      let credentials = try site.directory.write(Self.credentials(own), to: "credentials.yml")
      #expect(chmod(credentials, 0o600) == 0)
      let server = try site.start([
        "--config.file=\(file)", "--web.credentials-file=\(credentials)", "--web.health-without-credentials",
        "--web.enable-admin-api", "--web.enable-rules-api", "--web.enable-lifecycle", "--log.level=debug",
      ])
      let bearer = [("Authorization", "Bearer \(Self.marker)")]
      // Scrapes, rules and notifications have failed by then.
      let hasFailed = try eventually(within: .seconds(30)) {
        let targets = try server.request("GET", "/api/v1/targets", headers: bearer).text
        let alertmanagers = try server.request("GET", "/api/v1/alertmanagers", headers: bearer).text
        return targets.contains("connection refused") && alertmanagers.contains("lastError")
      }
      #expect(hasFailed)
      let paths = try Self.paths()
      #expect(paths.count > 50)
      for query in ["", "?scrapePool=b", "?query=up&match[]=up"] {
        for path in paths {
          let answer = try server.request("GET", path + query, headers: bearer)
          #expect(answer.status != 401 && answer.status != 403, "\(path): \(answer.status)")
          #expect(!answer.text.contains(Self.marker), "\(path)\(query)")
        }
      }
      #expect(try server.request("POST", "/-/reload", headers: bearer).status == 200)
      // Refusals: a wrong token, a wrong password, a signature that is echoed with what should have been signed.
      for header in [
        "Bearer \(Self.marker)x", "Basic dTpaWm1hcmtlclpa",
        "AWS4-HMAC-SHA256 Credential=AKID/20260101/r/aps/aws4_request, SignedHeaders=host;x-amz-date, Signature="
          + String(repeating: "0", count: 64),
      ] {
        let refused = try server.request(
          "GET", "/api/v1/labels", headers: [("Authorization", header), ("X-Amz-Date", "20260101T000000Z")])
        #expect([401, 403].contains(refused.status) && !refused.text.contains(Self.marker), "\(refused.text)")
      }
      server.child.killAndReap()
      for (text, name) in [
        (server.child.standardError.complete(), "standard error"), (server.child.standardOutput.complete(), "output"),
      ] {
        let line = text.split(separator: "\n").first { $0.contains(Self.marker) }
        #expect(line == nil, "\(name)")
      }
    }

    private static func sha256(_ text: String) throws -> String? {
      let child = try ChildProcess("/bin/sh", ["-c", "printf %s \"$0\" | sha256sum", text])
      _ = child.wait(within: .seconds(10))
      return child.standardOutput.text.split(separator: " ").first.map(String.init)
    }
  }
}

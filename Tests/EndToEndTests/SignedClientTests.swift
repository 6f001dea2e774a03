import Glibc
import TestKit
import Testing

extension EndToEnd {
  /// Clients of Amazon Managed Prometheus, which sign their requests, against a server with a credentials file.
  @Suite struct SignedClients {
    private static let principals = """
      principals:
        - name: a
          access_keys: [{id: AKIAA, secret: secret of a}]
          bearer_sha256: [3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0]
          statements: [{effect: Allow, actions: ["*"], workspaces: [a]}]
      """
    private static let bearer = [("Authorization", "Bearer token")]
    private static let root = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
    private static let hasPython = PeerBinary.moto.isExpected
    private static let absence = Comment(rawValue: PeerBinary.moto.absence)

    private static func start(
      _ site: borrowing Site, _ flags: [String] = [], port: UInt16 = FreePort.next()
    ) throws -> ServerProcess {
      let configuration = try site.directory.write("apus: {workspaces: [{id: a}]}\n", to: "apus.yml")
      let file = try site.directory.write(principals, to: "credentials.yml")
      chmod(file, 0o600)
      return try .apus(
        data: site.data,
        ["--config.file=\(configuration)", "--web.credentials-file=\(file)", "--web.health-without-credentials"]
          + flags, port: port)
    }

    /// What a program prints, where it succeeds.
    private static func output(_ program: PeerBinary, _ arguments: [String]) throws -> String {
      let child = try ChildProcess(try program.path(), arguments, environment: ["HOME": "/tmp"])
      let exit = child.wait(within: .seconds(60))
      try #require(exit == .code(0), "\(arguments): \(child.standardOutput.text) \(child.standardError.text)")
      return child.standardOutput.complete()
    }

    private static func series(_ names: [(metric: String, job: String)]) -> RemoteWriteBody {
      var body = RemoteWriteBody()
      for (metric, job) in names { body.add(metric, ["job": job], [(EndToEnd.recentTimestamp(minutesAgo: 1), 1)]) }
      return body
    }

    @Test("awscurl writes, and asks what it has written", .enabled(if: PeerBinary.awscurl.isExpected))
    func awscurl() throws {
      let site = try Site()
      let server = try Self.start(site)
      let workspace = "\(server.baseURL)/workspaces/a/api/v1"
      let keys = ["--service", "aps", "--region", "eu-west-1", "--access_key", "AKIAA", "--secret_key"]
      let file = site.directory.path("body")
      try overwriteFile(file, Self.series([("one", "curl")]).snappy)
      let sending = [
        "-X", "POST", "--data-binary", "-d", "@\(file)", "-H", "Content-Encoding: snappy", "-H",
        "Content-Type: application/x-protobuf", "-H", "X-Prometheus-Remote-Write-Version: 0.1.0", "--fail-with-body",
        "\(workspace)/remote_write",
      ]
      let time = EndToEnd.recentTimestamp(minutesAgo: 1) / 1000
      func ask() throws -> String {
        try Self.output(.awscurl, keys + ["secret of a", "\(workspace)/query?query=one&time=\(time)"])
      }
      let wrong = try ChildProcess(try PeerBinary.awscurl.path(), keys + ["secret of b"] + sending)
      #expect(wrong.wait(within: .seconds(60)) != .code(0))
      #expect(try !ask().contains("\"job\":\"curl\""))
      _ = try Self.output(.awscurl, keys + ["secret of a"] + sending)
      #expect(try ask().contains("\"job\":\"curl\""))
    }

    @Test(
      "selectors in every spelling that botocore signs are understood as they are without a signature",
      .enabled(if: hasPython, absence))
    func selectors() throws {
      let site = try Site()
      let server = try Self.start(site)
      let body = Self.series([
        ("one", "1"), ("two", "2"), ("m", "x"), ("m", "a b"), ("m", "a+b"), ("m", "a%b"), ("m", "a&b"), ("m", "ü"),
        ("name with ü", "named"),
      ])
      let written = try server.request(
        "POST", "/workspaces/a/api/v1/remote_write", headers: RemoteWriteBody.headers + Self.bearer, body: body.snappy)
      try #require(written.status == 200 || written.status == 204, "\(written.text)")
      let lines = try Self.output(
        .moto,
        [
          Self.root + "/Tests/Scripts/signed.py", "queries", "\(server.baseURL)/workspaces/a/api/v1/series", "AKIAA",
          "secret of a",
        ]
      ).split(separator: "\n")
      let both = "[\"1\", \"2\"]"
      let patterned = "[\"a b\", \"a%b\", \"a&b\", \"a+b\", \"x\"]"
      let expected: [String: String] = [
        "brackets": "[\"1\"]", "encoded-brackets": "[\"1\"]", "small-digits": "[\"1\"]", "several": both,
        "several-encoded": both, "both-spellings": both, "braces": "[\"x\"]", "braces-encoded": "[\"x\"]",
        "equals-as-it-is": "[\"x\"]", "blank-as-plus": "[\"a b\"]", "blank-as-percent": "[\"a b\"]",
        "plus": "[\"a+b\"]", "percent": "[\"a%b\"]", "ampersand": "[\"a&b\"]", "utf8": "[\"ü\"]",
        "utf8-small-digits": "[\"ü\"]", "utf8-name": "[\"named\"]", "pattern": patterned,
        "pattern-loosely": patterned, "with-others": "[\"1\"]", "name-alone-behind": "[\"1\"]",
        "params": "[\"a b\"]", "params-plus": "[\"a+b\"]", "params-utf8": "[\"ü\"]",
        "form": "[\"1\"]", "form-encoded": "[\"a b\"]", "form-several": both, "form-and-query": both,
        "form-utf8": "[\"ü\"]",
      ]
      #expect(lines.count == expected.count)
      for line in lines {
        let words = line.split(separator: " ", maxSplits: 2).map(String.init)
        #expect(words.count == 3 && words[1] == "200" && words[2] == expected[words[0]], "\(line)")
      }
    }

    @Test("an OpenTelemetry exporter that signs with botocore is heard", .enabled(if: hasPython, absence))
    func exporter() throws {
      let site = try Site()
      let server = try Self.start(site)
      let target = "\(server.baseURL)/workspaces/a/api/v1/otlp/v1/metrics"
      let script = Self.root + "/Tests/Scripts/signed.py"
      func jobs() throws -> String {
        try server.request("GET", "/workspaces/a/api/v1/label/job/values", headers: Self.bearer).text
      }
      let wrong = try ChildProcess(try PeerBinary.moto.path(), [script, "otlp", target, "AKIAA", "secret of b"])
      _ = wrong.wait(within: .seconds(60))
      #expect(server.child.standardError.text.contains("reason=wrong_signature who=AKIAA"))
      #expect(try !jobs().contains("signed"))
      #expect(try Self.output(.moto, [script, "otlp", target, "AKIAA", "secret of a"]).contains("flushed True"))
      #expect(try jobs().contains("\"signed\""))
      let names = try server.request("GET", "/workspaces/a/api/v1/label/__name__/values", headers: Self.bearer).text
      #expect(names.contains("\"signed_requests_total\"") && names.contains("signed_seconds"), "\(names)")
    }

    @Test("a server scrapes what another one federates, and asks it for targets, with signatures")
    func federation() throws {
      let site = try Site()
      let server = try Self.start(site)
      let body = Self.series([("one", "1")])
      _ = try server.request(
        "POST", "/workspaces/a/api/v1/remote_write", headers: RemoteWriteBody.headers + Self.bearer, body: body.snappy)
      func job(_ name: String, _ secret: String) -> String {
        """
          - job_name: \(name)
            honor_labels: true
            metrics_path: /workspaces/a/federate
            params: {"match[]": ['{job="1"}', 'one{job=~"1|a b+"}']}
            static_configs: [{targets: ["127.0.0.1:\(server.port)"]}]
            sigv4: {region: eu-west-1, access_key: AKIAA, secret_key: \(secret)}

        """
      }
      let reader = try Site()
      let text =
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\nscrape_configs:\n" + job("right", "secret of a")
        + job("wrong", "secret of b") + """
            - job_name: found
              http_sd_configs:
                - url: "\(server.baseURL)/workspaces/a/api/v1/labels?match[]=one"
                  refresh_interval: 1s
                  sigv4: {region: eu-west-1, access_key: AKIAA, secret_key: secret of a}
          """
      let file = try reader.directory.write(text, to: "apus.yml")
      let other = try reader.start(["--config.file=\(file)"])
      func targets() throws -> String { try other.get("/api/v1/targets").text }
      #expect(
        eventually(within: .seconds(30)) {
          (try? other.get("/api/v1/query?query=one").text.contains("\"job\":\"1\"")) ?? false
        })
      #expect(eventually(within: .seconds(30)) { (try? targets().contains("403 Forbidden")) ?? false })
      #expect(try other.get("/api/v1/query?query=up").text.contains("\"job\":\"right\"},\"value\""))
      // A document of labels is no list of targets: that it was read at all is what the signature is for.
      #expect(
        eventually(within: .seconds(30)) {
          other.child.standardError.text.contains(
            "the JSON document is no list of groups\" discovery=http config=found")
        })
      let shown = try other.get("/api/v1/status/config").text
      #expect(shown.contains("sigv4") && !shown.contains("secret of"), "\(shown)")
    }
  }
}

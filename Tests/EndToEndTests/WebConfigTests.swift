import Glibc
import HTTP
import TestKit
import Testing

extension EndToEnd {
  @Suite("The web configuration file", .serialized, .timeLimit(.minutes(2)))
  struct WebConfigs {
    /// Of `pw`, at a cost that no test feels.
    private static let hash = "$2b$05$abcdefghijklmnopqrstuuHIrMEWpUCQe2YqFR3sXwQ75u4od..9q"
    private static let grace = [(name: "Authorization", value: "Basic Z3JhY2U6cHc=")]

    @Test(
      "apus check web-config judges as promtool does",
      .enabled(if: PeerBinary.promtool.isExpected, Comment(rawValue: PeerBinary.promtool.absence)))
    func judgements() throws {
      let site = try Site()
      _ = try site.directory.makeFolder("sub")
      let texts = [
        ("c.pem", TestCertificate.certificate), ("k.pem", TestCertificate.key),
        ("c2.pem", TestCertificate.otherCertificate), ("junk", "junk\n"),
      ]
      for (name, text) in texts { _ = try site.directory.write(text, to: name) }
      var files: [String] = []
      for (number, one) in WebConfigCase.all.enumerated() {
        files.append(try site.directory.write(one.text, to: "case-\(number).yml"))
      }
      let own = try Judgements(apusBinary(), files)
      let peer = try Judgements(PeerBinary.promtool.path(), files)
      #expect(own.code == .code(1) && peer.code == .code(1))
      for (one, file) in zip(WebConfigCase.all, files) {
        let ours = try #require(own.refusals[file], "nothing is said of \(one.text)")
        let theirs = try #require(peer.refusals[file], "promtool says nothing of \(one.text)")
        switch one.verdict {
        case .taken: #expect(ours == "" && theirs == "", "\(one.text)\(ours)\(theirs)")
        case .refused(let words):
          #expect(ours != "" && (ours.contains(words) || words.isEmpty), "\(one.text): \(ours)")
          #expect(theirs != "" && (theirs.contains(words) || words.isEmpty), "\(one.text): \(theirs)")
        case .refusedHere(let words):
          #expect(ours.contains(words) && theirs == "", "\(one.text)\(ours)\(theirs)")
        }
      }
      // One that is not there.
      let missing = try Judgements(apusBinary(), [site.directory.path("none.yml")])
      #expect(missing.code == .code(1) && missing.refusals.count == 1)
    }

    /// For each file the reason why it is refused; empty where it is taken.
    private struct Judgements {
      var code: ChildProcess.Exit?
      var refusals: [String: String] = [:]

      init(_ program: String, _ files: [String]) throws {
        let child = try ChildProcess(program, ["check", "web-config"] + files)
        code = child.wait(within: .seconds(60))
        var file = ""
        for line in child.standardError.complete().split(separator: "\n") {
          let words = line.split(separator: " ", maxSplits: 2)
          if words.count >= 2, files.contains(String(words[0])), words[1] == "SUCCESS" || words[1] == "FAILED:" {
            file = String(words[0])
            refusals[file] = words[1] == "SUCCESS" ? "" : String(words.dropFirst(2).first ?? "?")
          } else {
            refusals[file, default: ""] += "\n" + line
          }
        }
      }
    }

    private func client(trusting authority: String) -> HTTPClient {
      var options = HTTPClientOptions()
      options.tls.authorityFile = authority
      return HTTPClient(options: options)
    }

    /// The status, or nil where there is no answer: each time over a connection of its own.
    private func status(
      _ url: String, trusting authority: String, _ headers: [(name: String, value: String)] = grace
    ) -> Int? {
      do throws(HTTPClientError) {
        return try client(trusting: authority).send(ClientRequest(url: url, headers: headers)).status
      } catch {
        return nil
      }
    }

    private static func web(_ users: String) -> String {
      """
      tls_server_config: {cert_file: tls.crt, key_file: tls.key}
      http_server_config: {headers: {X-Frame-Options: deny}}
      basic_auth_users: {\(users): '\(hash)'}

      """
    }

    /// A folder as Kubernetes mounts a secret: files are links into the version that a link names.
    private func mountSecret(_ directory: borrowing TemporaryDirectory) throws {
      let pairs = [
        ("1", TestCertificate.certificate, TestCertificate.key),
        ("2", TestCertificate.otherCertificate, TestCertificate.otherKey),
      ]
      for (version, certificate, key) in pairs {
        _ = try directory.makeFolder(version)
        _ = try directory.write(certificate, to: "\(version)/tls.crt")
        _ = try directory.write(key, to: "\(version)/tls.key")
      }
      #expect(symlink("1", directory.path("data-now")) == 0)
      #expect(symlink("data-now/tls.crt", directory.path("tls.crt")) == 0)
      #expect(symlink("data-now/tls.key", directory.path("tls.key")) == 0)
    }

    @Test(
      "TLS and users for Prometheus and promtool; certificates and users change while the server runs",
      .enabled(if: PeerBinary.prometheus.isExpected, Comment(rawValue: PeerBinary.prometheus.absence)))
    func served() throws {
      let site = try Site()
      try mountSecret(site.directory)
      let (first, second) = (site.directory.path("1/tls.crt"), site.directory.path("2/tls.crt"))
      let web = try site.directory.write(Self.web("grace"), to: "web.yml")
      let port = FreePort.next()
      let apus = try ChildProcess(
        try apusBinary(),
        ["--storage.tsdb.path=\(site.data)", "--web.listen-address=127.0.0.1:\(port)", "--web.config.file=\(web)"])
      let base = "https://127.0.0.1:\(port)"
      let isReady = eventually(within: .seconds(60)) { status("\(base)/-/ready", trusting: first) == 200 }
      #expect(isReady, "\(apus.standardError.text.suffix(2000))")

      // Every path asks for a name and a password, as the toolkit does.
      for path in ["/-/healthy", "/-/ready", "/metrics", "/", "/api/v1/query?query=1", "/none"] {
        for headers in [[], [(name: "Authorization", value: "Basic Z3JhY2U6cFc=")]] {
          let answer = try client(trusting: first).send(ClientRequest(url: base + path, headers: headers))
          #expect(answer.status == 401 && String(decoding: answer.body, as: UTF8.self) == "Unauthorized\n", "\(path)")
          #expect(answer.header("WWW-Authenticate") == "Basic" && answer.header("X-Frame-Options") == "deny")
        }
      }
      try prometheus(site.directory, base, port, first)

      // A renewal swaps one link; the other pair is served from then on.
      #expect(symlink("2", site.directory.path("data-new")) == 0)
      #expect(rename(site.directory.path("data-new"), site.directory.path("data-now")) == 0)
      #expect(eventually(within: .seconds(20)) { status("\(base)/-/ready", trusting: second) == 200 })
      #expect(status("\(base)/-/ready", trusting: first) == nil)

      // A broken file changes nothing and is told once.
      let metric = "apus_web_config_last_reload_successful"
      func gauge() throws -> String? {
        let answer = try client(trusting: second).send(ClientRequest(url: "\(base)/metrics", headers: Self.grace))
        let line = String(decoding: answer.body, as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(metric) }
        return line.map { String($0.dropFirst(metric.count + 1)) }
      }
      #expect(try gauge() == "1")
      try overwriteFile(web, Array("basic_auth_users: {grace: secret}\n".utf8))
      #expect(try eventually(within: .seconds(20)) { try gauge() == "0" })
      // Two more looks at it.
      sleepThread(.milliseconds(2200))
      #expect(status("\(base)/-/ready", trusting: second) == 200)
      let log = apus.standardError.text
      #expect(log.split(separator: "\n").filter { $0.contains("the last good one stays") }.count == 1, "\(log)")
      #expect(!log.contains("secret"), "a password is in the log")

      try overwriteFile(web, Array(Self.web("ada").utf8))
      #expect(eventually(within: .seconds(20)) { status("\(base)/-/ready", trusting: second) == 401 })
      let ada = [(name: "Authorization", value: "Basic YWRhOnB3")]
      #expect(status("\(base)/-/ready", trusting: second, ada) == 200)
      #expect(apus.terminate() == .code(0))
    }

    /// promtool asks; a Prometheus scrapes the server and writes into it what it scraped.
    private func prometheus(
      _ directory: borrowing TemporaryDirectory, _ base: String, _ port: UInt16, _ authority: String
    ) throws {
      let access = "tls_config: {ca_file: \(authority)}, basic_auth: {username: grace, password: pw}"
      let http = try directory.write("{\(access)}\n", to: "http.yml")
      let query = try ChildProcess(
        try PeerBinary.promtool.path(), ["query", "instant", "--http.config.file=\(http)", base, "vector(7)"])
      #expect(query.wait(within: .seconds(30)) == .code(0), "\(query.standardError.complete())")
      #expect(query.standardOutput.complete().hasPrefix("{} => 7 @"))

      let configuration = try directory.write(
        """
        global: {scrape_interval: 1s}
        scrape_configs:
          - {job_name: secured, scheme: https, \(access), static_configs: [{targets: ["127.0.0.1:\(port)"]}]}
        remote_write:
          - {url: "\(base)/api/v1/write", queue_config: {batch_send_deadline: 200ms}, \(access)}

        """, to: "prometheus.yml")
      let peer = try ServerProcess.prometheus(data: directory.path("peer"), configuration: configuration)
      let url = "\(base)/api/v1/query?query=\(percentEncoded("up{job=\"secured\"} == 1"))"
      let written = try eventually(within: .seconds(30), every: .milliseconds(100)) {
        let answer = try client(trusting: authority).send(ClientRequest(url: url, headers: Self.grace))
        return String(decoding: answer.body, as: UTF8.self).contains("secured")
      }
      #expect(written, "nothing came: \(peer.child.standardError.text.suffix(2000))")
    }

    @Test("an empty section is no restriction; health is for everybody where a flag says so; broken files do not start")
    func plain() throws {
      let site = try Site()
      let empty = try site.directory.write("{}\n", to: "empty.yml")
      let open = try site.start(["--web.config.file=\(empty)"])
      #expect(try open.get("/api/v1/query?query=1").status == 200)
      #expect(open.child.terminate() == .code(0))

      let users = try site.directory.write("basic_auth_users: {grace: '\(Self.hash)'}\n", to: "users.yml")
      let closed = try site.start(["--web.config.file=\(users)", "--web.health-without-credentials"])
      #expect(try closed.get("/-/healthy").status == 200)
      #expect(try closed.get("/-/ready").status == 200)
      #expect(try closed.get("/metrics").status == 401)
      let headers = Self.grace.map { ($0.name, $0.value) }
      #expect(try closed.request("GET", "/metrics", headers: headers).status == 200)
      #expect(closed.child.terminate() == .code(0))

      let broken = try site.directory.write("foo: 1\n", to: "broken.yml")
      let child = try ChildProcess(
        try apusBinary(),
        [
          "--storage.tsdb.path=\(site.data)", "--web.listen-address=127.0.0.1:\(FreePort.next())",
          "--web.config.file=\(broken)",
        ])
      let code = child.wait(within: .seconds(30))
      #expect(code != nil && code != .code(0))
      #expect(child.standardError.complete().contains("field foo not found in type web.Config"))
    }
  }
}

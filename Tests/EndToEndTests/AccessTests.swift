import Glibc
import TestKit
import Testing

extension EndToEnd {
  /// Principals of a credentials file, with the clients that they are made for.
  @Suite struct Access {
    private static let digest = "3c469e9d6c5875d37a43f353d4f88e61fcf812c66eee3457465a40b0da4153e0"  // of "token"

    private static let principals = """
      principals:
        - name: a
          access_keys: [{id: AKIAA, secret: secret of a}]
          bearer_sha256: [\(digest)]
          statements: [{effect: Allow, actions: ["*"], workspaces: [a]}]
        - name: b
          bearer_sha256: [c033d6825ce303906a2a8cfc0f933e8380fefc8e039ef2bd3dabb97b1a27c875]
          access_keys: [{id: AKIAB, secret: secret of b}]
          statements: [{effect: Allow, actions: ["*"], workspaces: [b]}]
      """

    private static func start(_ site: borrowing Site, _ credentials: String) throws -> ServerProcess {
      let configuration = try site.directory.write("apus: {workspaces: [{id: a}, {id: b}]}\n", to: "apus.yml")
      let file = try site.directory.write(credentials, to: "credentials.yml")
      chmod(file, 0o600)
      return try site.start([
        "--config.file=\(configuration)", "--web.credentials-file=\(file)", "--web.health-without-credentials",
        "--web.enable-admin-api", "--web.enable-lifecycle", "--web.enable-rules-api",
      ])
    }

    private static let bearer = [("Authorization", "Bearer token")]

    @Test("a real Prometheus and vmagent sign their writes, curl its queries; a wrong secret gets nothing in")
    func signed() throws {
      let site = try Site()
      let server = try Self.start(site, Self.principals)
      let target = "\(server.baseURL)/workspaces/a/api/v1/remote_write"
      let port = FreePort.next()
      func configuration(_ job: String, _ secret: String) -> String {
        """
        global: {scrape_interval: 1s, scrape_timeout: 1s}
        scrape_configs: [{job_name: \(job), static_configs: [{targets: ["127.0.0.1:\(port)"]}]}]
        remote_write:
          - url: "\(target)"
            queue_config: {batch_send_deadline: 300ms}
            sigv4: {region: eu-west-1, access_key: AKIAA, secret_key: \(secret)}
        """
      }
      let right = try ServerProcess.prometheus(
        data: site.directory.path("right"),
        configuration: try site.directory.write(configuration("right", "secret of a"), to: "right.yml"), port: port)
      let wrong = try ServerProcess.prometheus(
        data: site.directory.path("wrong"),
        configuration: try site.directory.write(configuration("wrong", "secret of b"), to: "wrong.yml"))
      let scrape =
        "scrape_configs: [{job_name: agent, scrape_interval: 1s, static_configs: [{targets: ['127.0.0.1:\(port)']}]}]\n"
      let agent = try ServerProcess.vmagent(
        configuration: try site.directory.write(scrape, to: "agent.yml"), writingTo: target,
        buffer: site.directory.path("agent"),
        [
          "-remoteWrite.aws.useSigv4", "-remoteWrite.aws.service=aps", "-remoteWrite.aws.region=eu-west-1",
          "-remoteWrite.aws.accessKey=AKIAA", "-remoteWrite.aws.secretKey=secret of a", "-remoteWrite.forcePromProto",
        ])
      func jobs() throws -> String {
        try server.request("GET", "/workspaces/a/api/v1/label/job/values", headers: Self.bearer).text
      }
      #expect(
        eventually(within: .seconds(30)) { (try? jobs())?.contains("\"agent\",\"right\"") ?? false })
      // The series of a scrape come in several bodies, and this one at their end.
      #expect(
        eventually(within: .seconds(30)) {
          (try? server.request("GET", "/workspaces/a/api/v1/query?query=up", headers: Self.bearer).text)?
            .contains("\"job\":\"right\"") ?? false
        })
      #expect(
        eventually(within: .seconds(15)) {
          server.child.standardError.text.contains("reason=wrong_signature who=AKIAA")
        })
      #expect(try !jobs().contains("wrong"))
      _ = (right, wrong, agent)

      let curl = try ChildProcess(
        "/usr/bin/curl",
        [
          "-sS", "--aws-sigv4", "aws:amz:us-east-1:aps", "-u", "AKIAA:secret of a",
          "\(server.baseURL)/workspaces/a/api/v1/query?query=up",
        ])
      #expect(eventually(within: .seconds(20)) { curl.poll() != nil })
      #expect(curl.standardOutput.complete().contains("\"job\":\"right\""), "\(curl.standardOutput.complete())")
    }

    @Test(
      "nothing of a workspace is read, written, listed or guessed with another's principal, on any path of the docs")
    func apart() throws {
      let site = try Site()
      let server = try Self.start(site, Self.principals)
      let paths = try Self.routes()
      #expect(paths.count > 450)
      for (method, path) in paths {
        func answer(_ workspace: String, _ headers: [(String, String)]) throws -> HTTPAnswer {
          try server.request(method, workspace + path, headers: headers)
        }
        if path.hasPrefix("/-/healthy") || path.hasPrefix("/-/ready") { continue }
        // Without anything, and in another's place: no word of whether there is such a workspace.
        for workspace in ["", "/workspaces/b", "/workspaces/none"] {
          let nobody = try answer(workspace, [])
          #expect(nobody.status == 401, "\(method) \(workspace)\(path): \(nobody.status)")
          let other = try answer(workspace, Self.bearer)
          if workspace.isEmpty, Self.isOfItsOwn(method, path) {
            #expect(
              [200, 400].contains(other.status) && !other.text.contains("/b\""), "\(method) \(path): \(other.text)")
            continue
          }
          #expect(other.status == 403, "\(method) \(workspace)\(path): \(other.status) \(other.text.prefix(200))")
        }
        let there = try answer("/workspaces/b", Self.bearer).text
        let missing = try answer("/workspaces/n", Self.bearer).text
        #expect(there == missing.replacing("workspace/n", with: "workspace/b"), "\(path)")
      }
      // Each is served its own.
      let other = try server.request(
        "GET", "/workspaces/b/api/v1/query?query=vector(1)", headers: [("Authorization", "Bearer b-token")])
      #expect(other.status == 200, "\(other.text)")
      let own = try server.request("GET", "/workspaces/a/api/v1/query?query=vector(1)", headers: Self.bearer)
      #expect(own.status == 200, "\(own.text)")
      #expect(try server.get("/-/healthy").status == 200)
      let listed = try server.request("GET", "/workspaces", headers: Self.bearer).text
      #expect(listed.contains("workspace/a\"") && !listed.contains("workspace/b"), "\(listed)")
      for workspace in ["a", "b", "none"] {
        let arn = "arn%3Aaws%3Aaps%3Aus-east-1%3A000000000000%3Aworkspace%2F\(workspace)"
        let tags = try server.request("GET", "/tags/\(arn)", headers: Self.bearer)
        #expect(tags.status == (workspace == "a" ? 200 : 404), "\(workspace): \(tags.text)")
      }
      // Pages of other origins read nothing, unless the flag says so.
      let foreign = try server.request(
        "GET", "/workspaces/a/api/v1/labels", headers: Self.bearer + [("Origin", "https://other.example")])
      #expect(foreign.status == 200 && foreign.header("Access-Control-Allow-Origin") == nil)
    }

    /// Every route of the table that the code keeps (RouteTableTests), with something for each part that is captured, and
    /// with each method: one that a route does not have is no news for a stranger either.
    private static func routes() throws -> [(method: String, path: String)] {
      var paths: Set<String> = []
      for line in try readText("docs/security.md").split(separator: "\n") where line.hasPrefix("| `/") {
        var path = line.dropFirst(3).prefix { $0 != "`" }
        if path.hasPrefix("/workspaces/{workspaceId}") { path = path.dropFirst("/workspaces/{workspaceId}".count) }
        let parts = path.split(separator: "/").map { $0.hasPrefix("{") ? "x" : String($0) }
        paths.insert("/" + parts.joined(separator: "/"))
      }
      return paths.sorted().flatMap { path in ["GET", "POST", "PUT", "DELETE", "PATCH"].map { ($0, path) } }
    }

    /// Operations that look at each workspace by themselves: who may do them somewhere is told of his own, and of no other.
    private static func isOfItsOwn(_ method: String, _ path: String) -> Bool {
      (method == "GET" && path == "/workspaces") || (path == "/tags/x" && method != "PUT" && method != "PATCH")
    }

    private static func readText(_ path: String) throws -> String {
      let tests = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
      return String(decoding: try #require(readFile("/\(tests)/\(path)")), as: UTF8.self)
    }

    @Test(
      "a key is changed without losing a write, and one that is taken away is refused; a broken file changes nothing")
    func rotation() throws {
      let site = try Site()
      let server = try Self.start(site, Self.principals)
      func status(_ token: String) throws -> Int {
        try server.request("GET", "/workspaces/a/api/v1/labels", headers: [("Authorization", "Bearer \(token)")]).status
      }
      #expect(try status("token") == 200 && status("next") == 401)
      let both = Self.principals.replacing("[\(Self.digest)]", with: "[\(Self.digest), \(try Self.sha256("next"))]")
      _ = try site.directory.write(both, to: "credentials.yml")
      #expect(eventually(within: .seconds(20)) { (try? status("next")) == 200 })
      #expect(try status("token") == 200)
      _ = try site.directory.write("principals: [{name: }]", to: "credentials.yml")
      #expect(eventually(within: .seconds(20)) { server.child.standardError.text.contains("credentials file\" err=") })
      #expect(try status("token") == 200 && status("next") == 200)
      _ = try site.directory.write(both.replacing("\(Self.digest), ", with: ""), to: "credentials.yml")
      #expect(eventually(within: .seconds(20)) { (try? status("token")) == 401 })
      #expect(try status("next") == 200)
      #expect(!server.child.standardError.text.contains("secret of"))
    }

    private static func sha256(_ text: String) throws -> String {
      let sum = try ChildProcess("/bin/sh", ["-c", "printf %s \(text) | sha256sum"])
      #expect(eventually(within: .seconds(20)) { sum.poll() != nil })
      return String(sum.standardOutput.complete().prefix(64))
    }
  }
}

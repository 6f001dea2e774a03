import HTTP
import Testing

extension HTTPSocketTests {
  @Suite struct RoutingTests {
    private func server() throws -> TestServer {
      try TestServer { router in
        router.add(.get, "/") { _ in .text(200, "root") }
        router.add(.get, "/-/healthy") { _ in .text(200, "healthy") }
        router.add(.post, "/-/reload") { _ in .text(200, "reloaded") }
        router.add([.get, .post], "/api/v1/query") { request in
          let all = request.parameters.map { "\($0.name)=\($0.value)" }.joined(separator: "|")
          return .text(200, "\(request.workspace ?? "-") \(request.parameter("query") ?? "nil") \(all)")
        }
        router.add(.get, "/api/v1/label/{name}/values") {
          .text(200, "\($0.workspace ?? "-") \($0.pathParameter("name"))")
        }
        router.add(.get, "/api/v1/label/fixed/values") { _ in .text(200, "literal") }
        router.add(.get, "/ui/{path...}") { .text(200, $0.pathParameter("path")) }
        router.add(.post, "/api/v1/write", readsForm: false) { .text(200, "\($0.body.count) \($0.parameters.count)") }
        router.add(.get, "/workspaces/{id}") { .text(200, "described \($0.pathParameter("id"))") }
      }
    }

    @Test("under a prefix every path is found there and nowhere else, workspaces included")
    func prefix() throws {
      let server = try TestServer(prefix: "/a/b") { router in
        router.add(.get, "/") { _ in .text(200, "root") }
        router.add(.get, "/-/healthy") { _ in .text(200, "healthy") }
        router.add(.get, "/api/v1/label/{name}/values") {
          .text(200, "\($0.workspace ?? "-") \($0.pathParameter("name"))")
        }
      }
      for (target, text) in [
        ("/a/b", "root"), ("/a/b/", "root"), ("/a/b/-/healthy", "healthy"),
        ("/a/b/api/v1/label/x/values", "- x"), ("/a/b/workspaces/w/api/v1/label/x/values", "w x"),
      ] {
        let answer = server.get(target)
        #expect(answer?.status == 200 && answer?.text == text + "\n", "\(target): \(answer?.text ?? "nothing")")
      }
      for target in ["/-/healthy", "/a", "/a/c", "/workspaces/w/a/b/api/v1/label/x/values", "/a/b/workspaces/w"] {
        #expect(server.get(target)?.status == 404, "\(target)")
      }
      let root = server.get("/")
      #expect(root?.status == 302 && root?.headers["location"] == "/a/b")
      #expect(server.get("/a/b/-/healty")?.text.contains("did you mean /a/b/-/healthy?") == true)
    }

    @Test("a path finds its route: literal before capture, trailing and double slashes aside")
    func resolution() throws {
      let server = try server()
      for (target, text) in [
        ("/", "root"), ("//", "root"), ("/-/healthy", "healthy"), ("/-/healthy/", "healthy"),
        ("/api/v1/label/job/values", "- job"), ("/api/v1/label/fixed/values", "literal"),
        ("/api/v1/label/a%2Fb%20c/values/", "- a/b c"), ("/api/v1/label/%C3%A9/values", "- é"),
        ("/ui/assets/app.js", "assets/app.js"), ("http://host:1/-/healthy", "healthy"),
        ("/workspaces/ws-1/api/v1/label/x/values", "ws-1 x"), ("/workspaces/ws-1//api/v1/label/x/values", "ws-1 x"),
        ("/workspaces/ws-1", "described ws-1"),
      ] {
        let answer = server.get(target)
        #expect(answer?.status == 200 && answer?.text == text + "\n", "\(target): \(answer?.text ?? "nothing")")
      }
    }

    @Test("an unknown path is 404 and names the nearest known one")
    func notFound() throws {
      let server = try server()
      for (target, hint) in [
        ("/api/v1/qurey", "/api/v1/query"), ("/prometheus/api/v1/query", "/api/v1/query"), ("/healthy", "/-/healthy"),
      ] {
        let answer = server.get(target)
        #expect(answer?.status == 404 && answer?.text == "no such path: \(target), did you mean \(hint)?\n")
      }
      #expect(server.get("/xyzzyplughabracadabra")?.text == "no such path: /xyzzyplughabracadabra\n")
      #expect(server.get("/workspaces/ws-1/-/healthy")?.status == 404)
      #expect(server.get("/" + String(repeating: "a/", count: 200))?.status == 404)
      #expect(server.get("/ui")?.status == 404)
    }

    @Test("a wrong method is 405 with what is allowed; OPTIONS says it too")
    func methods() throws {
      let server = try server()
      let answer = server.get("/-/reload")
      #expect(answer?.status == 405 && answer?.headers["allow"] == "POST, OPTIONS")
      let client = server.client()
      client.send("DELETE /api/v1/query HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(client.readAnswer()?.headers["allow"] == "GET, HEAD, POST, OPTIONS")
      client.send("BREW / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(client.readAnswer()?.status == 405)
      client.send("OPTIONS / HTTP/1.1\r\nHost: a\r\n\r\n")
      let options = client.readAnswer()
      #expect(options?.status == 204 && options?.headers["allow"] == "GET, HEAD, OPTIONS")
    }

    @Test("HEAD is answered where GET is, with its length and without its body, and the connection goes on")
    func head() throws {
      let server = try server()
      let client = server.client()
      for _ in 0..<3 {
        client.send("HEAD /-/healthy HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = client.readAnswer(isHead: true)
        #expect(answer?.status == 200 && answer?.headers["content-length"] == "8")
      }
      client.send("HEAD /-/reload HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(client.readAnswer(isHead: true)?.status == 405)
    }

    @Test("parameters of form and query are merged in order, decoded, repeated names kept")
    func parameters() throws {
      let server = try server()
      #expect(
        server.get("/api/v1/query?query=up%7Ba%3D%22b%22%7D&x=1+2&x=&y")?.text
          == "- up{a=\"b\"} query=up{a=\"b\"}|x=1 2|x=|y=\n")
      let client = server.client()
      let form = "query=from+body&m%5B%5D=1&m%5B%5D=2"
      client.send(
        "POST /workspaces/w/api/v1/query?query=q&z=9 HTTP/1.1\r\nHost: a\r\nContent-Type: Application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: \(form.utf8.count)\r\n\r\n\(form)"
      )
      #expect(client.readAnswer()?.text == "w from body query=from body|m[]=1|m[]=2|query=q|z=9\n")
      // The connection's next request sees nothing of the last one.
      client.send("GET /api/v1/query HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(client.readAnswer()?.text == "- nil \n")
    }

    @Test("malformed escapes are 400 in path, query and form; a body that is data may be anything")
    func escapes() throws {
      let server = try server()
      for target in [
        "/%zz", "/api/v1/label/%/values", "/api/v1/label/%00/values", "/api/v1/query?a=%g1", "/?%00", "/a b",
      ] {
        #expect(server.get(target)?.status == 400, "\(target)")
      }
      for (path, status) in [("/api/v1/query", 400), ("/api/v1/write", 200)] {
        let client = server.client()
        client.send(
          "POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\n%zz"
        )
        #expect(client.readAnswer()?.status == status)
      }
    }

    @Test("headers are found in any case, and all are listed in order")
    func headers() throws {
      let server = try TestServer { router in
        router.add(.get, "/") { request in
          let list = request.headers.map { "\($0.name)=\($0.value)" }.joined(separator: "|")
          let found = request.header("x-one") ?? "nil"
          let isTwo = request.header("X-TWO", is: "b c")
          return .text(200, "\(found) \(isTwo) \(request.header(named: "x-three") ?? "nil") \(list)")
        }
      }
      let answer = server.get("/", "X-One: a\r\nx-Two:   B C  \r\nX-ONE: z\r\n")
      #expect(answer?.text == "a true nil Host=test|X-One=a|x-Two=B C|X-ONE=z\n")
    }

    @Test("requests are counted by route and code, sizes and times observed")
    func metrics() throws {
      let server = try server()
      let client = server.client()
      for _ in 0..<5 {
        client.send("GET /api/v1/label/a/values HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.readAnswer()?.status == 200)
      }
      #expect(server.get("/nowhere")?.status == 404)
      let name = "prometheus_http_requests_total"
      #expect(eventually { server.metric(name, ["handler": "/api/v1/label/{name}/values", "code": "200"]) == 5 })
      #expect(eventually { server.metric(name, ["handler": "unmatched", "code": "404"]) == 1 })
      #expect(server.metric("apus_http_open_connections") >= 1)
    }
  }
}

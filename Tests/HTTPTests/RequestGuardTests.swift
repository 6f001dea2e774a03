import Glibc
import HTTP
import Testing

/// A guard whose verdicts the header `X-Case` chooses.
private struct CaseGuard: RequestGuard {
  let executor: TestExecutor
  let seen = Shared<[String]>([])

  func admit(_ request: Request) -> Admission {
    seen.update { $0.append(request.path) }
    let refused = Response.text(403, "who are you")
    switch request.header("x-case") {
    case "pass": return .passed
    case "body": return .body(SumCheck(wanted: request.header("x-sum") ?? ""))
    case "slow", "slow-no":
      let isRight = request.header("x-case") == "slow"
      return .queued(executor.run, busy: .text(429, "later")) { _ in
        usleep(10_000)
        return isRight ? nil : refused
      }
    default: return .refused(refused)
    }
  }
}

/// Takes a body whose bytes add up to a number.
private final class SumCheck: BodyCheck, @unchecked Sendable {
  private let wanted: String
  private var sum = 0

  init(wanted: String) { self.wanted = wanted }

  func take(_ piece: UnsafeRawBufferPointer) { sum += piece.reduce(0) { $0 + Int($1) } }
  func finish(_ request: Request) -> Response? { "\(sum)" == wanted ? nil : .text(403, "the sum is \(sum)") }
}

extension HTTPSocketTests {
  @Suite struct RequestGuardTests {
    private func server(slots: Int = 8) throws -> (TestServer, Shared<[String]>) {
      let requestGuard = CaseGuard(executor: TestExecutor(max: slots))
      let server = try TestServer({ $0.requestGuard = requestGuard }) { router in
        router.add([.get, .post], "/here") { .text(200, "inline \($0.body.count)") }
        router.add([.get, .post], "/queued", run: .queued(TestExecutor().run)) { .text(200, "queued \($0.body.count)") }
      }
      return (server, requestGuard.seen)
    }

    @Test("a refusal comes before routes, handlers and bodies; whoever passes is served")
    func verdicts() throws {
      let (server, seen) = try server()
      #expect(server.get("/here")?.status == 403)
      #expect(server.get("/nowhere")?.status == 403)
      #expect(server.get("/nowhere", "X-Case: pass\r\n")?.status == 404)
      #expect(server.get("/here", "X-Case: pass\r\n")?.text == "inline 0\n")
      #expect(server.get("/queued", "X-Case: pass\r\n")?.text == "queued 0\n")
      #expect(seen.value.count == 5)
      // The refusal is there before any of the body.
      let client = server.client()
      client.send("POST /here HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n")
      #expect(client.readAnswer()?.status == 403)
    }

    @Test("a refused body is dropped, and the connection goes on", arguments: ["/here", "/queued", "/nowhere"])
    func refusedBody(path: String) throws {
      let (server, _) = try server()
      let client = server.client()
      client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 3000000\r\n\r\n")
      client.send(String(repeating: "x", count: 3_000_000))
      #expect(client.readAnswer()?.status == 403)
      #expect(server.metric("apus_http_bodies_in_flight_bytes") == 0)
      client.send("GET /here HTTP/1.1\r\nHost: a\r\nX-Case: pass\r\n\r\n")
      #expect(client.readAnswer()?.text == "inline 0\n")
    }

    @Test("a body is shown as it arrives, whole, in chunks or empty, and decides", arguments: ["/here", "/queued"])
    func body(path: String) throws {
      let (server, _) = try server()
      let word = String(path.dropFirst() == "here" ? "inline" : "queued")
      let client = server.client()
      client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nX-Case: body\r\nX-Sum: 294\r\nContent-Length: 3\r\n\r\nabc")
      #expect(client.readAnswer()?.text == "\(word) 3\n")
      client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nX-Case: body\r\nX-Sum: 1\r\nContent-Length: 3\r\n\r\nabc")
      #expect(client.readAnswer()?.text == "the sum is 294\n")
      client.send(
        "POST \(path) HTTP/1.1\r\nHost: a\r\nX-Case: body\r\nX-Sum: 294\r\nTransfer-Encoding: chunked\r\n\r\n")
      client.send("1\r\na\r\n2\r\nbc\r\n0\r\n\r\n")
      #expect(client.readAnswer()?.text == "\(word) 3\n")
      client.send("GET \(path) HTTP/1.1\r\nHost: a\r\nX-Case: body\r\nX-Sum: 0\r\n\r\n")
      #expect(client.readAnswer()?.text == "\(word) 0\n")
    }

    @Test("while the body may still refuse, it is not told that there is no such path")
    func unknownPath() throws {
      let (server, _) = try server()
      let client = server.client()
      client.send("POST /nowhere HTTP/1.1\r\nHost: a\r\nX-Case: body\r\nX-Sum: 1\r\nContent-Length: 3\r\n\r\nabc")
      #expect(client.readAnswer()?.status == 403)
      client.send("POST /nowhere HTTP/1.1\r\nHost: a\r\nX-Case: body\r\nX-Sum: 294\r\nContent-Length: 3\r\n\r\nabc")
      #expect(client.readAnswer()?.status == 404)
      #expect(server.get("/nowhere", "X-Case: slow-no\r\n")?.status == 403)
      #expect(server.get("/nowhere", "X-Case: slow\r\n")?.status == 404)
    }

    @Test("a verdict that takes long holds nobody up, and the request then goes its usual way")
    func queued() throws {
      let (server, _) = try server()
      #expect(server.get("/here", "X-Case: slow\r\n")?.text == "inline 0\n")
      #expect(server.get("/queued", "X-Case: slow\r\n")?.text == "queued 0\n")
      let client = server.client()
      client.send("POST /queued HTTP/1.1\r\nHost: a\r\nX-Case: slow-no\r\nContent-Length: 3\r\n\r\nabc")
      #expect(client.readAnswer()?.status == 403)
      client.send("POST /queued HTTP/1.1\r\nHost: a\r\nX-Case: slow\r\nContent-Length: 3\r\n\r\nabc")
      #expect(client.readAnswer()?.text == "queued 3\n")
    }

    @Test("without room for one more verdict the guard's own answer is given")
    func busy() throws {
      let (server, _) = try server(slots: 0)
      #expect(server.get("/here", "X-Case: slow\r\n")?.status == 429)
      #expect(server.get("/here", "X-Case: pass\r\n")?.status == 200)
    }

    @Test("a client that goes while its verdict is awaited, and a server that stops meanwhile, leave nothing")
    func gone() throws {
      let (server, _) = try server()
      for _ in 0..<20 {
        let client = server.client()
        client.send("GET /queued HTTP/1.1\r\nHost: a\r\nX-Case: slow\r\n\r\n")
      }
      #expect(eventually { server.metric("apus_http_open_connections") == 0 })
      let last = server.client()
      last.send("GET /queued HTTP/1.1\r\nHost: a\r\nX-Case: slow\r\n\r\n")
      server.server.drain(deadlineSeconds: 5)
    }

    @Test("headers of every answer")
    func headers() throws {
      let server = try TestServer({ $0.answerHeaders = { [("X-Frame-Options", "deny")] } }) { router in
        router.add(.get, "/here") { _ in .text(200, "here") }
        router.add(.get, "/fault") { _ in .text(500, "fault") }
      }
      #expect(server.get("/here")?.headers["x-frame-options"] == "deny")
      #expect(server.get("/nowhere")?.headers["x-frame-options"] == "deny")
      #expect(server.get("/fault")?.headers["x-frame-options"] == nil)
    }
  }
}

import Glibc
import HTTP
import Testing

extension HTTPSocketTests {
  @Suite struct ClientTests {
    private func server() throws -> TestServer {
      try TestServer { router in
        router.add([.get, .post, .put, .delete, .patch], "/echo", readsForm: false) { request in
          var response = Response(status: 200, body: .bytes(Array(request.body)))
          response.headers.append(("X-Method", "\(request.method)"))
          response.headers.append(("X-Agent", request.header("user-agent") ?? "none"))
          response.headers.append(("X-Type", request.header("content-type") ?? "none"))
          response.headers.append(("X-Given", request.header("x-given") ?? "none"))
          response.headers.append(("X-From", request.remoteAddress))
          return response
        }
        router.add(.get, "/hop/{n}") { request in
          let left = Int(request.pathParameter("n")) ?? 0
          return left == 0 ? .text(200, "arrived") : Response(status: 302).with(header: "Location", "/hop/\(left - 1)")
        }
        router.add(.get, "/zeros") { _ in
          Response(contentType: .text, body: .bytes(Array(repeating: 0x30, count: 5_000_000)))
        }
        router.add(.get, "/status/{code}") { .text(Int($0.pathParameter("code")) ?? 500, "as asked") }
        router.add(.get, "/never", run: .queued(TestExecutor().run)) { request in
          while !request.isCancelled { usleep(1000) }
          return .noContent
        }
      }
    }

    @Test("method, headers and body arrive as given, and nothing libcurl would add")
    func echo() throws {
      let server = try server()
      let client = HTTPClient()
      for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        for size in [0, 1, 100_000, 3_000_000] where method != "GET" || size == 0 {
          var request = ClientRequest(method: method, url: server.url("/echo"), headers: [("X-Given", "yes")])
          request.body = size == 0 ? nil : (0..<size).map { UInt8(truncatingIfNeeded: $0 &* 7) }
          let answer = try client.send(request)
          #expect(answer.status == 200 && answer.body == request.body ?? [], "\(method) \(size)")
          #expect(answer.header("x-METHOD") == method && answer.header("X-Given") == "yes")
          #expect(answer.header("X-Agent") == "apus" && answer.header("X-Type") == "none")
        }
      }
      #expect(try client.send(ClientRequest(method: "HEAD", url: server.url("/echo"))).status == 200)
      for status in [204, 301, 404, 500, 503] {
        #expect(try client.send(ClientRequest(url: server.url("/status/\(status)"))).status == status)
      }
    }

    @Test("exchanges one after the other share a connection")
    func reuse() throws {
      let server = try server()
      let client = HTTPClient()
      let ports = try (0..<10).map { _ in try client.send(ClientRequest(url: server.url("/echo"))).header("X-From") }
      #expect(Set(ports).count == 1 && ports[0]?.hasPrefix("127.0.0.1:") == true)
      client.closeIdle()
      #expect(try client.send(ClientRequest(url: server.url("/echo"))).header("X-From") != ports[0])
    }

    @Test("redirects are followed up to the limit, or returned")
    func redirects() throws {
      let server = try server()
      var options = HTTPClientOptions()
      options.redirects = .followed(max: 3)
      let following = HTTPClient(options: options)
      let answer = try following.send(ClientRequest(url: server.url("/hop/3")))
      #expect(answer.body == Array("arrived\n".utf8) && answer.header("Location") == nil)
      #expect(throws: HTTPClientError.redirected(method: "GET", url: server.url("/hop/0"), .tooManyRedirects(max: 3))) {
        try following.send(ClientRequest(url: server.url("/hop/4")))
      }
      options.redirects = .returned
      let returned = try HTTPClient(options: options).send(ClientRequest(url: server.url("/hop/1")))
      #expect(returned.status == 302 && returned.header("location") == "/hop/0")
    }

    @Test("an answer past the limit is an error, however well it was compressed")
    func responseLimit() throws {
      let server = try server()
      let client = HTTPClient()
      var request = ClientRequest(url: server.url("/zeros"))
      request.acceptsGzip = true
      request.responseBytesMax = 5_000_000
      #expect(try client.send(request).body.count == 5_000_000)
      request.responseBytesMax = 4_999_999
      #expect(throws: HTTPClientError.responseTooLarge(bytesMax: 4_999_999)) { try client.send(request) }
      #expect(try client.send(ClientRequest(url: server.url("/echo"))).status == 200)
    }

    @Test("what goes wrong is told in the words of Go's client")
    func errors() throws {
      let server = try server()
      let client = HTTPClient()
      func text(_ request: ClientRequest, cancelled: Bool = false) -> String {
        do throws(HTTPClientError) {
          return "status \(try client.send(request, isCancelled: { cancelled }).status)"
        } catch {
          return error.text(of: request)
        }
      }
      let closed = try TestServer { _ in }
      let closedURL = closed.url("/")
      let address = "127.0.0.1:\(closed.port)"
      closed.server.drain(deadlineSeconds: 0)
      #expect(
        text(ClientRequest(url: closedURL))
          == "Get \"\(closedURL)\": dial tcp \(address): connect: connection refused")
      #expect(
        text(ClientRequest(url: "http://u:p@no.such.host.invalid/"))
          == "Get \"http://u:***@no.such.host.invalid/\": dial tcp: lookup no.such.host.invalid: no such host")
      #expect(
        text(ClientRequest(method: "POST", url: "ftp://localhost/"))
          == "Post \"ftp://localhost/\": unsupported protocol scheme \"ftp\"")
      #expect(
        text(ClientRequest(url: server.url("/"), headers: [("A", "b\r\nC: d")])).contains("a control character"))
      var never = ClientRequest(url: server.url("/never"))
      never.totalMillisecondsMax = 100
      #expect(text(never) == "Get \"\(server.url("/never"))\": context deadline exceeded")
      #expect(text(ClientRequest(url: server.url("/never")), cancelled: true).hasSuffix(": context canceled"))
      #expect(
        text(ClientRequest(url: "https://127.0.0.1:\(server.port)/")).hasSuffix(
          ": http: server gave HTTP response to HTTPS client"))
    }

    @Test("many threads share one client")
    func threads() throws {
      let server = try server()
      let client = HTTPClient()
      let right = Shared(0)
      let done = Shared(0)
      for thread in 0..<8 {
        _ = TestExecutor().run {
          for index in 0..<50 {
            let body = Array("thread \(thread) request \(index)".utf8)
            let answer = try? client.send(ClientRequest(method: "POST", url: server.url("/echo"), body: body))
            if answer?.body == body { right.update { $0 += 1 } }
          }
          done.update { $0 += 1 }
        }
      }
      #expect(eventually { done.value == 8 })
      #expect(right.value == 400)
    }
  }
}

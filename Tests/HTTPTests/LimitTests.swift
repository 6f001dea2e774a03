import Glibc
import HTTP
import Testing

extension HTTPSocketTests {
  @Suite struct LimitTests {
    private func server(_ change: (inout HTTPServerOptions) -> Void = { _ in }) throws -> TestServer {
      try TestServer(change) { router in
        router.add(.get, "/") { _ in .text(200, "root") }
        router.add(.post, "/write", readsForm: false) { .text(200, "\($0.body.count)") }
        router.add(.post, "/tiny", limits: RouteLimits(bodyBytesMax: 10), readsForm: false) {
          .text(200, "\($0.body.count)")
        }
      }
    }

    private func post(_ path: String, _ bytes: Int, _ headers: String = "") -> String {
      "POST \(path) HTTP/1.1\r\nHost: a\r\n\(headers)Content-Length: \(bytes)\r\n\r\n"
        + String(repeating: "x", count: bytes)
    }

    @Test("bodies up to the limit are taken, one byte more is 413, and the connection goes on")
    func bodyLimit() throws {
      let server = try server { $0.bodyBytesMax = 100_000 }
      let client = server.client()
      for (path, bytes, status) in [
        ("/write", 99_999, 200), ("/write", 100_000, 200), ("/write", 100_001, 413), ("/tiny", 10, 200),
        ("/tiny", 11, 413),
        ("/write", 0, 200), ("/write", 1, 200),
      ] {
        client.send(post(path, bytes))
        let answer = client.readAnswer()
        #expect(answer?.status == status, "\(path) \(bytes)")
        if status == 200 { #expect(answer?.text == "\(bytes)\n") }
      }
      #expect(server.rejected("body_too_large") == 2)
    }

    @Test("chunked bodies are counted as they come")
    func chunked() throws {
      let server = try server { $0.bodyBytesMax = 1000 }
      let client = server.client()
      func send(_ chunks: [Int]) {
        client.send("POST /write HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
        for chunk in chunks + [0] {
          client.send(String(chunk, radix: 16) + "\r\n" + String(repeating: "y", count: chunk) + "\r\n")
        }
      }
      send([1, 999])
      #expect(client.readAnswer()?.text == "1000\n")
      send([500, 500, 1, 70_000])
      #expect(client.readAnswer()?.status == 413)
      send([3])
      #expect(client.readAnswer()?.text == "3\n")
    }

    @Test("a body announced past the discard limit is refused at once and the connection closed")
    func discardLimit() throws {
      let server = try server {
        $0.bodyBytesMax = 1000
        $0.discardBytesMax = 5000
      }
      let announced = server.client()
      announced.send("POST /write HTTP/1.1\r\nHost: a\r\nContent-Length: 5001\r\n\r\n")
      let answer = announced.readAnswer()
      #expect(answer?.status == 413 && answer?.headers["connection"] == "close")
      let waiting = server.client()
      waiting.send("POST /write HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2000\r\n\r\n")
      #expect(waiting.readAnswer()?.status == 413)
      let chunked = server.client()
      chunked.send("POST /write HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
      for _ in 0..<10 { chunked.send("3e8\r\n" + String(repeating: "y", count: 1000) + "\r\n") }
      _ = chunked.readToEnd()
      #expect(chunked.isAtEnd)
      #expect(server.get("/")?.status == 200)
    }

    @Test("a client that waits for 100 Continue is told to go on")
    func expectContinue() throws {
      let server = try server()
      let client = server.client()
      client.send("POST /write HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
      #expect(client.readAnswer(isHead: true)?.status == 100)
      client.send("body")
      #expect(client.readAnswer()?.text == "4\n")
    }

    @Test("past the bound of bodies in flight the answer is 503, until one of them is done")
    func bodiesInFlight() throws {
      let server = try server { $0.bodiesInFlightBytesMax = 10_000 }
      let first = server.client()
      first.send("POST /write HTTP/1.1\r\nHost: a\r\nContent-Length: 9000\r\n\r\nx")
      #expect(eventually { server.metric("apus_http_bodies_in_flight_bytes") == 9000 })
      let second = server.client()
      second.send(post("/write", 2000))
      let answer = second.readAnswer()
      #expect(answer?.status == 503 && answer?.headers["retry-after"] == "5")
      second.send(
        "POST /write HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n"
          + String(repeating: "x", count: 2000) + "\r\n0\r\n\r\n")
      #expect(second.readAnswer()?.status == 503)
      second.send(post("/write", 1000))
      #expect(second.readAnswer()?.status == 200)
      first.send(String(repeating: "x", count: 8999))
      #expect(first.readAnswer()?.text == "9000\n")
      #expect(eventually { server.metric("apus_http_bodies_in_flight_bytes") == 0 })
      second.send(post("/write", 2000))
      #expect(second.readAnswer()?.status == 200)
      #expect(server.rejected("bodies_in_flight") == 2)
    }

    @Test("headers past the limit are refused, whether a little or by far")
    func headerLimit() throws {
      let server = try server { $0.headerBytesMax = 4096 }
      #expect(server.get("/", "X-Pad: \(String(repeating: "p", count: 3900))\r\n")?.status == 200)
      for count in [4096, 10_000, 100_000] {
        let client = server.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Pad: \(String(repeating: "p", count: count))\r\n\r\n")
        // The library closes at once when it has no room; the refusal may be overtaken by the reset.
        if let answer = client.readAnswer() { #expect(answer.status == 431 || answer.status == 413, "\(count)") }
      }
      let target = server.client()
      target.send("GET /\(String(repeating: "p", count: 50_000)) HTTP/1.1\r\nHost: a\r\n\r\n")
      if let answer = target.readAnswer() { #expect(answer.status == 414 || answer.status == 431) }
      #expect(server.get("/")?.status == 200)
    }

    @Test("a body that does not arrive in time is 408 and the connection closed")
    func slowBody() throws {
      let server = try server { $0.bodyMillisecondsMax = 100 }
      let client = server.client()
      client.send("POST /write HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nabc")
      let answer = client.readAnswer()
      #expect(answer?.status == 408 && answer?.text == "the request took too long to send\n")
      #expect(client.readToEnd().isEmpty)
      #expect(server.rejected("body_timeout") == 1)
      #expect(eventually { server.metric("apus_http_bodies_in_flight_bytes") == 0 })
      #expect(eventually { server.metric("apus_http_open_connections") == 0 })
    }

    @Test("headers that trickle are 408 and the connection closed")
    func slowHeaders() throws {
      let server = try server { $0.headerMillisecondsMax = 100 }
      let client = server.client()
      client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Slow")
      #expect(client.readAnswer()?.status == 408)
      #expect(client.readToEnd().isEmpty)
      #expect(server.rejected("header_timeout") == 1)
      #expect(eventually { server.metric("apus_http_open_connections") == 0 })
    }

    @Test("an idle connection is closed after the idle timeout")
    func idle() throws {
      let server = try server { $0.idleTimeoutSeconds = 1 }
      let client = server.client()
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(client.readAnswer()?.status == 200)
      #expect(client.readToEnd().isEmpty)
    }

    @Test("connections past the limit of an address are closed, those past the total wait for a place")
    func connections() throws {
      let perAddress = try server { $0.connectionsPerAddressMax = 3 }
      var clients = (0..<3).map { _ in perAddress.client() }
      for client in clients {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.readAnswer()?.status == 200)
      }
      #expect(perAddress.client().readToEnd().isEmpty)
      clients.removeAll()
      #expect(eventually { perAddress.get("/")?.status == 200 })

      let total = try server {
        $0.connectionsMax = 2
        $0.threadCount = 1
      }
      clients = (0..<2).map { _ in total.client() }
      for client in clients {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.readAnswer()?.status == 200)
      }
      let third = total.client()
      third.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      clients.removeAll()
      #expect(third.readAnswer()?.status == 200)
    }
  }
}

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
        router.add(.get, "/count") { .text(200, "\($0.parameters.count)") }
        router.add(.get, "/headers") { .text(200, "\($0.headers.count)") }
        router.add(.get, "/operators", isForOperators: true) { _ in .text(200, "operators") }
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
      for count in [4096, 10_000, 100_000, 1_000_000] {
        #expect(server.get("/", "X-Pad: \(String(repeating: "p", count: count))\r\n")?.status == 431, "\(count)")
        #expect(server.get("/" + String(repeating: "p", count: count))?.status ?? 0 >= 414, "\(count)")
      }
      #expect(server.get("/")?.status == 200)
    }

    @Test("any number of parameters within the limit of the headers is served, more are refused at once")
    func parameters() throws {
      let server = try server { $0.headerBytesMax = 64 << 10 }
      for count in [1, 700, 800, 900, 2_000, 3_000] {
        let query = (0..<count).map { "match[]=up\($0)" }.joined(separator: "&")
        #expect(server.get("/count?" + query)?.text == "\(count)\n", "\(count)")
      }
      for count in [10_000, 100_000] {
        let query = (0..<count).map { "match[]=up\($0)" }.joined(separator: "&")
        let status = server.get("/count?" + query)?.status
        #expect(status == 414 || status == 431, "\(count): \(status ?? 0)")
      }
      #expect(server.get("/count?a=1&b=2&&c")?.text == "3\n")
    }

    @Test("any number of headers within their limit is served, more are refused at once")
    func manyHeaders() throws {
      let server = try server { $0.headerBytesMax = 64 << 10 }
      for count in [1, 100, 700, 1_500] {
        let fields = (0..<count).map { "X-\($0): value of some length \($0)\r\n" }.joined()
        #expect(server.get("/headers", fields)?.text == "\(count + 1)\n", "\(count)")
      }
      for count in [5_000, 50_000] {
        #expect(server.get("/headers", String(repeating: "A: b\r\n", count: count))?.status == 431, "\(count)")
      }
      let cookie = (0..<3_000).map { "c\($0)=v\($0)" }.joined(separator: "; ")
      #expect(server.get("/headers", "Cookie: \(cookie)\r\n")?.text == "2\n")
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

    private func hold(_ server: TestServer) -> RawClient {
      let client = server.client()
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(client.readAnswer()?.status == 200)
      return client
    }

    @Test("connections past the limit of an address are refused while all of its others are in use")
    func perAddress() throws {
      let server = try server { $0.connectionsPerAddressMax = 3 }
      var clients = (0..<3).map { _ in hold(server) }
      let refused = server.client()
      #expect(refused.readAnswer()?.text == "too many connections are open\n")
      #expect(refused.readToEnd().isEmpty)
      #expect(server.metric("apus_http_refused_connections_total", ["limit": "address"]) == 1)
      clients.removeLast()
      #expect(eventually { server.get("/")?.status == 200 })
    }

    @Test("past the total operators are served, others told to come back, and nobody waits")
    func total() throws {
      let server = try server {
        $0.connectionsMax = 2
        $0.connectionsReservedMax = 2
      }
      let clients = (0..<2).map { _ in hold(server) }
      for _ in 0..<10 {
        let operators = server.get("/operators")
        #expect(operators?.text == "operators\n" && operators?.headers["connection"] == "close")
        let other = server.get("/")
        #expect(other?.status == 503 && other?.headers["retry-after"] == "5")
        #expect(eventually { server.metric("apus_http_open_connections") == 2 })
      }
      #expect(server.rejected("connections") == 10)
      for client in clients {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.readAnswer()?.status == 200)
      }
      // Those beyond that send nothing keep nobody out.
      let silent = (0..<4).map { _ in server.client() }
      #expect(eventually { server.get("/operators")?.status == 200 })
      #expect(eventually { server.metric("apus_http_evicted_connections_total", ["kind": "silent"]) >= 1 })
      #expect(silent.count == 4)
    }

    @Test("connections that send nothing make room; those that have sent something stay")
    func silent() throws {
      let server = try server { $0.connectionsMax = 10 }
      let sender = hold(server)
      let silent = (0..<30).map { _ in server.client() }
      for _ in 0..<3 {
        #expect(eventually { server.get("/")?.status == 200 })
        #expect(eventually { server.metric("apus_http_open_connections") <= 10 })
      }
      // Others of them were refused before they were anybody's.
      #expect(server.metric("apus_http_evicted_connections_total", ["kind": "silent"]) >= 1)
      sender.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(sender.readAnswer()?.status == 200)
      #expect(silent.count == 30)
    }
  }
}

import Glibc
import HTTP
import Testing

extension HTTPSocketTests {
  @Suite struct ResponseTests {
    private static let large = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 7) }

    private final class Owner {
      let memory: UnsafeMutableRawBufferPointer
      let released: Shared<Int>
      init(_ released: Shared<Int>) {
        self.released = released
        memory = .allocate(byteCount: 100_000, alignment: 1)
        memory.initializeMemory(as: UInt8.self, repeating: 7)
      }
      deinit {
        memory.deallocate()
        released.update { $0 += 1 }
      }
    }

    /// `total` bytes in pieces of at most `piece`, failing after `failAt`.
    private static func producer(total: Int, piece: Int = 1000, failAt: Int = .max) -> BodyProducer {
      let sent = Shared(0)
      return { buffer throws(StreamError) in
        let start = sent.value
        if start >= failAt { throw .failed("as the test wants") }
        let count = min(buffer.count, piece, total - start)
        for index in 0..<count { buffer[index] = large[(start + index) % large.count] }
        sent.update { $0 += count }
        return count
      }
    }

    private func server(_ released: Shared<Int> = Shared(0)) throws -> TestServer {
      try TestServer { router in
        router.add(.get, "/small") { _ in .text(200, "small") }
        router.add(.get, "/large") { _ in Response(contentType: .text, body: .bytes(Self.large)) }
        router.add(.get, "/plain") { _ in
          var response = Response(contentType: .text, body: .bytes(Self.large))
          response.mayCompress = false
          return response
        }
        router.add(.get, "/lent") { _ in
          let owner = Owner(released)
          return Response(body: .lent(UnsafeRawBufferPointer(owner.memory), owner: owner))
        }
        router.add(.get, "/stream") { _ in Response(body: .stream(Self.producer(total: 200_000))) }
        router.add(.get, "/broken") { _ in Response(body: .stream(Self.producer(total: 200_000, failAt: 50_000))) }
        router.add(.get, "/written") { _ in
          let count = PieceCount()
          return Response(
            body: .pieces(heldBytes: 0) { writer throws(StreamError) in
              let half = count.next()
              try writer.write(Array(Self.large[(Self.large.count / 2 * half)...].prefix(Self.large.count / 2)))
              return half == 1 ? .last : .more
            })
        }
        router.add(.get, "/none") { _ in .noContent.with(header: "X-Extra", "é 1") }
      }
    }

    @Test("bodies of every kind arrive whole, one after the other on one connection")
    func kinds() throws {
      let server = try server()
      let client = server.client()
      for (path, body) in [
        ("/small", Array("small\n".utf8)), ("/large", Self.large), ("/stream", Array(Self.large[..<200_000])),
        ("/lent", Array(repeating: 7, count: 100_000)), ("/written", Self.large), ("/none", []),
        ("/small", Array("small\n".utf8)),
      ] {
        client.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
        let answer = client.readAnswer(isHead: path == "/none")
        #expect(answer?.body == body, "\(path)")
        #expect(answer?.headers["content-encoding"] == nil)
      }
    }

    @Test("large bodies and streams are compressed for clients that take gzip, small ones are not")
    func gzip() throws {
      let server = try server()
      let http = HTTPClient()
      for (path, body, isCompressed) in [
        ("/small", Array("small\n".utf8), false), ("/large", Self.large, true), ("/plain", Self.large, false),
        ("/stream", Array(Self.large[..<200_000]), true), ("/lent", Array(repeating: 7, count: 100_000), true),
        ("/written", Self.large, true),
      ] {
        let answer = try http.send(server.gzipRequest(path))
        #expect(answer.body == body, "\(path)")
        #expect((answer.header("content-encoding") == "gzip") == isCompressed, "\(path)")
      }
      #expect(server.get("/large", "Accept-Encoding: gzip;q=0\r\n")?.body == Self.large)
    }

    @Test("the memory an answer borrows is given back exactly once, whether it was read or not")
    func lentMemory() throws {
      let released = Shared(0)
      let server = try server(released)
      for index in 0..<50 {
        let client = server.client()
        client.send("\(index % 3 == 0 ? "HEAD" : "GET") /lent HTTP/1.1\r\nHost: a\r\n\r\n")
        if index % 2 == 0 { _ = client.readAnswer(isHead: index % 3 == 0) }
      }
      #expect(eventually { released.value == 50 })
      #expect(eventually { server.metric("apus_http_open_connections") == 0 })
      #expect(released.value == 50)
    }

    @Test("a stream that fails is cut, never ended: no last chunk, a reset without chunks, an error with gzip")
    func brokenStream() throws {
      let server = try server()
      let client = server.client()
      client.send("GET /broken HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(client.readAnswer() == nil)
      #expect(client.isAtEnd)
      let old = server.client()
      old.send("GET /broken HTTP/1.0\r\n\r\n")
      _ = old.readToEnd()
      #expect(old.wasReset)
      #expect(throws: HTTPClientError.self) { try HTTPClient().send(ClientRequest(url: server.url("/broken"))) }
    }

    @Test("a client of HTTP/1.0 gets a stream ended by the connection's end")
    func oldClient() throws {
      let server = try server()
      let client = server.client()
      client.send("GET /stream HTTP/1.0\r\n\r\n")
      #expect(client.readAnswer()?.body == Array(Self.large[..<200_000]))
      #expect(client.isAtEnd && !client.wasReset)
    }

    @Test("pipelined requests are answered in their order")
    func pipelining() throws {
      let server = try server()
      let client = server.client()
      client.send(
        String(repeating: "GET /small HTTP/1.1\r\nHost: a\r\n\r\nGET /stream HTTP/1.1\r\nHost: a\r\n\r\n", count: 20))
      for _ in 0..<20 {
        #expect(client.readAnswer()?.text == "small\n")
        #expect(client.readAnswer()?.body.count == 200_000)
      }
    }
  }
}

import Glibc
import HTTP
import TestKit
import Testing

extension HTTPSocketTests {
  @Suite struct RobustnessTests {
    private func server(_ change: (inout HTTPServerOptions) -> Void = { _ in }) throws -> TestServer {
      let executor = TestExecutor().run
      return try TestServer(change) { router in
        router.add(.get, "/") { _ in .text(200, "root") }
        router.add(.post, "/write", readsForm: false) { .text(200, "\($0.body.count)") }
        router.add([.get, .post], "/queued", run: .queued(executor)) { request in
          .text(200, "\(request.parameters.count) \(request.headers.count) \(request.body.count)")
        }
        router.add(.get, "/written", run: .queued(executor)) { _ in
          .letters(20, 50_000)
        }
        router.add(.get, "/lingering", run: .queued(executor)) { _ in
          let count = PieceCount()
          return Response(
            body: .pieces(heldBytes: 0) { writer throws(StreamError) in
              if count.next() == 0 {
                try writer.write(Array(repeating: 65, count: 70_000))
                return .more
              }
              try writer.flush()
              // All is sent, and the connection suspended, before the end comes.
              usleep(100_000)
              return .last
            })
        }
      }
    }

    /// Sockets of this process that are bound to the server's port: its side of connections, and its listening one.
    private func serverSockets(_ port: Int) -> Int {
      (0..<4096).count { descriptor in
        var address = sockaddr_in()
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let code = withUnsafeMutablePointer(to: &address) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(Int32(descriptor), $0, &length) }
        }
        return code == 0 && Int32(address.sin_family) == AF_INET && address.sin_port == UInt16(port).bigEndian
      }
    }

    @Test("a thousand connections dropped in the middle of their bodies leave no socket and no body behind")
    func dropped() throws {
      let server = try server()
      for round in 0..<10 {
        let clients = (0..<100).map { _ in server.client() }
        for (index, client) in clients.enumerated() {
          let path = ["/write", "/queued", "/nowhere"][index % 3]
          client.send("POST \(path) HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n")
          client.send([UInt8](repeating: UInt8(round), count: index * 499))
          if index % 7 == 0 { client.finishSending() }
        }
      }
      #expect(eventually { server.metric("apus_http_open_connections") == 0 })
      #expect(eventually { serverSockets(server.port) == 1 })
      #expect(server.metric("apus_http_bodies_in_flight_bytes") == 0)
      #expect(server.get("/")?.status == 200)
    }

    @Test("clients that leave at any moment of a queued or written answer leave nothing behind")
    func leaving() throws {
      let server = try server()
      for index in 0..<400 {
        let client = server.client()
        client.send("GET \(index % 2 == 0 ? "/queued" : "/written") HTTP/1.1\r\nHost: a\r\n\r\n")
        if index % 5 > 1 { usleep(useconds_t(index % 5 * 100)) }
        if index % 3 == 0 { client.finishSending() }
      }
      #expect(eventually { server.metric("apus_http_open_connections") == 0 })
      #expect(eventually { serverSockets(server.port) == 1 })
      #expect(server.get("/written")?.body.count == 1_000_000)
    }

    @Test("ways to hide a request in another are refused and the connection closed")
    func smuggling() throws {
      let server = try server()
      for head in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked", "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: +5",
        "Content-Length: -5", "Content-Length: 0x5", "Content-Length: 5, 5", "Content-Length: 99999999999999999999999",
        "Transfer-Encoding: gzip", "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Host: b",
      ] {
        let client = server.client()
        client.send("POST /write HTTP/1.1\r\nHost: a\r\n\(head)\r\n\r\n")
        let answer = client.readAnswer()
        #expect(answer?.status == 400 || answer?.status == 413, "\(head): \(answer?.status ?? 0)")
        _ = client.readToEnd()
        #expect(client.isAtEnd)
      }
      for body in ["xyz\r\n", "5\r\nabcdeX", "-1\r\n", "\r\n\r\n", "ffffffffffffffffffff\r\n", ";\r\n", "5 5\r\n"] {
        let client = server.client()
        client.send("POST /write HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)")
        client.finishSending()
        if let answer = client.readAnswer() { #expect(answer.status >= 400, "\(body)") }
        _ = client.readToEnd()
      }
      #expect(server.get("/")?.status == 200)
    }

    @Test("a request line that is none is 400; a raw NUL in the target is 400")
    func requestLines() throws {
      let server = try server()
      for line in [
        "GARBAGE", "GET / HTTP/1.1x", "GET / HTTP/9.9", "GET / FTP/1.0", "GET /\0 HTTP/1.1", "GET /a\0b HTTP/1.1",
        "GET relative HTTP/1.1",
      ] {
        let client = server.client()
        client.send("\(line)\r\nHost: a\r\n\r\n")
        let status = client.readAnswer()?.status
        #expect(status == 400 || status == 505, "\(line): \(status ?? 0)")
      }
      #expect(server.get("/")?.status == 200)
    }

    @Test("a client that closes its sending half after an inline request still gets the answer")
    func halfClosed() throws {
      let server = try server()
      let client = server.client()
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(client.readAnswer()?.status == 200)
      client.finishSending()
      #expect(client.readToEnd().isEmpty)
      let early = server.client()
      early.send("POST /write HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc")
      early.finishSending()
      #expect(early.readToEnd().isEmpty)
      #expect(eventually { server.metric("apus_http_open_connections") == 0 })
    }

    @Test("a client of HTTP/1.0 sees the end of a stream at once, whoever else is connected")
    func oldClientAmongOthers() throws {
      let server = try server { $0.threadCount = 1 }
      let others = (0..<3).map { _ in server.client() }
      for other in others {
        other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(other.readAnswer()?.text.hasPrefix("root") == true)
      }
      for connection in ["close", "keep-alive"] {
        let client = server.client()
        client.send("GET /lingering HTTP/1.0\r\nConnection: \(connection)\r\n\r\n")
        #expect(client.readToEnd().count > 50_000)
        #expect(client.isAtEnd && !client.wasReset)
        #expect(eventually { server.metric("apus_http_open_connections") == 3 })
      }
      for other in others {
        other.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(other.readAnswer()?.text.hasPrefix("root") == true)
      }
    }

    @Test("random bytes and mutated requests never harm the server")
    func fuzz() throws {
      let seed = RandomSource(for: "requests").seed
      var random = SplitMix(state: seed)
      let server = try server {
        $0.bodyBytesMax = 3000
        $0.discardBytesMax = 6000
        $0.headerBytesMax = 2000
        $0.bodyMillisecondsMax = 300
        $0.headerMillisecondsMax = 300
      }
      let seeds = [
        "GET /queued?a=b&c=%41 HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n\r\n",
        "POST /write HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n01234567890123456789GET / HTTP/1.1\r\nHost: b\r\n\r\n",
        "POST /queued HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n3;x=y\r\nabc\r\n0\r\nT: r\r\n\r\n",
        "POST /queued HTTP/1.1\r\nHost: a\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\na=b&c=d",
        "GET /written HTTP/1.0\r\nConnection: keep-alive\r\n folded: x\r\n\r\n",
      ].map { Array($0.utf8) }
      for round in 0..<600 {
        let client = server.client()
        var bytes: [UInt8] = []
        if round % 4 == 0 {
          bytes = (0..<random.below(4000)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        } else {
          for _ in 0...random.below(3) { bytes += seeds[random.below(seeds.count)] }
          for _ in 0..<random.below(6) {
            let place = random.below(bytes.count)
            switch random.below(4) {
            case 0: bytes[place] = UInt8(truncatingIfNeeded: random.next())
            case 1: bytes.remove(at: place)
            case 2: bytes.insert(contentsOf: [13, 10, 0, 32, 37, 58][random.below(6)...][...].prefix(1), at: place)
            default: bytes.insert(contentsOf: bytes[place..<min(place + random.below(300), bytes.count)], at: place)
            }
          }
        }
        let cut = random.below(bytes.count + 1)
        client.send(Array(bytes[..<cut]))
        if random.below(2) == 0 { client.send(Array(bytes[cut...])) }
        if random.below(4) == 0 { client.finishSending() }
        if round % 50 == 0 { #expect(server.get("/")?.status == 200, "seed \(seed), round \(round)") }
      }
      #expect(eventually { server.metric("apus_http_open_connections") == 0 }, "seed \(seed)")
      #expect(eventually { serverSockets(server.port) == 1 }, "seed \(seed)")
      // A worker may still hold a request whose client is gone.
      #expect(eventually { server.metric("apus_http_bodies_in_flight_bytes") == 0 }, "seed \(seed)")
      #expect(server.get("/")?.status == 200, "seed \(seed)")
    }
  }
}

/// A small generator that a printed seed replays.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }

  /// 0 up to, without, `bound`; 0 when the bound is 0.
  mutating func below(_ bound: Int) -> Int { bound <= 0 ? 0 : Int(next() % UInt64(bound)) }
}

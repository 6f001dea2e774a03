import Glibc
import HTTP
import Platform
import Testing

extension HTTPSocketTests {
  @Suite struct DrainTests {
    private static func connects(_ port: Int) -> Bool {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
      defer { close(descriptor) }
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = UInt16(port).bigEndian
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      return withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
        }
      }
    }

    @Test("a drain lets the requests that run finish, takes no new connections, and returns when all is closed")
    func finishes() throws {
      let gate = Shared(false)
      let started = Shared(0)
      let server = try TestServer { router in
        router.add(.get, "/queued", run: .queued(TestExecutor().run)) { _ in
          started.update { $0 += 1 }
          while !gate.value { usleep(1000) }
          return .text(200, "done")
        }
        router.add(.post, "/inline") { .text(200, "\($0.body.count)") }
      }
      let port = server.port
      let queued = server.client()
      queued.send("GET /queued HTTP/1.1\r\nHost: a\r\n\r\n")
      let receiving = server.client()
      receiving.send("POST /inline HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab")
      let idle = server.client()
      #expect(eventually { started.value == 1 && server.metric("apus_http_bodies_in_flight_bytes") == 4 })
      #expect(eventually { server.metric("apus_http_open_connections") == 3 })

      let ended = Shared(false)
      _ = TestExecutor().run {
        server.server.drain(deadlineSeconds: 60)
        ended.update { $0 = true }
      }
      #expect(eventually { !Self.connects(port) })
      #expect(!ended.value)
      receiving.send("cd")
      let answer = receiving.readAnswer()
      #expect(answer?.text == "4\n" && answer?.headers["connection"] == "close")
      gate.update { $0 = true }
      #expect(queued.readAnswer()?.text == "done\n")
      #expect(eventually { ended.value })
      #expect(idle.readToEnd().isEmpty)
      #expect(server.metric("apus_http_open_connections") == 0)
      server.server.drain(deadlineSeconds: 60)
    }

    @Test("past the deadline requests are given up: 503 for the queued, a cut for the written, and the server stops")
    func givesUp() throws {
      let started = Shared(0)
      let ended = Shared(0)
      let server = try TestServer { router in
        router.add(.get, "/queued", run: .queued(TestExecutor().run)) { request in
          started.update { $0 += 1 }
          while !request.isCancelled { usleep(1000) }
          // Later than the server's end: nobody may be there any more.
          usleep(50_000)
          ended.update { $0 += 1 }
          return .text(200, "too late")
        }
        router.add(.get, "/written", run: .queued(TestExecutor().run)) { request in
          let count = PieceCount()
          return Response(
            body: .pieces(heldBytes: 0) { writer throws(StreamError) in
              try writer.write(Array(repeating: 65, count: 100_000))
              if count.next() == 0 { return .more }
              started.update { $0 += 1 }
              while !request.isCancelled { usleep(1000) }
              ended.update { $0 += 1 }
              return .more
            })
        }
      }
      let queued = (0..<5).map { _ in server.client() }
      for client in queued { client.send("GET /queued HTTP/1.1\r\nHost: a\r\n\r\n") }
      let written = server.client()
      written.send("GET /written HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(eventually { started.value == 6 })
      server.server.drain(deadlineSeconds: 0)
      for client in queued {
        // The answer or the closed connection, but never the late one.
        if let answer = client.readAnswer() { #expect(answer.status == 503) }
      }
      #expect(written.readAnswer() == nil)
      #expect(eventually { ended.value == 6 })
    }

    @Test("a server that never started drains; one that ended does not start again")
    func states() throws {
      let server = HTTPServer(
        options: HTTPServerOptions(), log: Log(level: .error, format: .logfmt) { _ in }, metrics: MetricsRegistry(),
        router: Router())
      server.drain(deadlineSeconds: 1)
      let running = try TestServer { _ in }
      #expect(throws: HTTPServerError.notStartable) { try running.server.start() }
      running.server.drain(deadlineSeconds: 1)
      #expect(throws: HTTPServerError.notStartable) { try running.server.start() }
    }

    @Test("a taken port is one clear line, and the address forms all listen")
    func listening() throws {
      let first = try TestServer { _ in }
      let address = "127.0.0.1:\(first.port)"
      #expect(throws: HTTPServerError.cannotListen(address: address, reason: "Address already in use")) {
        _ = try TestServer({ $0.listenAddress = address }) { _ in }
      }
      let error = HTTPServerError.cannotListen(address: address, reason: "Address already in use")
      #expect("\(error)" == "cannot listen on \(address): Address already in use")
      for form in [":0", "0.0.0.0:0", "localhost:0"] {
        let server = try TestServer({ $0.listenAddress = form }) { $0.add(.get, "/") { .text(200, $0.remoteAddress) } }
        #expect(server.port > 0)
        #expect(server.get("/")?.text.hasPrefix("127.0.0.1:") == true, "\(form)")
      }
      #expect(throws: HTTPServerError.self) {
        _ = try TestServer({ $0.listenAddress = "no.such.host.invalid:0" }) { _ in }
      }
    }
  }
}

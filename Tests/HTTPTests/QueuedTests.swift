import Glibc
import HTTP
import Testing

extension HTTPSocketTests {
  @Suite struct QueuedTests {
    @Test("a queued request is answered by its worker while the connection's thread serves others")
    func queued() throws {
      let gate = Shared(false)
      let server = try TestServer({ $0.threadCount = 1 }) { router in
        router.add(.get, "/slow", run: .queued(TestExecutor().run)) { request in
          while !gate.value { usleep(1000) }
          return .text(200, "slow \(request.parameter("n") ?? "") \(request.header("x-kept") ?? "")")
        }
        router.add(.get, "/fast") { _ in .text(200, "fast") }
      }
      let waiting = (0..<8).map { index in
        let client = server.client()
        client.send("GET /slow?n=\(index) HTTP/1.1\r\nHost: a\r\nX-Kept: \(index)\r\n\r\n")
        return client
      }
      for _ in 0..<20 { #expect(server.get("/fast")?.text == "fast\n") }
      gate.update { $0 = true }
      for (index, client) in waiting.enumerated() {
        #expect(client.readAnswer()?.text == "slow \(index) \(index)\n")
        client.send("GET /slow?n=again HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(client.readAnswer()?.text == "slow again \n")
      }
    }

    @Test("past a full queue the answer is 503 with the time to wait, and the connection goes on")
    func fullQueue() throws {
      let gate = Shared(false)
      let server = try TestServer { router in
        router.add(.post, "/slow", run: .queued(TestExecutor(max: 2).run)) { request in
          while !gate.value { usleep(1000) }
          return .text(200, "\(request.body.count)")
        }
      }
      let clients = (0..<5).map { _ in server.client() }
      for client in clients[..<2] { client.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc") }
      #expect(eventually { server.metric("apus_http_bodies_in_flight_bytes") == 6 })
      for client in clients[2...] {
        client.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        let answer = client.readAnswer()
        #expect(answer?.status == 503 && answer?.headers["retry-after"] == "5")
      }
      gate.update { $0 = true }
      for client in clients[..<2] { #expect(client.readAnswer()?.text == "3\n") }
      #expect(eventually { server.metric("apus_http_bodies_in_flight_bytes") == 0 })
      #expect(server.rejected("queue_full") == 3)
    }

    @Test("an answer many times larger than the pipe arrives whole, plain and compressed")
    func pipe() throws {
      let server = try TestServer({ $0.pipeBytesMax = 10_000 }) { router in
        router.add(.get, "/rows", run: .queued(TestExecutor().run)) { _ in
          Response(
            contentType: .text,
            body: .written { writer throws(StreamFailure) in
              for row in 0..<200_000 { try writer.write(Array("row \(row)\n".utf8)) }
            })
        }
      }
      var expected: [UInt8] = []
      for row in 0..<200_000 { expected += Array("row \(row)\n".utf8) }
      #expect(server.get("/rows")?.body == expected)
      let compressed = try HTTPClient().send(ClientRequest(url: server.url("/rows")))
      #expect(compressed.body == expected && compressed.header("content-encoding") == "gzip")
      let client = server.client()
      client.send("HEAD /rows HTTP/1.1\r\nHost: a\r\n\r\n")
      let head = client.readAnswer(isHead: true)
      #expect(head?.status == 200 && head?.headers["content-length"] == nil)
      #expect(client.readToEnd().isEmpty)
    }

    @Test("a writer that fails cuts the answer")
    func failingWriter() throws {
      let server = try TestServer { router in
        router.add(.get, "/", run: .queued(TestExecutor().run)) { _ in
          Response(
            body: .written { writer throws(StreamFailure) in
              try writer.write(Array(repeating: 65, count: 100_000))
              throw .failed("as the test wants")
            })
        }
      }
      #expect(server.get("/") == nil)
      #expect(throws: HTTPClientError.self) { try HTTPClient().send(ClientRequest(url: server.url("/"))) }
    }

    @Test("a worker learns that its client has gone, before and while it writes")
    func cancellation() throws {
      let log = Shared<[String]>([])
      let started = Shared(0)
      let server = try TestServer { router in
        router.add(.get, "/think", run: .queued(TestExecutor().run)) { request in
          started.update { $0 += 1 }
          while !request.isCancelled { usleep(1000) }
          log.update { $0.append("thinking ended") }
          return .text(200, "nobody reads this")
        }
        router.add(.get, "/write", run: .queued(TestExecutor().run)) { _ in
          Response(
            body: .written { writer throws(StreamFailure) in
              started.update { $0 += 1 }
              do throws(StreamFailure) {
                while true { try writer.write(Array(repeating: 65, count: 50_000)) }
              } catch {
                log.update { $0.append("\(error)") }
                throw error
              }
            })
        }
      }
      for (path, message) in [("/think", "thinking ended"), ("/write", "clientGone")] {
        var client: RawClient? = server.client()
        client?.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
        let before = started.value
        #expect(eventually { started.value > before || started.value > 0 && path == "/think" || started.value > 1 })
        client = nil
        #expect(eventually { log.value.contains(message) }, "\(path)")
      }
      #expect(eventually { server.metric("apus_http_open_connections") == 0 })
    }

    @Test("a client that does not read stops its worker after the stall limit")
    func stall() throws {
      let outcome = Shared<StreamFailure?>(nil)
      let server = try TestServer({
        $0.pipeBytesMax = 10_000
        $0.pipeStallMillisecondsMax = 100
      }) { router in
        router.add(.get, "/", run: .queued(TestExecutor().run)) { _ in
          Response(
            body: .written { writer throws(StreamFailure) in
              do throws(StreamFailure) {
                while true { try writer.write(Array(repeating: 65, count: 50_000)) }
              } catch {
                outcome.update { $0 = error }
                throw error
              }
            })
        }
      }
      let client = server.client()
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(eventually { outcome.value == .clientGone })
      // What was sent is not taken for the whole.
      #expect(client.readAnswer() == nil)
    }
  }
}

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
        let executor = TestExecutor(max: 2)
        router.add(.post, "/slow", run: .queued(executor.run)) { request in
          while !gate.value { usleep(1000) }
          return .text(200, "\(request.body.count)")
        }
        let limits = RouteLimits(busyResponse: .text(503, "too many changes"))
        router.add(.get, "/other", run: .queued(executor.run), limits: limits) { _ in .text(200, "") }
      }
      let clients = (0..<5).map { _ in server.client() }
      for client in clients[..<2] { client.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc") }
      #expect(eventually { server.metric("apus_http_bodies_in_flight_bytes") == 6 })
      for client in clients[2...] {
        client.send("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
        let answer = client.readAnswer()
        #expect(answer?.status == 503 && answer?.headers["retry-after"] == "5")
      }
      // A route has its own words for it.
      let other = server.get("/other")
      #expect(other?.text == "too many changes\n" && other?.headers["retry-after"] == "5")
      gate.update { $0 = true }
      for client in clients[..<2] { #expect(client.readAnswer()?.text == "3\n") }
      #expect(eventually { server.metric("apus_http_bodies_in_flight_bytes") == 0 })
      #expect(server.rejected("queue_full") == 4)
    }

    @Test("an answer many times larger than what may wait arrives whole, plain and compressed")
    func stream() throws {
      let server = try TestServer({ $0.streamBytesMax = 10_000 }) { router in
        router.add(.get, "/rows", run: .queued(TestExecutor().run)) { _ in
          let count = PieceCount()
          return Response(
            contentType: .text,
            body: .pieces(heldBytes: 0) { writer throws(StreamError) in
              let row = count.next()
              try writer.write(Array("row \(row)\n".utf8))
              return row == 199_999 ? .last : .more
            })
        }
      }
      var expected: [UInt8] = []
      for row in 0..<200_000 { expected += Array("row \(row)\n".utf8) }
      #expect(server.get("/rows")?.body == expected)
      let compressed = try HTTPClient().send(server.gzipRequest("/rows"))
      #expect(compressed.body == expected && compressed.header("content-encoding") == "gzip")
      let client = server.client()
      client.send("HEAD /rows HTTP/1.1\r\nHost: a\r\n\r\n")
      let head = client.readAnswer(isHead: true)
      #expect(head?.status == 200 && head?.headers["content-length"] == nil)
      #expect(client.readToEnd().isEmpty)
    }

    @Test("an answer up to a stage's size is sent as a whole, a larger one in chunks; both arrive")
    func stages() throws {
      let server = try TestServer { router in
        router.add(.get, "/{pieces}", run: .queued(TestExecutor().run)) { request in
          .letters(Int(request.pathParameter("pieces")) ?? 0, 10_000)
        }
      }
      for (pieces, isWhole) in [(1, true), (6, true), (7, true), (8, false), (50, false)] {
        let answer = server.get("/\(pieces)")
        #expect(answer?.body.count == pieces * 10_000, "\(pieces)")
        #expect((answer?.headers["content-length"] != nil) == isWhole, "\(pieces)")
        let compressed = try HTTPClient().send(server.gzipRequest("/\(pieces)"))
        #expect(compressed.body.count == pieces * 10_000 && compressed.header("content-encoding") == "gzip")
      }
    }

    @Test("an answer that fails at once is 500, one that fails later is cut")
    func failingPieces() throws {
      let server = try TestServer { router in
        router.add(.get, "/{before}", run: .queued(TestExecutor().run)) { request in
          let before = Int(request.pathParameter("before")) ?? 0
          let count = PieceCount()
          return Response(
            body: .pieces(heldBytes: 0) { writer throws(StreamError) in
              if count.next() == before { throw .failed("as the test wants") }
              try writer.write(Array(repeating: 65, count: 100_000))
              return .more
            })
        }
      }
      #expect(server.get("/0")?.status == 500)
      #expect(server.get("/1") == nil)
      #expect(server.get("/9") == nil)
      #expect(throws: HTTPClientError.self) { try HTTPClient().send(ClientRequest(url: server.url("/1"))) }
    }

    @Test("a worker learns that its client has gone, and an answer lets go of what it holds")
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
          started.update { $0 += 1 }
          return .letters(.max, 50_000) { log.update { $0.append("released") } }
        }
      }
      for (path, message) in [("/think", "thinking ended"), ("/write", "released")] {
        let before = started.value
        var client: RawClient? = server.client()
        client?.send("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
        #expect(eventually { started.value > before })
        client = nil
        #expect(eventually { log.value.contains(message) }, "\(path)")
      }
      #expect(eventually { server.metric("apus_http_open_connections") == 0 })
    }

    @Test("a client that does not read holds no worker, and is cut after the stall limit")
    func stall() throws {
      let released = Shared(0)
      let executor = TestExecutor(max: 1)
      let server = try TestServer({ $0.stallMillisecondsMax = 1_000 }) { router in
        router.add(.get, "/endless", run: .queued(executor.run)) { _ in
          .letters(.max, 50_000, held: 1 << 20) { released.update { $0 += 1 } }
        }
        router.add(.get, "/short", run: .queued(executor.run)) { _ in .text(200, "short") }
      }
      let clients = (1...5).map { count in
        let client = server.client()
        client.send("GET /endless HTTP/1.1\r\nHost: a\r\n\r\n")
        // The only worker is free again before the client has read a byte.
        let held = Double(count << 20)
        #expect(eventually { server.metric("apus_http_waiting_answers_bytes") == held && executor.runningCount == 0 })
        return client
      }
      #expect(eventually { server.get("/short")?.text == "short\n" })
      #expect(eventually { released.value == 5 })
      #expect(server.metric("apus_http_stalled_answers_total") == 5)
      // What was sent is not taken for the whole.
      for client in clients { #expect(client.readAnswer() == nil) }
      #expect(eventually { server.metric("apus_http_open_connections") == 0 })
    }

    @Test("a slow client that goes on reading is not cut")
    func slow() throws {
      let server = try TestServer({ $0.stallMillisecondsMax = 300 }) { router in
        router.add(.get, "/", run: .queued(TestExecutor().run)) { _ in .letters(400, 50_000) }
      }
      let client = server.client()
      client.shrinkReceiveBuffer()
      client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
      for _ in 0..<15 {
        usleep(100_000)
        client.receiveSome(1 << 20)
      }
      #expect(client.readAnswer()?.body.count == 20_000_000)
      #expect(server.metric("apus_http_stalled_answers_total") == 0)
    }

    @Test(
      "answers that wait for their clients are bounded: further ones wait, and clients that do not read are cut for them"
    )
    func answerMemory() throws {
      let server = try TestServer({
        $0.answersBytesMax = 10 << 20
        $0.stallMillisecondsMax = 60_000
        $0.pressedStallMillisecondsMax = 300
      }) { router in
        router.add(.get, "/large", run: .queued(TestExecutor().run)) { _ in .letters(400, 50_000, held: 4 << 20) }
      }
      let stalled = (0..<2).map { _ in
        let client = server.client()
        client.send("GET /large HTTP/1.1\r\nHost: a\r\n\r\n")
        return client
      }
      #expect(eventually { server.metric("apus_http_waiting_answers_bytes") == Double(8 << 20) })
      #expect(server.get("/large")?.body.count == 20_000_000)
      #expect(server.metric("apus_http_stalled_answers_total") >= 1)
      for client in stalled { _ = client.readAnswer() }
      #expect(eventually { server.metric("apus_http_waiting_answers_bytes") == 0 })
    }
  }
}

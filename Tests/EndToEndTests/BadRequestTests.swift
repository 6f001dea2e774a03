import TestKit
import Testing

extension EndToEnd {
  /// Whatever comes in, the server answers it with the right 4xx or closes the connection, and goes on serving.
  @Suite("Requests that no honest client sends", .serialized)
  struct BadRequests {
    private func expectHealthy(_ server: ServerProcess) throws {
      #expect(try server.get("/-/healthy").status == 200)
    }

    private func post(
      _ server: ServerProcess, _ body: [UInt8], type: String = "application/x-protobuf", encoding: String = "snappy"
    ) throws -> HTTPAnswer {
      try server.request(
        "POST", "/api/v1/write", headers: [("Content-Type", type), ("Content-Encoding", encoding)], body: body)
    }

    @Test("bodies that are no write requests are answered 400")
    func garbageBodies() throws {
      let site = try Site()
      let server = try site.start()
      var random = RandomSource(for: "garbage bodies")
      #expect(try post(server, random.bytes(1000)).status == 400)
      #expect(try post(server, snappyCompressed(random.bytes(1000))).status == 400)
      let good = counting("e2e_cut", from: recentTimestamp(), count: 3)
      // A protobuf message that is cut is no message, wherever it is cut.
      for end in 1..<good.message.count {
        #expect(try post(server, snappyCompressed(Array(good.message[..<end]))).status == 400, "cut after \(end)")
      }
      #expect(try post(server, Array(good.snappy.dropLast())).status == 400)
      try expectHealthy(server)
    }

    @Test("mutated bodies leave the server serving")
    func mutatedBodies() throws {
      let site = try Site()
      let server = try site.start()
      var random = RandomSource(for: "mutated bodies")
      let good = counting("e2e_mutated", from: recentTimestamp(), count: 20).message
      var connection = try HTTPConnection(port: server.port)
      for _ in 0..<500 {
        var message = good
        for _ in 0...random.below(4) { message[random.below(message.count)] = UInt8(random.below(256)) }
        let answer = try connection.exchange(
          "POST", "/api/v1/write", headers: RemoteWriteBody.headers, body: snappyCompressed(message))
        #expect(answer.status == 204 || answer.status == 400, "\(message)")
        if !answer.keepsAlive { connection = try HTTPConnection(port: server.port) }
      }
      try expectHealthy(server)
    }

    @Test("another type or encoding is answered 415")
    func unsupported() throws {
      let site = try Site()
      let server = try site.start()
      let body = counting("e2e_type", from: recentTimestamp(), count: 1).snappy
      #expect(try post(server, body, type: "application/json").status == 415)
      #expect(try post(server, body, type: "application/x-protobuf;proto=no.such.Message").status == 415)
      #expect(try post(server, body, encoding: "br").status == 415)
    }

    @Test("unknown paths and wrong methods")
    func routes() throws {
      let site = try Site()
      let server = try site.start()
      #expect(try server.get("/no/such/path").status == 404)
      #expect(try server.get("/api/v1/write").status == 405)
      #expect(try server.get("/api/v1/query").status == 400)
      #expect(try server.get("/api/v1/query?query=%7Bnot").status == 400)
      try expectHealthy(server)
    }

    @Test("a body that unpacks to more than 32 MiB is refused")
    func bomb() throws {
      let site = try Site()
      let server = try site.start()
      let bomb = snappyCompressed([UInt8](repeating: 0, count: 33 << 20))
      #expect(bomb.count < 4 << 20)
      #expect(try post(server, bomb).status == 400)
      // The same lie told by the length alone: nothing may be reserved for it.
      #expect(try post(server, [0xff, 0xff, 0xff, 0xff, 0x0f, 0]).status == 400)
      try expectHealthy(server)
      let usage = try #require(server.child.usage)
      #expect(usage.residentBytesMax < 400 << 20)
    }

    @Test("a body larger than the limit is refused by its header, before it is sent")
    func oversized() throws {
      let site = try Site()
      let server = try site.start()
      var connection = try HTTPConnection(port: server.port)
      try connection.send(
        Array("POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000000\r\n\r\n".utf8))
      #expect(try connection.readAnswer().status == 413)
      let isClosed = connection.isClosedByPeer()
      #expect(isClosed)
      try expectHealthy(server)
    }

    @Test(
      "requests that are not HTTP are refused and their connection closed",
      arguments: [
        "nonsense\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "\u{16}\u{3}\u{1}\u{2}\u{0}\r\n\r\n",
        "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: -5\r\n\r\n",
        "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n",
        "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
      ])
    func notHTTP(_ text: String) throws {
      let site = try Site()
      let server = try site.start()
      var connection = try HTTPConnection(port: server.port, timeout: .seconds(10))
      try connection.send(Array(text.utf8))
      connection.finishSending()
      do {
        let status = try connection.readAnswer().status
        #expect((400..<506).contains(status), "answered \(status)")
      } catch {
        #expect(error == .closed(beforeAnswer: true))
      }
      try expectHealthy(server)
    }

    @Test("headers beyond the limit are refused")
    func longHeaders() throws {
      let site = try Site()
      let server = try site.start()
      var connection = try HTTPConnection(port: server.port)
      let header = "X-Long: \(String(repeating: "x", count: 4 << 20))\r\n"
      do {
        try connection.send(Array("GET /-/healthy HTTP/1.1\r\nHost: x\r\n\(header)\r\n".utf8))
        let status = try connection.readAnswer().status
        #expect((400..<500).contains(status))
      } catch {
        // The server may close before it has read them all.
        if case .closed = error {} else { Issue.record("\(error)") }
      }
      try expectHealthy(server)
    }

    @Test("clients that stop in the middle, or stop reading, do not keep others waiting")
    func slowClients() throws {
      let site = try Site()
      let server = try site.start()
      var held: [UnfinishedRequest] = []
      for part in ["G", "GET /-/healthy HT", "GET /-/healthy HTTP/1.1\r\nHo"] {
        for _ in 0..<20 { held.append(try UnfinishedRequest(server.port, part)) }
      }
      for _ in 0..<20 {
        held.append(
          try UnfinishedRequest(
            server.port, "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nonly this much"))
      }
      let start = recentTimestamp()
      for second in 0..<20 {
        #expect(try server.write(counting("e2e_beside_\(second)", from: start, count: 2)).status == 204)
      }
      #expect(try server.query("e2e_beside_19", at: start + 1000).series.first?.points.first?.value == 1)
      #expect(held.count == 80)
    }

    @Test("a body cut off by the end of the connection stores nothing and leaves nothing behind")
    func halfClosed() throws {
      let site = try Site()
      let server = try site.start()
      let start = recentTimestamp()
      let body = counting("e2e_half", from: start, count: 50).snappy
      for _ in 0..<50 {
        var connection = try HTTPConnection(port: server.port)
        var head = "POST /api/v1/write HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n"
        for (name, value) in RemoteWriteBody.headers { head += "\(name): \(value)\r\n" }
        try connection.send(Array((head + "\r\n").utf8) + body.dropLast(10))
        connection.finishSending()
      }
      try expectHealthy(server)
      #expect(try server.query("e2e_half[10m]", at: start + 60_000).series.isEmpty)
    }

    @Test("a thousand bad requests more do not take more memory", .timeLimit(.minutes(2)))
    func noGrowth() throws {
      let site = try Site()
      let server = try site.start()
      var random = RandomSource(for: "memory under bad requests")
      func round(_ count: Int) throws -> Int {
        for number in 0..<count {
          switch number % 4 {
          case 0: _ = try post(server, random.bytes(20_000))
          case 1: _ = try post(server, snappyCompressed(random.bytes(20_000)))
          case 2: _ = try server.get("/no/such/\(random.next())")
          default:
            _ = try UnfinishedRequest(server.port, "POST /api/v1/write HTTP/1.1\r\nContent-Length: 99999\r\n\r\nx")
          }
        }
        try expectHealthy(server)
        return try #require(server.child.usage).anonymousBytes
      }
      let before = try round(1000)
      let after = try round(1000)
      #expect(after - before < 8 << 20, "\(before) bytes, then \(after)")
    }
  }

  /// A request that was begun and is not finished while this lives.
  final class UnfinishedRequest {
    private var connection: HTTPConnection

    init(_ port: UInt16, _ part: String) throws {
      connection = try HTTPConnection(port: port)
      try connection.send(Array(part.utf8))
    }
  }
}

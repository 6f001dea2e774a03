import TestKit
import Testing

extension EndToEnd {
  @Suite("Clients that mean no good", .serialized)
  struct HostileClients {
    @Test("clients that do not read their answers keep no query waiting", .timeLimit(.minutes(2)))
    func unread() throws {
      let site = try Site()
      let server = try site.start([
        "--query.max-concurrency=2", "--storage.remote.read-concurrent-limit=2",
      ])
      try EndToEnd.writeWideSeries(server, count: 1_500)
      let read = RemoteReadBody.request(start: 0, end: .max, matchers: [(0, "__name__", "wide")], types: [1])
      var clients: [Client] = []
      for _ in 0..<4 {
        for target in ["/api/v1/query?query=wide", "/federate?match[]=wide", "/api/v1/series?match[]=wide"] {
          let client = try Client(server.port)
          try client.connection.send(Array("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
          clients.append(client)
        }
        let client = try Client(server.port)
        try client.connection.send(
          Array("POST /api/v1/read HTTP/1.1\r\nHost: a\r\nContent-Length: \(read.count)\r\n\r\n".utf8) + read)
        clients.append(client)
      }
      // All are evaluated, and none is waited for.
      let started = ContinuousClock.now
      #expect(try server.query("vector(7)").series.count == 1)
      #expect(try server.get("/federate?match[]=nothing").status == 200)
      let small = RemoteReadBody.request(start: 0, end: .max, matchers: [(0, "__name__", "nothing")], types: [1])
      #expect(try server.request("POST", "/api/v1/read", body: small).status == 200)
      #expect(ContinuousClock.now - started < .seconds(10))
      // Those that read at last have everything.
      let last = clients[0]
      let answer = try last.connection.readAnswer()
      #expect(answer.status == 200 && answer.body.count > 6_000_000)
      #expect(clients.count == 16)
    }

    @Test(
      "hundreds of silent connections keep nobody out: health, operators, senders and queries", .timeLimit(.minutes(2)))
    func silent() throws {
      let site = try Site()
      let server = try site.start()
      var sender = try HTTPConnection(port: server.port)
      func send() throws {
        let body = EndToEnd.counting("sent", from: nowMilliseconds() - 1_000, count: 1)
        let answer = try sender.exchange("POST", "/api/v1/write", headers: RemoteWriteBody.headers, body: body.snappy)
        #expect(answer.status / 100 == 2)
      }
      try send()
      var silent: [Client] = []
      for _ in 0..<600 { silent.append(try Client(server.port)) }
      let started = ContinuousClock.now
      for path in ["/-/healthy", "/-/ready", "/metrics", "/api/v1/status/runtimeinfo"] {
        #expect(try server.get(path).status == 200, "\(path)")
      }
      #expect(try server.query("vector(7)").series.count == 1)
      try send()
      #expect(ContinuousClock.now - started < .seconds(5))
      #expect(silent.count == 600)
    }

    @Test("a GET with hundreds of parameters is answered, or refused at once when it is too long")
    func parameters() throws {
      let site = try Site()
      let server = try site.start()
      for count in [1, 700, 800, 900, 2_000] {
        let query = (0..<count).map { "match[]=up\($0)" }.joined(separator: "&")
        let answer = try server.request("GET", "/api/v1/series?" + query, timeout: .seconds(5))
        #expect(answer.status == 200, "\(count): \(answer.text.prefix(200))")
      }
      let query = (0..<20_000).map { "match[]=up\($0)" }.joined(separator: "&")
      let answer = try server.request("GET", "/api/v1/series?" + query, timeout: .seconds(5))
      #expect(answer.status == 414 || answer.status == 431)
    }

    @Test("a malformed Content-Length is one answer")
    func malformedLength() throws {
      let site = try Site()
      let server = try site.start()
      for length in ["x", "-1", "5x", "99999999999999999999999"] {
        let client = try Client(server.port)
        try client.connection.send(
          Array("POST /api/v1/query HTTP/1.1\r\nHost: a\r\nContent-Length: \(length)\r\n\r\n".utf8))
        let answer = try client.connection.readAnswer()
        #expect(answer.status == 400 || answer.status == 413, "\(length)")
        let isClosed = client.connection.isClosedByPeer()
        #expect(isClosed, "\(length)")
      }
    }

    @Test("a remote read with an unknown kind of matcher is 400")
    func unknownMatcher() throws {
      let site = try Site()
      let server = try site.start()
      let body = RemoteReadBody.request(start: 0, end: 1, matchers: [(9, "a", "b")])
      let answer = try server.request("POST", "/api/v1/read", body: body)
      #expect(answer.status == 400 && answer.text == "invalid matcher type\n")
    }

    @Test("memory that a large query took is given back soon after it", .timeLimit(.minutes(2)))
    func memory() throws {
      let site = try Site()
      let server = try site.start(["--storage.own-metrics=false"])
      var body = RemoteWriteBody()
      let start = EndToEnd.recentTimestamp(minutesAgo: 40)
      for index in 0..<400 { body.add("large", ["index": "\(index)"], [(start, Double(index))]) }
      #expect(try server.write(body).status / 100 == 2)
      _ = try server.query("large")
      let before = try residentBytes(server)
      // One sample each, looked at by 10,000 steps of 20 ms: some 64 MB of result.
      let seconds = start / 1000
      let range = "&start=\(seconds)&end=\(seconds + 200)&step=0.02"
      #expect(try server.get("/api/v1/query_range?query=large%20or%20large" + range).body.count > 50_000_000)
      let isBack = try eventually(within: .seconds(15), every: .milliseconds(200)) {
        try residentBytes(server) < before + (40 << 20)
      }
      let after = try residentBytes(server)
      #expect(isBack, "\(before >> 20) MB before, \(after >> 20) MB after")
    }

    private func residentBytes(_ server: ServerProcess) throws -> Int {
      let lines = try server.get("/metrics").text.split(separator: "\n")
      let line = try #require(lines.first { $0.hasPrefix("process_resident_memory_bytes ") })
      return Int(try #require(Double(line.split(separator: " ")[1])))
    }
  }
}

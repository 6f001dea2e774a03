import TestKit
import Testing

extension EndToEnd {
  @Suite("A body goes in, a query comes out", .serialized)
  struct WriteAndQuery {
    @Test("every sample written is answered, bit for bit")
    func roundTrip() throws {
      let site = try Site()
      let server = try site.start()
      let start = recentTimestamp()
      let values = [0, -0.0, 1.5, -1e-300, .greatestFiniteMagnitude, .infinity, -.infinity, 0.1, 1e15 + 0.5]
      var body = RemoteWriteBody()
      body.add("e2e_values", ["job": "e2e", "zone": "a"], values.enumerated().map { (start + Int64($0) * 1000, $1) })
      body.add("e2e_values", ["job": "e2e", "zone": "b"], [(start, 42)])
      #expect(try server.write(body).status == 204)

      let answer = try server.query("e2e_values{zone=\"a\"}[5m]", at: start + 60_000)
      #expect(answer.type == "matrix")
      let series = try #require(answer.series.first)
      #expect(answer.series.count == 1)
      #expect(series.labels == ["__name__": "e2e_values", "job": "e2e", "zone": "a"])
      #expect(series.points.map(\.timestampMilliseconds) == values.indices.map { start + Int64($0) * 1000 })
      #expect(series.points.map(\.value.bitPattern) == values.map(\.bitPattern))

      let instant = try server.query("e2e_values{zone!=\"a\"}", at: start)
      #expect(instant.type == "vector")
      #expect(instant.series.map(\.points) == [[.init(timestampMilliseconds: start, value: 42)]])
    }

    @Test("the path of the hosted service and its trailing slash take writes, too")
    func otherPaths() throws {
      let site = try Site()
      let server = try site.start()
      for (index, path) in ["/api/v1/remote_write", "/api/v1/remote_write/", "/api/v1/write/"].enumerated() {
        let metric = "e2e_path_\(index)"
        let start = recentTimestamp()
        let answer = try server.write(counting(metric, from: start, count: 3), to: path)
        #expect(answer.status / 100 == 2, "\(path): \(answer.text)")
        #expect(try server.query(metric, at: start + 2000).series.first?.points.first?.value == 2)
      }
    }

    @Test("version 1.0 never answers with the headers of 2.0")
    func noWrittenHeaders() throws {
      let site = try Site()
      let server = try site.start()
      let answer = try server.write(counting("e2e_headers", from: recentTimestamp(), count: 1))
      #expect(answer.headers.allSatisfy { !$0.name.lowercased().hasPrefix("x-prometheus-remote-write-") })
      #expect(answer.body.isEmpty)
    }

    @Test("one connection carries many writes and queries")
    func keepAlive() throws {
      let site = try Site()
      let server = try site.start()
      let start = recentTimestamp()
      var connection = try HTTPConnection(port: server.port)
      for second in 0..<100 {
        let body = counting("e2e_alive_\(second % 7)", from: start + Int64(second) * 1000, count: 1)
        let answer = try connection.exchange(
          "POST", "/api/v1/write", headers: RemoteWriteBody.headers, body: body.snappy)
        #expect(answer.status == 204)
        #expect(try connection.exchange("GET", "/-/healthy").status == 200)
      }
    }

    @Test("exact duplicates succeed, the newest and earlier ones")
    func exactDuplicates() throws {
      let site = try Site()
      let server = try site.start()
      let start = recentTimestamp()
      let body = counting("e2e_duplicate", from: start, count: 10)
      for _ in 0..<3 { #expect(try server.write(body).status == 204) }
      #expect(try server.write(counting("e2e_duplicate", from: start, count: 4)).status == 204)
      let answer = try server.query("e2e_duplicate[5m]", at: start + 60_000)
      #expect(answer.series.first?.points.map(\.value) == (0..<10).map(Double.init))
    }

    @Test("another value at the same time is refused by its reason, its neighbours are stored")
    func conflictingDuplicate() throws {
      let site = try Site()
      let server = try site.start()
      let start = recentTimestamp()
      #expect(try server.write(counting("e2e_conflict", from: start, count: 5)).status == 204)
      var body = RemoteWriteBody()
      body.add("e2e_before", [:], [(start, 1)])
      body.add("e2e_conflict", ["job": "e2e"], [(start + 4000, 99)])
      body.add("e2e_after", [:], [(start, 2)])
      let answer = try server.write(body)
      #expect(answer.status == 400)
      #expect(answer.text.contains("duplicate sample for timestamp"))
      #expect(answer.text.contains("e2e_conflict"))
      #expect(try server.query("e2e_conflict", at: start + 4000).series.first?.points.first?.value == 4)
      #expect(try server.query("e2e_before", at: start).series.first?.points.first?.value == 1)
      #expect(try server.query("e2e_after", at: start).series.first?.points.first?.value == 2)
    }

    @Test("late samples inside the window are stored where they belong")
    func outOfOrder() throws {
      let site = try Site()
      let server = try site.start()
      let start = recentTimestamp(minutesAgo: 30)
      var body = RemoteWriteBody()
      body.add("e2e_late", ["job": "e2e"], [(start + 20_000, 20)])
      #expect(try server.write(body).status == 204)
      #expect(try server.write(counting("e2e_late", from: start, count: 10)).status == 204)
      let points = try server.query("e2e_late[5m]", at: start + 60_000).series.first?.points
      #expect(points?.map(\.value) == (0..<10).map(Double.init) + [20])
    }

    @Test(
      "samples older than what is kept, or from the future, are refused by their reason",
      arguments: [(-16 * 86_400, "too old"), (3600, "out of bounds")])
    func outsideTheWindow(secondsFromNow: Int64, reason: String) throws {
      let site = try Site()
      let server = try site.start()
      let start = recentTimestamp(minutesAgo: 1)
      #expect(try server.write(counting("e2e_bounds", from: start, count: 1)).status == 204)
      var body = RemoteWriteBody()
      body.add("e2e_bounds", ["job": "e2e"], [(nowMilliseconds() + secondsFromNow * 1000, 1)])
      body.add("e2e_neighbour", [:], [(start, 7)])
      let answer = try server.write(body)
      #expect(answer.status == 400)
      #expect(answer.text.contains(reason), "\(answer.text)")
      #expect(try server.query("e2e_neighbour", at: start).series.first?.points.first?.value == 7)
    }
  }
}

import Synchronization
import TestKit

/// One way of treating a server badly, repeated until the siege ends. Each runs on threads of its own.
struct Attack: Sendable {
  let name: String
  var threads = 1
  /// Does its worst once; a failure of its own connection is part of the game.
  let strike: @Sendable (_ port: UInt16, _ isOver: @escaping @Sendable () -> Bool, _ number: Int) throws -> Void

  static let all: [Attack] = connections + bodies + queries + floods

  // MARK: Connections

  private static let connections = [
    Attack(name: "600 silent connections") { port, isOver, _ in
      var held: [Held] = []
      for _ in 0..<600 where !isOver() {
        guard let one = try? Held(port, timeout: .seconds(1)) else { break }
        held.append(one)
      }
      wait(.seconds(5), isOver)
      held.removeAll()
    },
    Attack(name: "60 heads, a byte a second") { port, isOver, _ in
      var held: [Held] = []
      for _ in 0..<60 { if let one = try? Held(port, timeout: .seconds(1)) { held.append(one) } }
      for byte in Array("GET /api/v1/query?query=up HTTP/1.1\r\nHost: a".utf8) where !isOver() {
        for one in held { try? one.connection.send([byte]) }
        wait(.seconds(1), isOver)
      }
    },
    Attack(name: "30 bodies, a byte a second") { port, isOver, _ in
      var held: [Held] = []
      let head = Array("POST /api/v1/write HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n".utf8)
      for _ in 0..<30 {
        guard let one = try? Held(port, timeout: .seconds(1)) else { continue }
        try? one.connection.send(head)
        held.append(one)
      }
      for _ in 0..<20 where !isOver() {
        for one in held { try? one.connection.send([0x61]) }
        wait(.seconds(1), isOver)
      }
    },
    Attack(name: "20 readers that do not read") { port, isOver, _ in
      var held: [Held] = []
      let end = nowMilliseconds() / 1000
      let target = "/api/v1/query_range?query=good&start=\(end - 3600)&end=\(end)&step=1"
      for _ in 0..<20 {
        guard let one = try? Held(port, timeout: .seconds(1)) else { continue }
        try? one.connection.send(Array("GET \(target) HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        held.append(one)
      }
      wait(.seconds(15), isOver)
      held.removeAll()
    },
    Attack(name: "hostile heads") { port, isOver, number in
      let hostile = HostileHeads.all[number % HostileHeads.all.count]
      let one = try Held(port, timeout: .seconds(5))
      try one.connection.send(hostile.bytes)
      _ = try one.connection.readAnswer()
    },
  ]

  // MARK: Bodies

  private static let bodies = [
    Attack(name: "bombs and rubbish as bodies", threads: 2) { port, _, number in
      let one = try Held(port, timeout: .seconds(10))
      let body = Bomb.all[number % Bomb.all.count]
      _ = try one.connection.exchange(
        "POST", "/api/v1/write",
        headers: RemoteWriteBody.headers.filter { $0.0 != "Content-Encoding" } + [body.encoding],
        body: body.bytes)
    }
  ]

  // MARK: Queries

  private static let wide = [
    "count by (__name__) ({__name__=~\".%2B\"})", "sum_over_time(good[1h:1ms])", "{__name__=~\".%2B\"}",
    (0..<14).reduce("good") { inner, _ in "label_replace(\(inner),\"v\",\"$1$1$1$1\",\"v\",\"(.*)\")" },
    (0..<14).reduce("good") { inner, _ in "label_join(\(inner),\"v\",\"-\",\"v\",\"v\",\"i\")" },
    "good * on () group_left () count(good)", "quantile_over_time(0.9,good[1h])", "good@0 or good offset 1y",
    String(repeating: "(", count: 5_000) + "1" + String(repeating: ")", count: 5_000),
    "count_values(\"v\", good)", "sort_by_label(good, \"i\")", "topk(100000, good)",
  ]

  private static let queries = [
    Attack(name: "wide queries", threads: 3) { port, _, number in
      let one = try Held(port, timeout: .seconds(30))
      let query = wide[number % wide.count].replacing(" ", with: "%20").replacing("\"", with: "%22")
      let end = nowMilliseconds() / 1000
      let target =
        number % 2 == 0
        ? "/api/v1/query?query=\(query)" : "/api/v1/query_range?query=\(query)&start=\(end - 10_000)&end=\(end)&step=1"
      _ = try one.connection.exchange("GET", target)
    },
    Attack(name: "queries whose client goes away", threads: 2) { port, _, _ in
      let one = try Held(port, timeout: .seconds(5))
      try one.connection.send(
        Array("GET /api/v1/query?query=sum_over_time(good%5B1h:10ms%5D) HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
      sleepThread(.milliseconds(20))
    },
  ]

  // MARK: Floods

  private static let floods = [
    Attack(name: "2,000 new names a body") { port, _, number in
      var body = RemoteWriteBody()
      for series in 0..<2_000 { body.add("flood_\(number)_\(series)", ["a": "\(series)"], [(nowMilliseconds(), 1)]) }
      try post(body, port)
    },
    Attack(name: "invented clusters") { port, _, number in
      var body = RemoteWriteBody()
      for series in 0..<500 {
        body.add("ha", ["cluster": "c\(number)_\(series)", "__replica__": "r"], [(nowMilliseconds(), 1)])
      }
      try post(body, port)
    },
    Attack(name: "exemplars with new labels") { port, _, number in
      var body = RemoteWriteBody()
      let time = nowMilliseconds()
      for series in 0..<200 {
        let exemplar = RemoteWriteBody.exemplar([("trace_id", "\(number)-\(series)")], time, 1)
        body.add([("__name__", "exemplified"), ("i", "\(series)")], [(time, 1)], more: exemplar)
      }
      try post(body, port)
    },
    Attack(name: "samples of all times, backwards") { port, _, number in
      var body = RemoteWriteBody()
      let now = nowMilliseconds()
      body.add("backwards", ["i": "\(number % 5)"], (0..<20_000).map { (now - Int64($0) * 50 - Int64(number), 1) })
      try post(body, port)
    },
    Attack(name: "series of 60 kB") { port, _, number in
      var body = RemoteWriteBody()
      body.add("long", ["v": String(repeating: "\(number % 10)", count: 60_000)], [(nowMilliseconds(), 1)])
      try post(body, port)
    },
  ]

  private static func post(_ body: RemoteWriteBody, _ port: UInt16) throws {
    let one = try Held(port, timeout: .seconds(30))
    _ = try one.connection.exchange("POST", "/api/v1/write", headers: RemoteWriteBody.headers, body: body.snappy)
  }

  private static func wait(_ time: Duration, _ isOver: () -> Bool) {
    let end = ContinuousClock.now + time
    while ContinuousClock.now < end && !isOver() { sleepThread(.milliseconds(50)) }
  }
}

/// Bodies that are small as sent and large, or nothing, as decoded.
private enum Bomb {
  static let all: [(encoding: (String, String), bytes: [UInt8])] = [
    // Snappy that says it has 4 GiB.
    (("Content-Encoding", "snappy"), [0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0x61]),
    (("Content-Encoding", "snappy"), snappyCompressed([UInt8](repeating: 0, count: 60 << 20))),
    (("Content-Encoding", "snappy"), snappyCompressed([UInt8](repeating: 0x0a, count: 30 << 20))),
    (("Content-Encoding", "zstd"), [0x28, 0xb5, 0x2f, 0xfd, 0xa0, 0xff, 0xff, 0xff, 0x7f, 0x00]),
    (("Content-Encoding", "gzip"), [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0x61, 0x62, 0x63]),
    (("Content-Encoding", "br"), Array("nothing".utf8)),
    (("Content-Encoding", "snappy"), Array("rubbish".utf8)),
  ]
}

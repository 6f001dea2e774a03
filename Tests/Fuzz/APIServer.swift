import Ingest
import Platform
import PlatformSimulation
import PromQL
import Query

@testable import API
@testable import HTTP
@testable import TSDB

/// Every route over a database on a disk in memory, called without a connection. The driver's thread.
final class APIServer {
  nonisolated(unsafe) static var current = APIServer()
  nonisolated(unsafe) private static var left = callsMax
  /// A database is thrown away after so many calls, so that it stays small.
  private static let callsMax = 5_000

  let server = FuzzServer()
  let router: Router
  private let queries: QueryService

  init() {
    for round in 0..<20 {
      for body in [WriteSeeds.v1[1], WriteSeeds.v1[2]] { server.receive(body, at: Int64(round) * 15_000) }
    }
    do {
      try server.database.start()
      queries = try QueryService(APIServer.options, clock: CountingClock(server.clock))
    } catch {
      preconditionFailure("the server does not start: \(error)")
    }
    let registry = MetricsRegistry()
    var services = APIServices(
      workspaces: server.workspaces, registry: registry,
      lifecycle: LifecycleActions(isEnabled: true, reload: { nil }, quit: {}), isStopping: { false },
      version: BuildVersion(version: "1", revision: "r", branch: "b", buildDate: "d", compiler: "c"), queries: queries,
      flags: [("a", "b\"")], configurationText: { "global: {}\n" })
    services.isAdminEnabled = true
    router = Routes.router(services)
  }

  deinit {
    queries.stop()
    server.database.close()
  }

  static func countDown() {
    left -= 1
    if left > 0 { return }
    current = APIServer()
    left = callsMax
  }

  private static var options: QueryOptions {
    var options = QueryOptions()
    options.engine.parser = .all
    options.concurrencyMax = 1
    options.processors = 1
    options.samplesMax = 20_000
    options.bytesMax = 4 << 20
    return options
  }
}

/// Each look at it is a while later, so that a query has a deadline that does not depend on the machine.
private final class CountingClock: Clock {
  private let clock: SimulatedClock
  private let looks = Counter()
  /// 20,000 looks are two minutes, which a query may take.
  private static let nanosecondsPerLook: Int64 = 6_000_000

  init(_ clock: SimulatedClock) { self.clock = clock }

  func nowMilliseconds() -> Int64 { clock.nowMilliseconds() }

  func monotonicNanoseconds() -> Int64 {
    looks.add()
    return clock.monotonicNanoseconds() + Int64(looks.value) * CountingClock.nanosecondsPerLook
  }
}

/// Requests as text: `GET /path?query`, headers, an empty line, the body; lines end with `\n`.
enum APIRequests {
  /// False where the server would not look for a route.
  static func read(_ bytes: UnsafeRawBufferPointer, into request: Request) -> Bool {
    var lines = Lines(rest: bytes)
    let first = lines.next()
    let space = first.firstIndex(of: 0x20) ?? first.count
    request.method = HTTPMethods(name: UnsafeRawBufferPointer(rebasing: first[..<space]))
    request.head.setTarget(UnsafeRawBufferPointer(rebasing: first[min(space + 1, first.count)...]))
    while !lines.rest.isEmpty {
      let line = lines.next()
      if line.isEmpty { break }
      let colon = line.firstIndex(of: UInt8(ascii: ":")) ?? line.count
      request.head.addField(
        name: UnsafeRawBufferPointer(rebasing: line[..<colon]),
        value: UnsafeRawBufferPointer(rebasing: line[min(colon + 1, line.count)...]))
    }
    guard request.head.splitPath() else { return false }
    if case .malformed = request.head.framing { return false }
    return lines.rest.isEmpty || request.appendBody(lines.rest, expected: nil) == .taken
  }

  /// The same for a socket.
  static func wire(_ request: [UInt8]) -> [UInt8] {
    let head = request.firstRange(of: [10, 10])
    let lines = request[..<(head?.lowerBound ?? request.count)].split(separator: 10).map(Array.init)
    let body = head.map { Array(request[$0.upperBound...]) } ?? []
    var bytes = (lines.first ?? []) + Array(" HTTP/1.1\r\nHost: a\r\n".utf8)
    for line in lines.dropFirst() { bytes += line + [13, 10] }
    if !body.isEmpty { bytes += Array("Content-Length: \(body.count)\r\n".utf8) }
    return bytes + [13, 10] + body
  }

  private struct Lines {
    var rest: UnsafeRawBufferPointer

    mutating func next() -> UnsafeRawBufferPointer {
      let end = rest.firstIndex(of: 10) ?? rest.count
      let line = UnsafeRawBufferPointer(rebasing: rest[..<end])
      rest = UnsafeRawBufferPointer(rebasing: rest[min(end + 1, rest.count)...])
      return line
    }
  }

  static var seeds: [[UInt8]] {
    let form = "\nContent-Type: application/x-www-form-urlencoded\n\n"
    let time = "1700000060"
    let range = "start=1700000000&end=1700000300"
    var all = [
      "GET /api/v1/query?query=up&time=\(time)&limit=2&stats=all&timeout=5s&lookback_delta=1m",
      "POST /api/v1/query\(form)query=sum+by+(job)+(rate(up%5B5m%5D))&time=2023-11-14T22:14:20Z",
      "GET /api/v1/query_range?query=latency&\(range)&step=15",
      "POST /api/v1/query_range\(form)query=histogram_quantile(0.9,latency)&\(range)&step=1m",
      "GET /api/v1/query_exemplars?query=latency&\(range)", "GET /api/v1/format_query?query=a%2Bb",
      "GET /api/v1/parse_query?query=a%7Bb=~%22c%22%7D%5B5m%5D", "GET /api/v1/labels?match[]=up&\(range)&limit=1",
      "GET /api/v1/label/job/values?match[]=%7Bjob!=%22%22%7D&limit=3", "GET /api/v1/label/U__a_2e_b/values",
      "POST /api/v1/series\(form)match[]=up&match%5B%5D=latency&\(range)&limit=5",
      "DELETE /api/v1/series?match[]=up", "GET /api/v1/metadata?metric=up&limit=1&limit_per_metric=1",
      "GET /api/v1/status/tsdb?limit=3&focusLabel=job&match[]=up", "GET /federate?match[]=%7Bjob=%22node%22%7D",
      "GET /api/v1/targets?state=active&scrapePool=a", "GET /api/v1/targets/metadata?match_target=%7B%7D&limit=1",
      "GET /api/v1/rules?type=alert&rule_name[]=a&exclude_alerts=true&group_limit=1", "GET /api/v1/alerts",
      "POST /api/v1/admin/tsdb/delete_series?match[]=up&\(range)", "POST /api/v1/admin/tsdb/snapshot?skip_head=true",
      "PUT /api/v1/admin/tsdb/clean_tombstones", "GET /api/v1/status/active_queries",
      "DELETE /api/v1/status/active_queries?id=1", "GET /api/v1/status/walreplay", "GET /api/v1/status/config",
      "GET /api/v1/status/ha", "GET /api/v1/status/limits", "GET /api/v1/status/usage",
      "GET /api/v1/features", "GET /metrics", "GET /version",
      "GET /api/v1/notifications", "GET /", "GET /graph?g0.expr=up", "POST /-/reload",
      "OPTIONS /api/v1/query\nOrigin: a",
      "GET /workspaces/default/api/v1/labels\nAccept-Encoding: gzip;q=0, zstd", "HEAD /api/v1/labels",
      "GET http://a:9/api/v1/scrape_pools", "GET /%2e/a%20b", "GET /api/v1/nothing",
    ].map { Array($0.utf8) }
    let write = Array("POST /api/v1/write\nContent-Encoding: identity\n\n".utf8)
    all.append(write + WriteSeeds.v1[2])
    let second = "application/x-protobuf;proto=io.prometheus.write.v2.Request"
    all.append(
      Array("POST /api/v1/write\nContent-Encoding: identity\nContent-Type: \(second)\n\n".utf8) + WriteSeeds.v2[1])
    all.append(Array("POST /api/v1/read\nContent-Encoding: snappy\n\n".utf8) + WriteSeeds.compressedRead)
    all.append(
      Array("POST /api/v1/otlp/v1/metrics\nContent-Type: application/json\n\n".utf8) + WriteSeeds.otlpJSON[2])
    return all
  }
}

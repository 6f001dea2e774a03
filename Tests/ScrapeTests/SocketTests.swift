import Glibc
import HTTP
import Model
import Outbound
import Platform
import Synchronization
import TestKit
import Testing

@testable import Scrape

/// Scrapes over real sockets, with the threads of a server. One after the other: they share two cores.
@Suite(.serialized) struct SocketTests {
  private static func metrics(_ request: Request, _ extra: [(String, String)] = []) -> Response {
    var response = Response(status: 200, body: .bytes(Array("up_time 1\n".utf8)))
    response.headers += [("Content-Type", "text/plain; version=0.0.4")] + extra
    return response
  }

  /// A body that goes on as long as somebody reads, as it is.
  private static func stream(_ produce: @escaping BodyProducer) -> Response {
    var response = Response(body: .stream(produce))
    response.mayCompress = false
    return response
  }

  @Test("targets are scraped again and again over one connection, which is told apart from their neighbours'")
  func kept() throws {
    let ports = Mutex<Set<String>>([])
    let bench = try SocketBench { router in
      router.add(.get, "/metrics") { request in
        ports.withLock { _ = $0.insert(request.remoteAddress) }
        return Self.metrics(request)
      }
    }
    bench.scrape(interval: 100)
    #expect(eventually(within: .seconds(30)) { bench.record.times(bench.address).count >= 8 })
    #expect(bench.state?.health == .up && ports.withLock { $0.count } == 1)
    bench.stop()
    let count = bench.record.all.count
    sleepThread(.milliseconds(150))
    #expect(bench.record.all.count == count)
  }

  @Test("a gzipped body is unpacked, a redirect followed, a status other than 200 told")
  func answers() throws {
    let seen = Mutex<[String]>([])
    let bench = try SocketBench { router in
      router.add(.get, "/metrics") { request in
        seen.withLock { $0.append(request.header("accept-encoding") ?? "none") }
        var response = Self.metrics(request, [("Content-Encoding", "gzip")])
        response.mayCompress = false
        response.body = .bytes(gzipCompressed(Array("packed 1\n".utf8)))
        return response
      }
      router.add(.get, "/moved") { _ in Response(status: 302).with(header: "Location", "/metrics") }
      router.add(.get, "/busy") { _ in .text(503, "busy") }
    }
    bench.scrape(interval: 100)
    #expect(eventually(within: .seconds(30)) { bench.record.bodies.contains("packed 1\n") })
    #expect(seen.withLock { $0.first } == "gzip")
    bench.record.removeAll()
    bench.scrape(interval: 100) { $0.metricsPath = "/moved" }
    #expect(eventually(within: .seconds(30)) { bench.record.bodies.contains("packed 1\n") })
    bench.scrape(interval: 100) { $0.metricsPath = "/busy" }
    #expect(
      eventually(within: .seconds(30)) {
        bench.state?.lastError == "server returned HTTP status 503 Service Unavailable"
      })
    bench.scrape(interval: 100) { options in
      options.metricsPath = "/moved"
      options.client.followsRedirects = false
    }
    #expect(
      eventually(within: .seconds(30)) { bench.state?.lastError == "server returned HTTP status 302 Found" })
    bench.stop()
  }

  @Test("a silent target, one that trickles and one that is not there cost their timeout and no other target anything")
  func slow() throws {
    let silent = try SilentListener()
    let bench = try SocketBench { router in
      router.add(.get, "/metrics") { Self.metrics($0) }
      router.add(.get, "/trickle") { _ in
        Self.stream { room in
          usleep(20_000)
          room.copyBytes(from: "# more\n".utf8)
          return 7
        }
      }
    }
    bench.manager.reconfigure(
      [
        .test("good", interval: 100, timeout: 100),
        .test("silent", interval: 300, timeout: 300), .test("absent", interval: 300, timeout: 300),
        .test("trickle", interval: 300, timeout: 300) { $0.metricsPath = "/trickle" },
      ], externalLabels: .empty)
    bench.find("good", [bench.address])
    bench.find("silent", (0..<200).map { _ in "127.0.0.1:\(silent.port)" })
    bench.find("absent", ["127.0.0.1:1"])
    bench.find("trickle", [bench.address])
    func error(_ pool: String) -> String { bench.manager.activeTargets(of: pool).last?.lastError ?? "" }
    #expect(
      eventually(within: .seconds(60)) {
        error("silent") == "Get \"http://127.0.0.1:\(silent.port)/metrics\": context deadline exceeded"
          && error("absent") == "Get \"http://127.0.0.1:1/metrics\": dial tcp 127.0.0.1:1: connect: connection refused"
          && error("trickle") == "Get \"http://\(bench.address)/trickle\": context deadline exceeded"
      }, "\(error("silent")) \(error("absent")) \(error("trickle"))")
    #expect(bench.manager.activeTargets(of: "good").first?.health == .up)
    // 200 scrapes at once, and no thread for each; another test has a wheel, too.
    #expect((1...(Processors.count + 4)).contains(ThreadNames.count { $0.hasPrefix("scrape-") }))
    bench.stop()
  }

  @Test("an endless body ends at its limit, a gzip bomb too, and the memory of both is given back")
  func endless() throws {
    let bench = try SocketBench { router in
      router.add(.get, "/endless") { _ in
        Self.stream { room in
          room.initializeMemory(as: UInt8.self, repeating: 65)
          return room.count
        }
      }
      router.add(.get, "/bomb") { request in
        var response = Self.metrics(request, [("Content-Encoding", "gzip")])
        response.mayCompress = false
        response.body = .bytes(gzipCompressed(Array(repeating: 48, count: 20_000_000)))
        return response
      }
    }
    for path in ["/endless", "/bomb"] {
      bench.scrape(interval: 5_000) { options in
        options.metricsPath = path
        options.bodyBytesMax = 1_000_000
      }
      #expect(eventually(within: .seconds(60)) { bench.state?.lastError == "body size limit exceeded" }, "\(path)")
    }
    #expect(eventually(within: .seconds(20)) { bench.scraper.bodyBytes == 0 })
    bench.stop()
  }
}

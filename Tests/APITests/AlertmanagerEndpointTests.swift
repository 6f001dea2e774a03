import Discovery
import Notify
import Platform
import PlatformSimulation
import TestKit
import Testing

@testable import API

@Suite("The way to Alertmanagers")
struct AlertmanagerEndpointTests {
  private static let base = "/workspaces/default/alertmanager/api/v2"

  /// A way from the default workspace to a server.
  private static func passage(to url: String?) throws -> AlertmanagerPassage {
    let passage = try AlertmanagerPassage(
      DiscoverySurroundings(
        clock: SimulatedClock(), log: Log(level: .error, format: .logfmt) { _ in }, registry: MetricsRegistry(),
        userAgent: "Apus"))
    var binding = AlertmanagerBinding()
    if let url {
      binding.url = url
      passage.reconfigure([binding])
    }
    return passage
  }

  @Test("method, path, query, body and status are passed on; who asks, and with which credentials, is not")
  func credentials() throws {
    let server = try ScriptedServer { _ in
      "HTTP/1.1 418 I am\r\nContent-Length: 2\r\nSet-Cookie: s=secret\r\nX-Own: secret\r\n\r\n{}"
    }
    let passage = try Self.passage(to: server.url("/prefix"))
    defer { passage.stop() }
    let bench = try APIBench(alertmanagers: passage)
    var connection = try bench.connection()
    let secrets = [
      ("Authorization", "Bearer secret"), ("Cookie", "a=secret"), ("X-Amz-Security-Token", "secret"),
      ("Proxy-Authorization", "Basic secret"), ("X-Forwarded-For", "secret"), ("TE", "trailers"), ("Upgrade", "secret"),
    ]
    let answer = try connection.exchange(
      "POST",
      "\(Self.base)/silences?a=b%20c&X-Amz-Signature=secret&d=&%58-amz-credential=secret&x-amz-date=secret&d=%26",
      headers: secrets + [("Content-Type", "application/json; x=y")], body: Array("{\"k\":1}".utf8))
    #expect(answer.status == 418 && answer.text == "{}")
    #expect(answer.header("Set-Cookie") == nil && answer.header("X-Own") == nil)
    let seen = try #require(server.requests.first)
    #expect(seen.hasPrefix("POST /prefix/api/v2/silences?a=b%20c&d=&d=%26 HTTP/1.1\r\n"), "\(seen)")
    #expect(seen.hasSuffix("\r\n\r\n{\"k\":1}") && seen.contains("Content-Type: application/json; x=y\r\n"))
    #expect(!seen.contains("secret") && !seen.lowercased().contains("\r\nte:"), "\(seen)")
    _ = try connection.exchange("GET", "\(Self.base)/status?X-Amz-Signature=secret")
    #expect(server.requests.last?.hasPrefix("GET /prefix/api/v2/status HTTP/1.1\r\n") ?? false)
  }

  @Test("without an Alertmanager, and where it does not answer, the error is JSON that says so")
  func absent() throws {
    let dead = "http://127.0.0.1:\(FreePort.next())"
    for (url, status, part) in [(nil, 404, "has no Alertmanager"), (dead, 502, "did not answer")]
      as [(String?, Int, String)]
    {
      let passage = try Self.passage(to: url)
      defer { passage.stop() }
      let bench = try APIBench(alertmanagers: passage)
      let answer = try bench.get("\(Self.base)/alerts")
      #expect(answer.status == status)
      let error = try JSONValue(parsing: answer.text)
      #expect(
        error["code"].number == Double(status) && error["message"].string?.contains(part) ?? false, "\(answer.text)")
    }
    let bench = try APIBench()
    #expect(try bench.get("\(Self.base)/alerts").status == 404)
    #expect(try bench.get("/workspaces/nobody/alertmanager/api/v2/alerts").text.contains("does not exist"))
  }

  @Test("an answer without end is cut off, and a body beyond the limit is refused before anybody sees it")
  func bounds() throws {
    let server = try ScriptedServer { _ in
      "HTTP/1.1 200 OK\r\n\r\n" + String(repeating: "x", count: (32 << 20) + 1)
    }
    let passage = try Self.passage(to: server.url(""))
    defer { passage.stop() }
    let bench = try APIBench(alertmanagers: passage)
    #expect(try bench.get("\(Self.base)/alerts").status == 502)
    var connection = try bench.connection()
    let body = [UInt8](repeating: 0x20, count: (16 << 20) + 1)
    #expect(try connection.exchange("POST", "\(Self.base)/alerts", body: body).status == 413)
    #expect(server.requests.count == 1)
  }
}

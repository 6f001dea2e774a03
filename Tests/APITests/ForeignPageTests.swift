import HTTP
import TestKit
import Testing

@testable import API

@Suite("Pages of other origins")
struct ForeignPageTests {
  @Test(
    "what changes something is refused to them, and only to them",
    arguments: [
      ("POST", "/api/v1/admin/tsdb/delete_series?match[]=up"), ("PUT", "/api/v1/admin/tsdb/clean_tombstones"),
      ("POST", "/api/v1/admin/tsdb/snapshot"), ("DELETE", "/api/v1/series?match[]=up"), ("POST", "/-/reload"),
      ("PUT", "/-/quit"), ("DELETE", "/api/v1/status/active_queries?id=1"), ("POST", "/api/v1/rules/n"),
      ("DELETE", "/config/v1/rules/n"), ("POST", "/workspaces"), ("DELETE", "/workspaces/x"),
      ("PUT", "/workspaces/x/policy"), ("POST", "/tags/x"), ("POST", "/alertmanager/api/v2/silences"),
      ("DELETE", "/alertmanager/api/v2/silence/x"),
    ])
  func changes(_ method: String, _ target: String) throws {
    let bench = try APIBench(isRulesAPIEnabled: true)
    func isRefused(_ headers: [(String, String)]) throws -> Bool {
      var connection = try bench.connection()
      let answer = try connection.exchange(method, target, headers: headers)
      return answer.status == 403 && answer.text.contains("another origin")
    }
    let host = "localhost:\(bench.port)"
    for foreign in [
      [("Origin", "https://evil.example")], [("Origin", "null")], [("Sec-Fetch-Site", "cross-site")],
      [("Origin", "http://\(host).evil.example")], [("Sec-Fetch-Site", "same-site"), ("Origin", "http://other")],
    ] { #expect(try isRefused(foreign), "\(foreign)") }
    for own in [
      [], [("Origin", "http://\(host)")], [("Origin", "https://\(host)")],
      [("Sec-Fetch-Site", "same-origin"), ("Origin", "https://proxy.example")], [("Sec-Fetch-Site", "none")],
    ] as [[(String, String)]] { #expect(try !isRefused(own), "\(own)") }
  }

  @Test("queries and samples are not refused; all answers keep browsers from guessing what they are")
  func others() throws {
    let bench = try APIBench()
    for (method, target) in [
      ("GET", "/api/v1/query?query=1"), ("POST", "/api/v1/query?query=1"), ("POST", "/api/v1/write"),
      ("GET", "/nothing"),
    ] {
      var connection = try bench.connection()
      let answer = try connection.exchange(method, target, headers: [("Origin", "https://evil.example")])
      #expect(answer.status != 403, "\(target)")
      #expect(answer.header("X-Content-Type-Options") == "nosniff", "\(target)")
    }
  }
}

import TestKit
import Testing

extension EndToEnd {
  /// Queries that a few hundred bytes of text make large: each is answered or refused, and the server stays small.
  @Suite("Queries that ask for more than they may", .serialized)
  struct QueryBudgets {
    private static let budget = 64 << 20
    private static let refusal = "the query would hold more than \(budget) bytes in memory (--query.max-bytes)"

    private func start(_ site: borrowing Site, _ start: Int64) throws -> ServerProcess {
      let apus = try site.start(["--query.max-bytes=64MB", "--query.timeout=20s"])
      var body = RemoteWriteBody()
      for index in 0..<400 {
        body.add(
          "up", ["job": "api", "v": "value-\(index)"], (0..<20).map { (start + Int64($0) * 15_000, Double($0 * index)) }
        )
      }
      #expect(try apus.write(body).status == 204)
      return apus
    }

    private static func nested(_ depth: Int, _ wrap: (String) -> String) -> String {
      (0..<depth).reduce("up") { text, _ in wrap(text) }
    }

    @Test("labels that double and double again are refused before they are made")
    func labels() throws {
      let start = EndToEnd.recentTimestamp()
      let site = try Site()
      let apus = try self.start(site, start)
      let queries = [
        Self.nested(14) { #"label_replace(\#($0),"v","$1$1$1$1","v","(.*)")"# },
        Self.nested(20) { #"label_join(\#($0),"v","","v","v","v","v")"# },
        #"label_replace(\#(Self.nested(20) { #"label_join(\#($0),"v","","v","v","v","v")"# }),"w","$1$1","v","(.*)")"#,
        #"sum by (v) (\#(Self.nested(20) { #"label_join(\#($0),"v","","v","v","v","v")"# }))"#,
      ]
      for query in queries {
        let answer = try apus.get("/api/v1/query?query=\(percentEncoded(query))&time=\(start / 1000 + 60)")
        let json = try JSONValue(parsing: answer.body)
        #expect(answer.status == 422 && json["errorType"].string == "execution", "\(query)")
        #expect(json["error"].string?.hasPrefix(Self.refusal) == true, "\(json["error"].string ?? "")")
      }
      let usage = try #require(apus.child.usage)
      #expect(usage.residentBytesMax < 400 << 20, "\(usage.residentBytesMax >> 20) MiB")
      #expect(try apus.get("/api/v1/query?query=count(up)").status == 200)
    }

    @Test("the deepest and the longest texts are evaluated, printed and refused without harm")
    func depth() throws {
      let site = try Site()
      let start = EndToEnd.recentTimestamp()
      let apus = try self.start(site, start)
      func post(_ path: String, _ query: String) throws -> HTTPAnswer {
        try apus.request(
          "POST", path, headers: [("Content-Type", "application/x-www-form-urlencoded")],
          body: Array("query=\(percentEncoded(query))&time=\(start / 1000 + 60)".utf8))
      }
      let deep = [
        Array(repeating: "1", count: 1001).joined(separator: "+"),
        Array(repeating: "vector(1)", count: 1001).joined(separator: "+"),
        Array(repeating: "vector(1)", count: 1001).joined(separator: " or "),
        Array(repeating: "vector(1)", count: 199).joined(separator: "^"),
        String(repeating: "(", count: 198) + "up" + String(repeating: ")", count: 198),
        String(repeating: "-", count: 198) + "vector(1)",
        String(repeating: "abs(", count: 198) + "up" + String(repeating: ")", count: 198),
        String(repeating: "sum(", count: 198) + "up" + String(repeating: ")", count: 198),
        String(repeating: "max_over_time(", count: 90) + "up" + String(repeating: "[1m:1m])", count: 90),
        (0..<190).reduce("up") { text, _ in #"label_replace(\#(text),"a","b","","")"# },
      ]
      for query in deep {
        for path in ["/api/v1/query", "/api/v1/format_query", "/api/v1/parse_query"] {
          let answer = try post(path, query)
          #expect(answer.status == 200, "\(path) \(query.prefix(60)): \(answer.text.prefix(300))")
        }
      }
      for query in [
        String(repeating: "(", count: 10_000) + "1" + String(repeating: ")", count: 10_000),
        "label_join(up, \"a\", \"b\"" + String(repeating: ", \"c\"", count: 300_000) + ")",
      ] {
        for path in ["/api/v1/query", "/api/v1/format_query", "/api/v1/parse_query"] {
          #expect(try post(path, query).status == 400)
        }
      }
      #expect(try apus.get("/api/v1/query?query=count(up)").status == 200)
    }

    @Test("steps, series, groups and buffers of every kind are bounded by the budget")
    func worst() throws {
      let start = EndToEnd.recentTimestamp()
      let site = try Site()
      let apus = try self.start(site, start)
      let queries = [
        "max_over_time(up[1y:1ms])", "max_over_time(up[10h:1ms])", "max_over_time(vector(1)[60d:1s])",
        "sum_over_time((up + on (v) group_left up)[1d:1s])", "quantile(0.5, sum_over_time(up[1m])) * up",
        "max_over_time(quantile by (v) (0.5, up)[1d:1s])", "count_values(\"x\", up + on () group_left time())",
        "max_over_time(count_values(\"x\", time() * (up * 0 + 1))[1d:1s])", "max_over_time(topk(3, up)[1d:1s])",
        "max_over_time(stddev by (v) (up)[1d:1s])", "max_over_time(sort(up)[1d:1s])",
        "max_over_time((up or up * 2)[1d:1s])",
        "label_join(up, \"v\", \"\(String(repeating: "x", count: 3000))\", \(Array(repeating: "\"v\"", count: 400).joined(separator: ",")))",
      ]
      for query in queries {
        let answer = try apus.request(
          "POST", "/api/v1/query", headers: [("Content-Type", "application/x-www-form-urlencoded")],
          body: Array("query=\(percentEncoded(query))&time=\(start / 1000 + 60)".utf8))
        let json = try JSONValue(parsing: answer.body)
        #expect([200, 422].contains(answer.status), "\(query): \(json["error"].string ?? "")")
      }
      let usage = try #require(apus.child.usage)
      #expect(usage.residentBytesMax < 400 << 20, "\(usage.residentBytesMax >> 20) MiB")
      #expect(try apus.get("/api/v1/query?query=count(up)").status == 200)
    }
  }
}

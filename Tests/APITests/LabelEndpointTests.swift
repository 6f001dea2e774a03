import Format
import Model
import TestKit
import Testing

@testable import API

@Suite struct LabelEndpointTests {
  @Test("an escaped label name is read back, and a badly escaped one is itself")
  func escapedNames() {
    let cases: [(String, String)] = [
      ("job", "job"), ("U__job", "job"), ("U__service_2e_name", "service.name"), ("U__a__b", "a_b"),
      ("U___FC_n_EF_", "ünï"), ("U___1f600_", "😀"), ("U__", ""), ("U__open_2e", "U__open_2e"),
      ("U__bad_zz_", "U__bad_zz_"), ("U__high_110000_", "U__high_110000_"), ("U__half_d800_", "U__half_d800_"),
      ("U__long_0000041_", "U__long_0000041_"), ("U__end_", "U__end_"), ("u__a__b", "u__a__b"),
    ]
    for (text, name) in cases {
      #expect(String(decoding: EscapedName.unescaped(Array(text.utf8)), as: UTF8.self) == name, "\(text)")
    }
  }

  @Test("names, values and series of large and small selections are what the labels of the series say")
  func againstModel() throws {
    let bench = try APIBench()
    var random = RandomSource(for: "label lookups")
    var series: [[String: String]] = []
    var body = RemoteWriteBody()
    for index in 0..<3000 {
      var labels = ["__name__": "m\(random.below(5))", "id": "\(index)", "shard": "s\(random.below(40))"]
      if random.below(3) == 0 { labels["rare"] = "r\(random.below(7))" }
      series.append(labels)
      body.add(labels.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }, [(APIBench.now - 1000, 1)])
    }
    #expect(try bench.write(body.snappy, RemoteWriteBody.headers).status == 204)
    let selectors: [(String, ([String: String]) -> Bool)] = [
      ("{__name__=\"m1\"}", { $0["__name__"] == "m1" }), ("{id=~\"1.*\"}", { $0["id"]?.hasPrefix("1") ?? false }),
      ("m2{rare=\"\"}", { $0["__name__"] == "m2" && $0["rare"] == nil }), ("{rare!=\"\"}", { $0["rare"] != nil }),
      ("{__name__=~\".+\"}", { _ in true }), ("{id=\"7\"}", { $0["id"] == "7" }), ("{id=\"none\"}", { _ in false }),
      ("{__name__=~\"m.\",shard!~\"s1.*\"}", { !($0["shard"] ?? "").hasPrefix("s1") }),
    ]
    for _ in 0..<40 {
      let chosen = (0..<(1 + random.below(3))).map { _ in selectors[random.below(selectors.count)] }
      let query = chosen.map { "match[]=" + percentEncoded($0.0) }.joined(separator: "&")
      let found = series.filter { labels in chosen.contains { $0.1(labels) } }
      let names = try list(bench, "/api/v1/labels?\(query)")
      #expect(names == Set(found.flatMap(\.keys)).sorted(), "\(query)")
      for name in ["shard", "rare", "__name__"] {
        let values = try list(bench, "/api/v1/label/\(name)/values?\(query)")
        #expect(values == Set(found.compactMap { $0[name] }).sorted(), "\(name) \(query)")
      }
      let answer = try JSONValue(parsing: try bench.get("/api/v1/series?\(query)").body)
      #expect(answer["data"].array?.count == found.count, "\(query)")
    }
  }

  @Test("what is asked with a limit is the beginning of what is asked without, and says so")
  func limits() throws {
    let bench = try APIBench()
    var body = RemoteWriteBody()
    for index in 0..<30 { body.add("m", ["id": "\(100 + index)"], [(APIBench.now - 1000, 1)]) }
    #expect(try bench.write(body.snappy, RemoteWriteBody.headers).status == 204)
    let all = try list(bench, "/api/v1/label/id/values")
    for path in ["/api/v1/label/id/values?", "/api/v1/label/id/values?match[]=m&"] {
      for limit in [1, 29, 30, 31] {
        let answer = try JSONValue(parsing: try bench.get("\(path)limit=\(limit)").body)
        #expect(answer["data"].array?.compactMap(\.string) == Array(all.prefix(limit)))
        #expect((answer["warnings"][0].string == "results truncated due to limit") == (limit < 30))
      }
    }
  }

  @Test("a server without its data answers 503, and only says so")
  func notReady() throws {
    let bench = try APIBench(isReady: false)
    for target in [
      "/api/v1/labels", "/api/v1/label/a/values", "/api/v1/series?match[]=a", "/api/v1/query?query=1", "/federate",
      "/api/v1/metadata", "/api/v1/status/tsdb", "/api/v1/rules",
    ] {
      let answer = try bench.get(target)
      #expect(answer.status == 503 && answer.text == "Service Unavailable", "\(target)")
      #expect(answer.header("X-Prometheus-Stopping") == "false" && answer.header("Retry-After") != nil)
    }
    for target in ["/api/v1/status/buildinfo", "/api/v1/status/walreplay", "/-/healthy", "/metrics"] {
      #expect(try bench.get(target).status == 200, "\(target)")
    }
  }

  private func list(_ bench: APIBench, _ target: String) throws -> [String] {
    let answer = try bench.get(target)
    #expect(answer.status == 200, "\(target): \(answer.text)")
    return try JSONValue(parsing: answer.body)["data"].array?.compactMap(\.string) ?? []
  }
}

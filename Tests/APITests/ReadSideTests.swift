import Format
import Model
import Platform
import TestKit
import Testing

@testable import API
@testable import Ingest

@Suite struct ReadSideTests {
  @Test("what senders say of their metrics is told, each thing once, in order")
  func metadata() throws {
    let bench = try APIBench()
    var body = RemoteWriteBody()
    body.add("requests_total", [:], [(APIBench.now - 1000, 1)])
    body.add(metadata: "requests_total", kind: 1, help: "Requests <served>.", unit: "")
    body.add(metadata: "requests_total", kind: 1, help: "Requests <served>.", unit: "")
    body.add(metadata: "requests_total", kind: 2, help: "Other.", unit: "s")
    body.add(metadata: "wait_seconds", kind: 3, help: "Wait.", unit: "seconds")
    body.add(metadata: "odd", kind: 99, help: "", unit: "")
    #expect(try bench.write(body.snappy, RemoteWriteBody.headers).status == 204)
    let one = try bench.get("/api/v1/metadata?metric=requests_total").text
    #expect(
      one == #"{"status":"success","data":{"requests_total":["#
        + #"{"type":"counter","unit":"","help":"Requests \u003cserved\u003e."},"#
        + #"{"type":"gauge","unit":"s","help":"Other."}]}}"#)
    let first = try JSONValue(parsing: try bench.get("/api/v1/metadata?metric=requests_total&limit_per_metric=1").body)
    #expect(first["data"]["requests_total"].array?.count == 1)
    let all = try JSONValue(parsing: try bench.get("/api/v1/metadata").body)["data"]
    #expect(all["wait_seconds"][0]["type"].string == "histogram" && all["odd"][0]["type"].string == "unknown")
    // The server's own metrics have their help, too.
    #expect(all["prometheus_tsdb_head_series"][0]["type"].string == "gauge")
    #expect(try JSONValue(parsing: try bench.get("/api/v1/metadata?limit=2").body)["data"].members?.count == 2)
  }

  @Test("metadata is bounded and forgotten after a day")
  func metadataBounds() throws {
    let store = MetadataStore(hash: KeyedHash(key: (1, 2)))
    func note(_ name: String, at time: Int64) {
      var body = RemoteWriteBody()
      body.add(metadata: name, kind: 1, help: "h", unit: "")
      var rows = WriteRequestRows()
      body.message.withUnsafeBytes { bytes in
        do {
          try WriteRequestScanner.scan(bytes, key: KeyedHash(key: (1, 2)), into: &rows)
        } catch {
          Issue.record("\(error)")
        }
        store.note(rows.metadata, in: LentBytes(bytes), now: time)
      }
    }
    note("a", at: 0)
    note("b", at: 1000)
    note("a", at: 80_000_000)
    #expect(store.metadata(now: 80_000_000).keys.sorted() == ["a", "b"])
    #expect(store.metadata(now: 90_000_000).keys.sorted() == ["a"])
    #expect(store.metadata(of: "b", now: 1000).count == 1)
  }

  @Test("the running queries are told by workspace, and one that is not there cannot be ended")
  func activeQueries() throws {
    let bench = try APIBench()
    let empty = try bench.get("/api/v1/status/active_queries")
    #expect(empty.status == 200 && empty.text == #"{"status":"success","data":[]}"#)
    var connection = try bench.connection()
    let answer = try connection.exchange("DELETE", "/api/v1/status/active_queries?id=7")
    #expect(answer.status == 404)
    #expect(try JSONValue(parsing: answer.body)["errorType"].string == "not_found")
  }

  @Test("status/tsdb counts a selection, and the values of a label, as it counts all")
  func cardinality() throws {
    let bench = try APIBench()
    var body = RemoteWriteBody()
    for index in 0..<40 {
      body.add(index % 4 == 0 ? "few" : "many", ["id": "\(index)", "host": "h\(index % 3)"], [(APIBench.now - 1, 1)])
    }
    #expect(try bench.write(body.snappy, RemoteWriteBody.headers).status == 204)
    func status(_ parameters: String) throws -> JSONValue {
      let answer = try bench.get("/api/v1/status/tsdb\(parameters)")
      #expect(answer.status == 200, "\(answer.text)")
      return try JSONValue(parsing: answer.body)["data"]
    }
    let all = try status("?limit=100")
    // The same by the labels of the series and by the index.
    let selected = try status("?limit=100&match[]=\(percentEncoded("{__name__=~\".+\"}"))")
    for name in [
      "headStats", "seriesCountByMetricName", "labelValueCountByLabelName", "memoryInBytesByLabelName",
      "seriesCountByLabelValuePair",
    ] { #expect(all[name] == selected[name], "\(name)") }
    #expect(all["seriesCountByLabelName"].isNull)
    let few = try status("?match[]=few&focusLabel=host")
    #expect(few["headStats"]["numSeries"].number == 10)
    #expect(few["seriesCountByMetricName"][0]["name"].string == "few")
    #expect(few["seriesCountByFocusLabelValue"].array?.compactMap { $0["value"].number }.reduce(0, +) == 10)
    #expect(try status("?focusLabel=host")["seriesCountByFocusLabelValue"][0]["value"].number == 14)
    #expect(try bench.get("/api/v1/status/tsdb?limit=10001").text.contains("limit must not exceed 10000"))
  }

  @Test("links follow the external address and the prefix")
  func links() {
    #expect(WebLinks().externalPath == "/" && WebLinks(routePrefix: "/a/b").externalPath == "/a/b/")
    let links = WebLinks(externalURL: "https://example.org/x/?q", routePrefix: "/x")
    #expect(links.externalPath == "/x/" && links.routePrefix == "/x/")
    #expect(links.globalURL(of: "http://localhost:9090/x/metrics") == "https://example.org/x/metrics")
    #expect(WebLinks(externalURL: "http://example.org:80").externalPath == "/")
  }
}

import Format
import Platform
import PlatformSimulation
import Rules
import TestKit
import Testing

@testable import API

@Suite struct RuleStoreEndpointTests {
  private static func bench(isEnabled: Bool = true) throws -> APIBench {
    let disk = SimulatedDisk()
    let log = Log(level: .error, format: .logfmt) { _ in }
    let damaged = DamagedFiles(
      Quarantine(disk, "/quarantine", log: log), names: [], log: log, registry: MetricsRegistry())
    var limits = RuleStoreLimits()
    limits.groupsMax = 3
    let store = RuleStore("/apus.rules", on: disk, limits: limits, log: log, damaged: damaged)
    let groups: @Sendable () -> [RuleGroupView] = {
      store.groups.map { group in
        RuleGroupView(
          file: group.file, name: group.name, intervalMilliseconds: 1, queryOffsetMilliseconds: 0, limit: 0,
          rules: group.rules.map { RuleView(definition: $0, query: $0.expression) })
      }
    }
    return try APIBench(
      rules: RuleFacts(groups: { _ in groups() }, alertmanagers: { _ in .init() }, store: { _ in store }),
      isRulesAPIEnabled: isEnabled)
  }

  private static let group = "name: g/1\nrules:\n- record: a\n  expr: up\n"

  private func send(
    _ bench: APIBench, _ method: String, _ path: String, _ body: String = "", _ headers: [(String, String)] = []
  ) throws -> HTTPAnswer {
    var connection = try bench.connection()
    return try connection.exchange(method, path, headers: headers, body: Array(body.utf8))
  }

  @Test("groups are put, read and deleted under every path that clients know, with escaped names")
  func paths() throws {
    let bench = try Self.bench()
    for path in [
      "/config/v1/rules", "/prometheus/config/v1/rules", "/prometheus/rules", "/api/prom/rules", "/api/v1/rules",
      "/workspaces/default/config/v1/rules", "/workspaces/default/api/v1/rules",
    ] {
      let put = try send(bench, "POST", path + "/n%2Fs%20%C3%B6", Self.group)
      #expect(put.status == 202 && put.text == #"{"status":"success"}"#, "\(path) \(put.text)")
      #expect(put.header("Content-Type") == "application/json")
      let one = try send(bench, "GET", path + "/n%2Fs%20%C3%B6/g%2F1")
      #expect(one.status == 200 && one.text == Self.group && one.header("Content-Type") == "application/yaml")
      let namespace = try send(bench, "GET", path + "/n%2Fs%20%C3%B6")
      #expect(namespace.text == "n/s ö:\n- name: g/1\n  rules:\n  - record: a\n    expr: up\n", "\(namespace.text)")
      if path.hasSuffix("/api/v1/rules") {
        let list = try JSONValue(parsing: try send(bench, "GET", path).body)["data"]["groups"]
        #expect(list[0]["file"].string == "n/s ö" && list[0]["name"].string == "g/1")
      } else {
        #expect(try send(bench, "GET", path).text == namespace.text)
      }
      #expect(try send(bench, "DELETE", path + "/n%2Fs%20%C3%B6/g%2F1").status == 202)
      #expect(try send(bench, "POST", path + "/x", Self.group).status == 202)
      #expect(try send(bench, "DELETE", path + "/x").status == 202)
    }
  }

  @Test("what is not there is told in the words of the server whose path it is")
  func missing() throws {
    let bench = try Self.bench()
    for path in ["/config/v1/rules", "/config/v1/rules/n", "/prometheus/config/v1/rules"] {
      let answer = try send(bench, "GET", path)
      #expect(answer.status == 200 && answer.text == "{}\n" && answer.header("Content-Type") == "application/yaml")
    }
    for path in ["/api/prom/rules", "/api/v1/rules/n", "/api/prom/rules/%FF"] {
      let answer = try send(bench, "GET", path)
      #expect(answer.status == 404 && answer.text == "no rule groups found\n")
    }
    // By this one Grafana finds out that there is such an API.
    let probe = try send(bench, "GET", "/config/v1/rules/test/test")
    #expect(probe.status == 404 && probe.text == "group does not exist\n")
    #expect(try send(bench, "DELETE", "/config/v1/rules/n/g").text == "group does not exist\n")
    let namespace = try send(bench, "DELETE", "/api/v1/rules/n")
    #expect(namespace.status == 404 && namespace.text == "group namespace does not exist\n")
    #expect(try send(bench, "DELETE", "/api/v1/rules").status == 405)
  }

  @Test("a group that cannot be read, breaks a rule or a limit is refused with the reason")
  func refusals() throws {
    let bench = try Self.bench()
    func refusal(_ body: String) throws -> String {
      let answer = try send(bench, "POST", "/config/v1/rules/n", body)
      #expect(answer.status == 400)
      return answer.text
    }
    #expect(try refusal("name: [").hasPrefix("unable to decode rule group: 2:1: "))
    #expect(try refusal("") == "unable to decode rule group: 1:1: nothing is no rule group\n")
    #expect(try refusal("rules: []") == "1:1: Groupname must not be empty\n")
    for name in ["a", "b", "c"] {
      #expect(try send(bench, "POST", "/config/v1/rules/n", "name: \(name)").status == 202)
    }
    #expect(try refusal("name: d") == "per-user rule groups limit (limit: 3 actual: 4) exceeded\n")
    // A body is a body, whatever curl calls it.
    let form = [("Content-Type", "application/x-www-form-urlencoded")]
    #expect(try send(bench, "POST", "/config/v1/rules/n", "name: a", form).status == 202)
    #expect(try send(bench, "POST", "/workspaces/nope/config/v1/rules/n", "name: a").status == 404)
  }

  @Test("without leave of the operator, and for pages of other origins, nothing is changed")
  func leave() throws {
    let closed = try Self.bench(isEnabled: false)
    for (method, path) in [("POST", "/n"), ("DELETE", "/n"), ("DELETE", "/n/g")] {
      let answer = try send(closed, method, "/config/v1/rules" + path, Self.group)
      #expect(answer.status == 403 && answer.text.contains("--web.enable-rules-api"))
    }
    #expect(try send(closed, "GET", "/config/v1/rules").text == "{}\n")
    let open = try Self.bench()
    for origin in ["https://evil.example", "null", "http://"] {
      let answer = try send(open, "POST", "/config/v1/rules/n", Self.group, [("Origin", origin)])
      #expect(answer.status == 403 && answer.text.contains("another origin"), "\(origin)")
    }
    #expect(try send(open, "GET", "/config/v1/rules").text == "{}\n")
    let own = [("Origin", "http://LocalHost:\(open.port)")]
    #expect(try send(open, "POST", "/config/v1/rules/n", Self.group, own).status == 202)
  }

  @Test("Grafana is told of the API where groups may be changed")
  func grafana() throws {
    let open = try JSONValue(parsing: try Self.bench().get("/api/v1/status/buildinfo").body)["data"]
    #expect(open["application"].string == "Grafana Mimir" && open["features"]["ruler_config_api"].string == "true")
    let closed = try JSONValue(parsing: try Self.bench(isEnabled: false).get("/api/v1/status/buildinfo").body)["data"]
    #expect(closed["features"].isNull && closed["application"].isNull && closed["version"].string == "3.5.0")
  }
}

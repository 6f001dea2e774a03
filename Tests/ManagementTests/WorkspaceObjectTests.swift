import Access
import Format
import HTTP
import PlatformSimulation
import TSDB
import TestKit
import Testing
import Workspaces

@testable import Management

@Suite("Logs, policies and limits of label sets over the management API")
struct WorkspaceObjectTests {
  @Test("limits of label sets are kept in their order, are in force at once, and come back after a restart")
  func labelSets() throws {
    let disk = SimulatedDisk()
    var bench = try ManagementBench(disk: disk)
    let id = try bench.make()
    let parts = ["workspaceId": id]
    let sets =
      "[{\"limits\":{\"maxSeries\":5},\"labelSet\":{\"job\":\"b\",\"a\":\"x\"}},{\"limits\":{\"maxSeries\":0},\"labelSet\":{}}]"
    _ = try bench.call(.updateWorkspaceConfiguration, parts, "{\"limitsPerLabelSet\":\(sets)}")
    _ = try bench.call(.updateWorkspaceConfiguration, parts, "{\"retentionPeriodInDays\":3}")
    for isRestarted in [false, true] {
      if isRestarted {
        bench.set.close()
        bench = try ManagementBench(disk: disk)
      }
      let limits = try #require(bench.set[id]?.present.database.head.limits.labelSets)
      #expect(limits.map(\.seriesMax) == [5, 0] && limits[1].labels.isEmpty)
      #expect(bench.set[id]?.database.head.labelSetCounts.map(\.limit) == limits)
      let described = try bench.call(.describeWorkspaceConfiguration, parts)["workspaceConfiguration"]
      guard case .array(let entries) = described?["limitsPerLabelSet"] else {
        Issue.record("no list")
        return
      }
      #expect(entries.count == 2 && entries[0]["labelSet"]?["a"]?.text == "x")
      #expect(entries[0]["limits"]?["maxSeries"]?.integer == 5 && entries[1]["labelSet"] == .object([]))
    }
    for wrong in [
      "1", "[{}]", "[{\"limits\":{}}]", "[{\"limits\":{\"maxSeries\":-1},\"labelSet\":{}}]",
      "[{\"limits\":{},\"labelSet\":{\"1a\":\"x\"}}]", "[{\"limits\":{},\"labelSet\":{\"a\":\"\"}}]",
      "[{\"limits\":{},\"labelSet\":{}},{\"limits\":{},\"labelSet\":{}}]",
    ] {
      let kind = bench.failure { () throws(ManagementError) in
        try bench.call(.updateWorkspaceConfiguration, parts, "{\"limitsPerLabelSet\":\(wrong)}")
      }
      #expect(kind == .validation, "\(wrong)")
    }
    _ = try bench.call(.updateWorkspaceConfiguration, parts, "{\"limitsPerLabelSet\":[]}")
    #expect(bench.set[id]?.present.database.head.limits.labelSets == [])
  }

  @Test("destinations of logs are made once, changed, described, deleted, and put into force over restarts")
  func logs() throws {
    let disk = SimulatedDisk()
    var bench = try ManagementBench(disk: disk)
    let id = try bench.make()
    let arn = "arn:aws:logs:eu-west-1:123456789012:log-group:/x/y:*"
    let rules = "{\"logGroupArn\":\"\(arn)\"}"
    func queries(_ samples: String) -> String {
      "{\"destinations\":[{\"cloudWatchLogs\":\(rules),\"filters\":{\"qspThreshold\":\(samples)}}]}"
    }
    for target in [id, "default"] {
      let parts = ["workspaceId": target]
      func kind(_ operation: ManagementOperation, _ body: String = "{}") -> ManagementError.Kind? {
        bench.failure { () throws(ManagementError) in try bench.call(operation, parts, body) }
      }
      #expect(kind(.describeLoggingConfiguration) == .notFound && kind(.updateLoggingConfiguration, rules) == .notFound)
      #expect(kind(.createLoggingConfiguration, rules) == nil && kind(.createLoggingConfiguration, rules) == .conflict)
      #expect(kind(.createQueryLoggingConfiguration, queries("-1")) == .validation)
      #expect(kind(.createQueryLoggingConfiguration, "{\"destinations\":[]}") == .validation)
      for wrong in ["arn:aws:logs:eu-west-1:123456789012:log-group:x", "x", "arn:aws:logs:eu-west-1:1:log-group:x:*"] {
        #expect(kind(.updateLoggingConfiguration, "{\"logGroupArn\":\"\(wrong)\"}") == .validation)
      }
      #expect(kind(.createQueryLoggingConfiguration, queries("7")) == nil)
      #expect(kind(.updateQueryLoggingConfiguration, queries("9")) == nil)
    }
    bench.set.close()
    bench = try ManagementBench(disk: disk)
    for target in [id, "default"] {
      let parts = ["workspaceId": target]
      #expect(bench.set[target]?.present.logging.querySamplesMin == 9)
      #expect(bench.set[target]?.present.logging.areRulesLogged == true)
      let described = try bench.call(.describeQueryLoggingConfiguration, parts)["queryLoggingConfiguration"]
      guard case .array(let destinations) = described?["destinations"] else {
        Issue.record("no list")
        return
      }
      #expect(destinations[0]["filters"]?["qspThreshold"]?.integer == 9)
      #expect(destinations[0]["cloudWatchLogs"]?["logGroupArn"]?.text == arn)
      _ = try bench.call(.deleteQueryLoggingConfiguration, parts)
      _ = try bench.call(.deleteLoggingConfiguration, parts)
      #expect(bench.set[target]?.present.logging == WorkspaceLogging())
    }
  }

  @Test("a policy is stored with a revision that the next change has to name, and is in force over restarts")
  func policies() throws {
    let disk = SimulatedDisk()
    var bench = try ManagementBench(disk: disk)
    let id = try bench.make()
    let parts = ["workspaceId": id]
    let arn = try #require(bench.managed[id]).arn
    func body(_ effect: String, _ revision: String?) -> String {
      var json = ManagementJSON()
      json.add(
        "policyDocument",
        "{\"Statement\":{\"Effect\":\"\(effect)\",\"Principal\":\"*\",\"Action\":\"aps:RemoteWrite\",\"Resource\":\"\(arn)\"}}"
      )
      json.add("revisionId", revision)
      return json.text
    }
    func kind(_ operation: ManagementOperation, _ body: String, _ query: String? = nil) -> ManagementError.Kind? {
      bench.failure { () throws(ManagementError) in
        try bench.call(operation, parts, query: query.map { [("revisionId", $0)] } ?? [], body)
      }
    }
    #expect(kind(.putResourcePolicy, "{}") == .validation)
    #expect(kind(.putResourcePolicy, body("Allow", "other")) == .conflict)
    let first = try bench.call(.putResourcePolicy, parts, body("Allow", "NO_POLICY"))["revisionId"]?.text
    #expect(bench.policies[id]?.verdict("x", RouteAction("aps:RemoteWrite")) == .allow)
    #expect(kind(.putResourcePolicy, body("Deny", "NO_POLICY")) == .conflict)
    let second = try bench.call(.putResourcePolicy, parts, body("Deny", first))["revisionId"]?.text
    bench.set.close()
    bench = try ManagementBench(disk: disk)
    #expect(bench.policies[id]?.verdict("x", RouteAction("aps:RemoteWrite")) == .deny)
    let described = try bench.call(.describeResourcePolicy, parts)
    #expect(described["revisionId"]?.text == second && described["policyDocument"]?.text?.contains("Deny") == true)
    #expect(kind(.deleteResourcePolicy, "{}", first) == .conflict && kind(.deleteResourcePolicy, "{}", second) == nil)
    #expect(bench.policies[id] == nil && kind(.describeResourcePolicy, "{}") == .notFound)
    #expect(kind(.deleteResourcePolicy, "{}") == .notFound)
  }
}

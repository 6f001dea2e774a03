import Format
import PlatformSimulation
import TestKit
import Testing

@testable import Management

@Suite("Rule groups namespaces over the management API")
struct RuleNamespaceTests {
  private static let file = "groups:\n- name: g\n  rules:\n  - record: a:b\n    expr:   sum(up) # kept\n"
  private static let other = "groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]\n"

  private func body(_ name: String?, _ file: String, tags: String = "{}") -> String {
    let data = Base64.encode(Array(file.utf8))
    return "{\(name.map { "\"name\":\"\($0)\"," } ?? "")\"data\":\"\(data)\",\"tags\":\(tags)}"
  }

  @Test(
    "a namespace is made, described byte for byte, changed, listed by prefix and page, tagged and deleted, over restarts"
  )
  func life() throws {
    let disk = SimulatedDisk()
    var bench = try ManagementBench(disk: disk)
    let id = try bench.make()
    let parts = ["workspaceId": id, "name": "a b/c"]
    let made = try bench.call(.createRuleGroupsNamespace, parts, body("a b/c", Self.file, tags: "{\"k\":\"v\"}"))
    let arn = try #require(made["arn"]?.text)
    #expect(arn.hasSuffix("rulegroupsnamespace/\(id)/a b/c") && made["status"]?["statusCode"]?.text == "ACTIVE")
    for name in ["b1", "b2"] {
      _ = try bench.call(.createRuleGroupsNamespace, parts, body(name, Self.other))
    }
    bench.set.close()
    bench = try ManagementBench(disk: disk)
    let described = try #require(try bench.call(.describeRuleGroupsNamespace, parts)["ruleGroupsNamespace"])
    #expect(described["data"]?.text.flatMap(Base64.decode) == Array(Self.file.utf8))
    #expect(described["createdAt"] == described["modifiedAt"] && described["tags"]?["k"]?.text == "v")
    bench.clock.advance(milliseconds: 5_000)
    _ = try bench.call(.putRuleGroupsNamespace, parts, body(nil, Self.other))
    let changed = try #require(try bench.call(.describeRuleGroupsNamespace, parts)["ruleGroupsNamespace"])
    #expect(changed["data"]?.text.flatMap(Base64.decode) == Array(Self.other.utf8))
    #expect(changed["createdAt"] == described["createdAt"] && changed["modifiedAt"] != described["modifiedAt"])
    #expect(bench.set[id]?.rules.store.groups.count == 3)

    let page = try bench.call(.listRuleGroupsNamespaces, parts, query: [("name", "b"), ("maxResults", "1")])
    let token = try #require(page["nextToken"]?.text)
    let rest = try bench.call(.listRuleGroupsNamespaces, parts, query: [("name", "b"), ("nextToken", token)])
    #expect(names(page) == ["b1"] && names(rest) == ["b2"] && rest["nextToken"] == nil)

    _ = try bench.call(.tagResource, ["resourceArn": arn], "{\"tags\":{\"x\":\"y\"}}")
    #expect(try bench.call(.listTagsForResource, ["resourceArn": arn])["tags"]?["x"]?.text == "y")
    _ = try bench.call(.deleteRuleGroupsNamespace, parts)
    #expect(bench.managed[id]?.resourceTags == [:])
    for failure in [
      bench.failure { () throws(ManagementError) in try bench.call(.describeRuleGroupsNamespace, parts) },
      bench.failure { () throws(ManagementError) in try bench.call(.deleteRuleGroupsNamespace, parts) },
      bench.failure { () throws(ManagementError) in try bench.call(.putRuleGroupsNamespace, parts, body(nil, Self.file))
      },
      bench.failure { () throws(ManagementError) in try bench.call(.listTagsForResource, ["resourceArn": arn]) },
    ] { #expect(failure == .notFound) }
  }

  private func names(_ answer: JSONDocument) -> [String] {
    guard case .array(let list) = answer["ruleGroupsNamespaces"] else { return [] }
    return list.compactMap { $0["name"]?.text }
  }

  @Test("mistakes are refused with what is wrong, and change nothing")
  func mistakes() throws {
    let bench = try ManagementBench()
    let id = try bench.make()
    let parts = ["workspaceId": id, "name": "n"]
    _ = try bench.call(.createRuleGroupsNamespace, parts, body("n", Self.file, tags: "{\"k\":\"v\"}"))
    func text(_ name: String?, _ file: String, _ operation: ManagementOperation = .createRuleGroupsNamespace) -> String
    {
      do throws(ManagementError) {
        _ = try bench.call(operation, parts, body(name, file))
        return ""
      } catch { return "\(error.kind.rawValue): \(error.message)" }
    }
    #expect(text("n", Self.other).hasPrefix("ConflictException"))
    #expect(text("m", "groups: [{name: g, rules: [{record: x, expr: 'sum('}]}]").contains("could not parse expression"))
    #expect(text("m", "groups: [{nam: g}]").contains("field nam not found"))
    #expect(text("m", Base64.encode(Array(Self.file.utf8))).contains("base64 themselves"))
    #expect(text("-", Self.file).contains("a letter or a digit"))
    #expect(text(nil, Self.file).contains("name is required"))
    #expect(text(nil, "groups: 1", .putRuleGroupsNamespace).hasPrefix("ValidationException"))
    #expect(bench.set[id]?.rules.store["n"]?.text == Self.file)
    #expect(bench.managed[id]?.resourceTags == ["rulegroupsnamespace/\(id)/n": ["k": "v"]])
  }

  @Test(
    "a crash at any step of making or deleting a namespace leaves one that can be described and deleted, or none",
    arguments: [true, false])
  func crashes(_ isMaking: Bool) throws {
    for step in 0..<200 {
      let disk = SimulatedDisk()
      let bench = try ManagementBench(disk: disk)
      let id = try bench.make()
      let parts = ["workspaceId": id, "name": "n"]
      let create = body("n", Self.file, tags: "{\"k\":\"v\"}")
      if !isMaking { _ = try bench.call(.createRuleGroupsNamespace, parts, create) }
      disk.stop(afterOperation: disk.operationCount + step)
      let failed = bench.failure { () throws(ManagementError) in
        isMaking
          ? try bench.call(.createRuleGroupsNamespace, parts, create)
          : try bench.call(.deleteRuleGroupsNamespace, parts)
      }
      let isDone = !disk.isStopped
      _ = disk.crash(seed: UInt64(step))
      let after = try ManagementBench(disk: disk)
      let found = try? after.call(.describeRuleGroupsNamespace, parts)["ruleGroupsNamespace"]
      if failed == nil { #expect((found != nil) == isMaking, "step \(step)") }
      if let found {
        #expect(found["tags"]?["k"]?.text == "v", "step \(step)")
        _ = try after.call(.deleteRuleGroupsNamespace, parts)
      }
      _ = try after.call(.createRuleGroupsNamespace, parts, body("n", Self.file))
      #expect(after.managed[id]?.resourceTags == [:], "step \(step)")
      if isDone { return #expect(step > 6 && failed == nil) }
    }
    Issue.record("the change never ended")
  }
}

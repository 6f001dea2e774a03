import Format
import HTTP
import Model
import Platform
import PlatformSimulation
import TSDB
import TestKit
import Testing
import Workspaces

@testable import Management

@Suite("Workspaces that the API has made")
struct ManagedWorkspacesTests {
  @Test("a workspace is served at once, over reloads and restarts, with alias, tags, settings and blobs")
  func restart() throws {
    let disk = SimulatedDisk()
    var bench: ManagementBench? = try ManagementBench(disk: disk, ["named"])
    let id = try #require(try bench?.make("{\"alias\":\" a \",\"tags\":{\"k\":\"v\"}}"))
    _ = try bench?.call(
      .updateWorkspaceConfiguration, ["workspaceId": id],
      "{\"retentionPeriodInDays\":3,\"outOfOrderTimeWindowInSeconds\":0,\"ruleQueryOffsetInSeconds\":7}")
    try bench?.managed.change(id) { record in
      record.blobs["definition"] = .init([0, 255], createdMilliseconds: 1, modifiedMilliseconds: 2)
      record.resourceTags["rulegroupsnamespace/\(id)/x"] = [:]
    }
    let record = bench?.managed[id]
    for isRestarted in [false, true] {
      if isRestarted {
        bench?.set.close()
        bench = try ManagementBench(disk: disk, ["named"])
      } else {
        bench?.reload(["named"])
      }
      #expect(bench?.managed[id] == record && record?.alias == "a")
      let settings = try #require(bench?.set[id]?.present)
      #expect(settings.id == id && settings.database.retentionMilliseconds == 3 * 86_400_000)
      #expect(settings.database.head.lateWindowMilliseconds == 0)
      #expect(settings.ruleOptions.queryOffsetMilliseconds == 7_000 && settings.alias == "a")
    }
  }

  @Test(
    "a crash at any step of making or deleting leaves all of a workspace or nothing of it", arguments: [true, false])
  func crashes(_ isMaking: Bool) throws {
    for step in 0..<400 {
      let disk = SimulatedDisk()
      let bench = try ManagementBench(disk: disk)
      var id = try bench.make("{\"alias\":\"first\"}")
      disk.stop(afterOperation: disk.operationCount + step)
      let failed: ManagementError.Kind?
      if isMaking {
        failed = bench.failure { () throws(ManagementError) in
          id = ""
          id = try bench.make("{\"alias\":\"second\"}")
          return .null
        }
      } else {
        failed = bench.failure { () throws(ManagementError) in try bench.call(.deleteWorkspace, ["workspaceId": id]) }
      }
      let isDone = !disk.isStopped
      _ = disk.crash(seed: UInt64(step))
      let after = try ManagementBench(disk: disk)
      let found = after.managed.all.filter(\.isMade)
      let aliases = found.map { $0.alias ?? "" }.sorted()
      let (old, new) = isMaking ? (["first"], ["first", "second"]) : (["first"], [])
      #expect(aliases == new || (aliases == old && failed != nil), "step \(step): \(aliases)")
      for record in found { #expect(after.set[record.id]?.id == record.id, "step \(step)") }
      let folders = try disk.list("/data/workspaces")
      #expect(folders == found.map(\.id), "step \(step): \(folders)")
      if isDone { return #expect(step > 4 && failed == nil) }
    }
    Issue.record("the change never ended")
  }

  @Test("a damaged record is told and kept, the one before it counts, and the workspace stays")
  func damage() throws {
    let disk = SimulatedDisk()
    let bench = try ManagementBench(disk: disk)
    let id = try bench.make("{\"alias\":\"first\"}")
    try bench.managed.change(id) { $0.alias = "second" }
    bench.set.close()
    let path = "/data/workspaces/\(id)/apus.managed"
    for (round, expected) in [(0, "first"), (1, nil)] as [(Int, String?)] {
      if round == 1 { try disk.removeFile(path + ".previous") }
      let file = try disk.open(path, .readWrite)
      unsafe try withUnsafeBytes(of: UInt8(0)) { unsafe try file.write($0, at: 20) }
      try file.close()
      let after = try ManagementBench(disk: disk)
      #expect(after.managed[id]?.alias == expected && after.managed[id]?.isMade == true)
      #expect(after.set[id]?.id == id)
      let counted = after.registry.families().first { $0.name == "apus_damaged_files_total" }?.samples
        .first { $0.labels.contains { $0.value == "apus.managed" } }?.value
      #expect(counted == 1)
      after.set.close()
    }
    #expect(try disk.list("/data/quarantine").contains { $0.hasPrefix("apus.managed") })
  }

  @Test("what the configuration file sets is described and not overridden")
  func configured() throws {
    let bench = try ManagementBench(["named", "plain"])
    func alias(_ id: String) -> ManagementError.Kind? {
      bench.failure { () throws(ManagementError) in
        try bench.call(.updateWorkspaceAlias, ["workspaceId": id], "{\"alias\":\"x\"}")
      }
    }
    #expect(alias("named") == .conflict && alias("plain") == nil && alias("default") == nil)
    #expect(bench.set["plain"]?.present.alias == "x" && bench.set["named"]?.present.alias == "by-file")
    for id in ["default", "plain"] {
      let deletion = bench.failure { () throws(ManagementError) in
        try bench.call(.deleteWorkspace, ["workspaceId": id])
      }
      let update = bench.failure { () throws(ManagementError) in
        try bench.call(.updateWorkspaceConfiguration, ["workspaceId": id], "{\"retentionPeriodInDays\":3}")
      }
      #expect(deletion == .conflict && update == .conflict)
    }
    bench.reload(["plain"])
    #expect(bench.set["named"] == nil && bench.set["plain"]?.present.alias == "x")
  }

  @Test("one more than there is room for is a quota, and leaves nothing behind")
  func quota() throws {
    let bench = try ManagementBench(bound: WorkspaceBound(descriptors: 36, reserved: 24))
    _ = try bench.make()
    #expect(bench.failure { () throws(ManagementError) in try bench.call(.createWorkspace, "{}") } == .quotaExceeded)
    #expect(try disk(bench).count == 1 && bench.managed.all.count == 2)
  }

  private func disk(_ bench: ManagementBench) throws -> [String] { try bench.disk.list("/data/workspaces") }

  @Test("a token answers the same call for an hour, is taken for no other, and forgets a failure")
  func tokens() throws {
    let bench = try ManagementBench()
    let body = "{\"alias\":\"a\",\"clientToken\":\"t\"}"
    let id = try bench.make(body)
    #expect(try bench.make(body) == id)
    #expect(
      bench.failure { () throws(ManagementError) in
        try bench.call(.createWorkspace, "{\"alias\":\"b\",\"clientToken\":\"t\"}")
      } == .conflict)
    bench.clock.advance(milliseconds: ClientTokens.keptMilliseconds)
    #expect(try bench.make(body) != id)
    bench.disk.inject(SimulatedFault(code: 28) { _, path in path.contains("/.new-") })
    let failing = "{\"alias\":\"c\",\"clientToken\":\"u\"}"
    #expect(bench.failure { () throws(ManagementError) in try bench.call(.createWorkspace, failing) } == .internalError)
    bench.disk.removeFaults()
    #expect(try bench.make(failing).hasPrefix("ws-"))
  }

  @Test(
    "wrong members are refused, and nothing is made",
    arguments: [
      "{\"alias\":\"\"}", "{\"alias\":\"  \"}", "{\"alias\":3}", "{\"tags\":[]}", "{\"tags\":{\"\":\"v\"}}",
      "{\"tags\":{\"AWS:x\":\"v\"}}", "{\"tags\":{\"k\":\"<\"}}", "{\"clientToken\":\"a b\"}",
      "{\"kmsKeyArn\":\"arn\"}",
    ])
  func wrong(_ body: String) throws {
    let bench = try ManagementBench()
    #expect(bench.failure { () throws(ManagementError) in try bench.call(.createWorkspace, body) } == .validation)
    #expect(bench.managed.all.map(\.id) == ["default"])
  }

  @Test("50 tags are room enough, and one more is refused")
  func tagCount() throws {
    let bench = try ManagementBench()
    let id = try bench.make()
    let arn = try #require(bench.managed[id]?.arn)
    let tags = (0..<50).map { "\"k\($0)\":\"v\"" }.joined(separator: ",")
    _ = try bench.call(.tagResource, ["resourceArn": arn], "{\"tags\":{\(tags)}}")
    let another = bench.failure { () throws(ManagementError) in
      try bench.call(.tagResource, ["resourceArn": arn], "{\"tags\":{\"more\":\"v\"}}")
    }
    #expect(another == .validation && bench.managed[id]?.tags.count == 50)
  }

  @Test("an operation that is not served says so")
  func notServed() throws {
    let bench = try ManagementBench()
    #expect(bench.failure { () throws(ManagementError) in try bench.call(.createScraper, "{}") } == .validation)
  }
}
